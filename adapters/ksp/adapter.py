"""The adapter of KSP (Kantor Staf Presiden): polls complaints from SP4N-LAPOR!, and delivers complaints and
follow-ups to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import httpx

from adapters.ksp import mapping
from adapters.ksp.client import AGENCY, TOKEN_HEADER, Client, KspSettings
from adapters.ksp.stream import COMPLAINT_FIELDS, Stream
from bus.kit import (
    AdapterFactory,
    AdapterSettings,
    AgencyFault,
    Classification,
    Deliver,
    Does,
    Event,
    Failure,
    Gateway,
    Operation,
    Outcome,
    Poll,
    Polled,
    Rows,
    deliver_one_by_one,
    make_http_client,
)

_FIRST = "1:"
"""The cursor at the beginning of a round."""


class KspAdapter(Deliver, Poll):
    """Speaks to LAPOR!.

    Args:
        settings: the gateway and the regency's account.
        http: a client with the gateway's address as its base URL.
        stream: LAPOR!'s older interface; None: the bus has no token for it.
    """

    def __init__(self, settings: KspSettings, http: httpx.AsyncClient, stream: Stream | None = None) -> None:
        self._client = Client(Gateway(http, settings, token_header=TOKEN_HEADER), settings)
        self._stream = stream

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        """One page of complaints. After the last page, the next round begins at the first page.

        LAPOR! does not say what changed. So each round reads all pages.
        """
        place = _read_place(cursor)
        page = await self._client.fetch_complaints(place.page)
        if not page.rows or page.mark == place.previous:  # an installation without pages repeats its list
            return Polled([], _FIRST)
        rows = Rows(mapping.SOURCE, page.rows, is_whole=False)
        return Polled([], f"{place.page + 1}:{page.mark}", more=True, rows=rows)

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        """Add follow-ups or complaints, unless LAPOR! has them from an earlier attempt."""
        send = {"aduan": self._put_complaint, "tindak-lanjut": self._put_followup}[operation]
        return await deliver_one_by_one(events, send)

    async def _put_complaint(self, event: Event) -> None:
        if self._stream is None:
            raise AgencyFault(Failure.SINK_DOWN, "the bus has no token for LAPOR!'s older interface: give STREAM_TOKEN")
        # LAPOR! takes no id. After a lost answer the reference in the text tells that it has the complaint.
        if not await self._client.has_complaint(event.reference):
            await self._stream.add(event.data, event.reference)

    async def _put_followup(self, event: Event) -> None:
        data, reference = event.data, event.reference
        number = data["nomor_laporan"]
        if await self._client.has_followup(number, reference):
            return
        body = mapping.mark_followup(mapping.write_followup(data), reference)
        if not await self._client.add_followup(number, body) and not await self._client.has_followup(number, reference):
            raise AgencyFault(
                Failure.TRANSIENT, f"{AGENCY} does not say that it took the follow-up, and does not list it"
            )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()
        if self._stream is not None:
            await self._stream.close()


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of a round: the number of the next page, and the digest of the page before."""

    page: int
    previous: str


def _read_place(cursor: str | None) -> _Place:
    page, _, previous = (cursor or _FIRST).partition(":")
    return _Place(int(page), previous)


class _Factory:
    name: ClassVar[str] = "ksp"
    participant: ClassVar[str] = "ksp"
    settings: ClassVar[type[AdapterSettings]] = KspSettings
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation(
            "laporan",
            Does.POLL,
            contract=mapping.CONTRACT,
            interval=300.0,
            fields=mapping.COMPLAINT_FIELDS,
            # The bus gets no reporter, but a complaint's text can name anybody.
            least=Classification.PERSONAL,
            person="/nomor_laporan",
        ),
        Operation(
            "aduan",
            Does.DELIVER,
            fields=COMPLAINT_FIELDS,
            least=Classification.PERSONAL,
            person="/nomor_aduan",
            definitions={"/pelapor/nik": "nik"},
        ),
        Operation("tindak-lanjut", Does.DELIVER, fields=mapping.FOLLOWUP_FIELDS, least=Classification.INTERNAL),
    )

    def create(self, settings: KspSettings) -> KspAdapter:
        return KspAdapter(settings, make_http_client(settings), _make_stream(settings))


def _make_stream(settings: KspSettings) -> Stream | None:
    if settings.stream_token is None:
        return None
    return Stream(make_http_client(settings, base_url=settings.stream_url), settings.stream_token)


FACTORY: AdapterFactory = _Factory()
