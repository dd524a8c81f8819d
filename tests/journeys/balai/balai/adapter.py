"""Speaks to the river agency: takes orders to its gates, reads water levels, asks about one gauge."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from bus.kit import (
    DELIVERED,
    AdapterSettings,
    AgencyFault,
    AgencyUnavailable,
    Classification,
    Deliver,
    Does,
    Event,
    Operation,
    Outcome,
    Poll,
    Polled,
    Query,
    Question,
    Row,
    Rows,
    make_http_client,
    parse_object,
    read_rows,
    require_success,
    send_request,
)

LEVEL = "uji.tinggi-air"


class BalaiAdapter(Deliver, Poll, Query):
    """Speaks to the agency's one API."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        """Send each order to its gate."""
        for event in events:
            await self._ask("PUT", f"gates/{quote(event.data['pintu'], safe='')}", event.data)
        return [DELIVERED] * len(events)

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        """All gauges with their levels. The bus finds which of them changed."""
        listed = await self._ask("GET", "gauges")
        rows = read_rows(listed["gauges"], lambda gauge: Row(gauge["pos"], gauge), lambda gauge: gauge.get("pos"))
        return Polled([], None, rows=Rows("/balai/pos", rows, is_whole=True))

    async def query(self, operation: str, question: Question) -> Mapping[str, Any]:
        """One gauge's level now."""
        try:
            answer = await self._ask("GET", f"gauges/{quote(question.data['pos'], safe='')}")
        except AgencyFault as fault:
            raise AgencyUnavailable(f"{fault.detail}; try again later") from fault
        return answer

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = await send_request(self._http, "Balai", self._http.build_request(method, path, json=body))
        require_success("Balai", answer)
        return parse_object("Balai", answer)


class BalaiFactory:
    """Declares and makes the adapter."""

    name: ClassVar[str] = "balai"
    participant: ClassVar[str] = "balai"
    settings: ClassVar[type[AdapterSettings]] = AdapterSettings
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation("pintu-air", Does.DELIVER, least=Classification.PUBLIC),
        Operation("tinggi-air", Does.POLL, contract=LEVEL, interval=1.0, least=Classification.PUBLIC),
        Operation("satu-pos", Does.QUERY, least=Classification.PUBLIC),
    )

    def create(self, settings: AdapterSettings) -> BalaiAdapter:
        """The adapter, with an HTTP client of its own."""
        return BalaiAdapter(make_http_client(settings))


FACTORY = BalaiFactory()
