"""The adapter of Kemendagri: answers NIK lookups and verifications, and delivers usage data (data balikan)."""

import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
from cachetools import TLRUCache

from adapters.kemendagri import mapping
from adapters.kemendagri.client import Client, KemendagriSettings
from adapters.kemendagri.verdict import Verdict, check_answers
from bus.kit import (
    DELIVERED,
    AdapterFactory,
    AdapterSettings,
    AgencyFault,
    Classification,
    Deliver,
    Does,
    Event,
    Failure,
    Operation,
    Outcome,
    Query,
    Question,
    Quota,
    dump_canonical,
    make_http_client,
)

CARI_NIK = "cari-nik"
VERIFIKASI_NIK = "verifikasi-nik"
DATA_BALIKAN = "data-balikan"
_MOST_CACHED_BYTES = 4096
"""Most bytes of a cached answer. The registry chooses the size, so a bound on the number alone is not enough."""


@dataclass(frozen=True, slots=True)
class _Cached:
    """An answer, and for how many seconds it may be given again."""

    answer: Mapping[str, Any]
    seconds: float


class KemendagriAdapter(Deliver, Query):
    """Speaks to Dukcapil under one agreement.

    Args:
        settings: the agreement.
        http: a client with the registry's address as its base URL.
        clock: seconds that never run backwards, for the cache.
    """

    def __init__(
        self,
        settings: KemendagriSettings,
        http: httpx.AsyncClient,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._client = Client(http, settings)
        # The cache holds personal data: it stays in memory.
        self._answers: TLRUCache[Hashable, _Cached] = TLRUCache(
            settings.cache_size, lambda _, cached, at: at + cached.seconds, timer=clock
        )

    async def query(self, operation: str, question: Question) -> Mapping[str, Any]:
        """The registry's answer to a lookup or a verification, or a cached answer to the same question.

        Raises:
            QuotaExhausted: today's calls are used up, by the bus's count or the registry's.
            AgencyUnavailable: the registry did not answer, or gives no access at this hour.
            AgencyRefused: the registry refuses the account.
        """
        asked: Hashable = (question.cache_owner, operation, tuple(sorted(question.data.items())))
        # The library drops old answers only when a new one comes; personal data must not stay longer than agreed.
        self._answers.expire()
        cached = self._answers.get(asked)
        if cached is not None:
            return cached.answer
        await question.quota.take()
        answer = await (self._look_up if operation == CARI_NIK else self._verify)(question)
        seconds = min(self._settings.cache_seconds, question.cache_seconds)
        if seconds and len(dump_canonical(answer, str)) <= _MOST_CACHED_BYTES:
            self._answers[asked] = _Cached(answer, seconds)
        return answer

    async def _look_up(self, question: Question) -> Mapping[str, Any]:
        nik = question.data["nik"]
        return mapping.answer_lookup(await self._get_reply(self._client.look_up, {"nik": nik}, question.quota), nik)

    async def _verify(self, question: Question) -> Mapping[str, Any]:
        elements = mapping.write_elements(question.data)
        return mapping.answer_verification(await self._get_reply(self._client.verify, elements, question.quota))

    async def _get_reply(
        self, call: Callable[[Mapping[str, str]], Awaitable[Any]], elements: Mapping[str, str], quota: Quota
    ) -> mapping.Reply:
        try:
            reply = mapping.read_reply(await call(elements))
        except AgencyFault as fault:
            raise fault.to_refusal() from fault
        if reply.quota_left is not None:
            await quota.believe(reply.quota_left)
        if reply.verdict is Verdict.QUOTA_USED_UP:
            await quota.believe(0)
        check_answers(reply.verdict, reply.code)
        return reply

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        """Send usage data, all events in one call.

        "Sudah pernah dikirim" and a refusal of the content do not name an item. After one of them, the adapter sends each
        event alone.

        Raises:
            AgencyFault: the registry accepts no event now.
        """
        try:
            taken = await self._return_usage(events)
        except AgencyFault as fault:
            if fault.failure is not Failure.PERMANENT:
                raise
            if len(events) == 1:
                return [fault.to_outcome()]
            taken = False
        if taken or len(events) == 1:
            return [DELIVERED] * len(events)
        return [(await self.deliver(operation, [event]))[0] for event in events]

    async def _return_usage(self, events: Sequence[Event]) -> bool:
        settings = self._settings
        records = [event.data for event in events]
        return await self._client.return_usage(mapping.write_usage(records, settings.id_lembaga, settings.nama_lembaga))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()


class _Factory:
    name: ClassVar[str] = "kemendagri"
    participant: ClassVar[str] = "kemendagri"
    settings: ClassVar[type[AdapterSettings]] = KemendagriSettings
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation(
            CARI_NIK,
            Does.QUERY,
            fields=("/nik", "/ditemukan", "/penduduk", "/keterangan"),
            least=Classification.PERSONAL,
            person="/nik",
            definitions={"/nik": "nik", "/penduduk/nik": "nik", "/penduduk/nomor_kk": "nomor-kk"},
        ),
        Operation(
            VERIFIKASI_NIK,
            Does.QUERY,
            fields=("/nik", "/ditemukan", "/kecocokan", "/keterangan"),
            least=Classification.PERSONAL,
            person="/nik",
            definitions={"/nik": "nik", "/nomor_kk": "nomor-kk"},
        ),
        Operation(
            DATA_BALIKAN,
            Does.DELIVER,
            batch=100,
            fields=("/lembaga", "/nik", "/id_pelanggan"),
            least=Classification.PERSONAL,
            person="/nik",
            definitions={"/nik": "nik"},
        ),
    )

    def create(self, settings: KemendagriSettings) -> KemendagriAdapter:
        return KemendagriAdapter(settings, make_http_client(settings))


FACTORY: AdapterFactory = _Factory()
