"""The adapter of Kominfo: delivers services to the national catalogue, and polls indicators, both through SPLP.

Kominfo is now Komdigi (Kementerian Komunikasi dan Digital); the adapter keeps the old name.
"""

from collections.abc import Sequence
from typing import ClassVar

import httpx

from adapters.kominfo.client import Client, KominfoSettings
from adapters.kominfo.mapping import INDICATOR_FIELDS, SERVICE_FIELDS, write_service
from bus.kit import (
    AdapterFactory,
    AdapterSettings,
    Classification,
    Deliver,
    Does,
    Event,
    Gateway,
    Operation,
    Outcome,
    Poll,
    Polled,
    Rows,
    deliver_one_by_one,
    make_http_client,
)

INDICATOR = "satudata.indikator"
SOURCE = "/kominfo/splp/indikator"


class KominfoAdapter(Deliver, Poll):
    """Speaks to Kominfo's APIs.

    Args:
        settings: the gateway, the application's key and the APIs' contexts.
        http: a client with the gateway's address as its base URL.
    """

    def __init__(self, settings: KominfoSettings, http: httpx.AsyncClient) -> None:
        self._client = Client(Gateway(http, settings, token_header=settings.token_header), settings)

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        """Send services to the catalogue. It knows a service by its code, so a repeated event changes nothing."""
        return await deliver_one_by_one(events, self._send)

    async def _send(self, event: Event) -> None:
        if event.data is None:
            await self._client.delete_service(str(event.subject))
        else:
            await self._client.put_service(write_service(event.data))

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        """All indicators."""
        return Polled([], None, rows=Rows(SOURCE, await self._client.fetch_indicators(), is_whole=True))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()


class _Factory:
    name: ClassVar[str] = "kominfo"
    participant: ClassVar[str] = "kominfo"
    settings: ClassVar[type[AdapterSettings]] = KominfoSettings
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("katalog", Does.DELIVER, fields=SERVICE_FIELDS, least=Classification.PUBLIC),
        Operation(
            "indikator",
            Does.POLL,
            contract=INDICATOR,
            interval=3600.0,
            fields=INDICATOR_FIELDS,
            least=Classification.PUBLIC,
        ),
    )

    def create(self, settings: KominfoSettings) -> KominfoAdapter:
        return KominfoAdapter(settings, make_http_client(settings))


FACTORY: AdapterFactory = _Factory()
