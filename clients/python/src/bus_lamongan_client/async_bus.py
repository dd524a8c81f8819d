"""The client for programs with asyncio. `Bus` and `Spool` say what each method does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from bus_lamongan_client.answers import BatchReceipt, Page, Receipt, Response
from bus_lamongan_client.dialogue import LIMIT, Dialogue, Done, Exchange, Pause, Request, advance
from bus_lamongan_client.events import Event, complete_event, find_key, mend_event, write_json
from bus_lamongan_client.spool import MAX_AGE, MAX_BYTES, RefusedEvent, Report, send_spooled
from bus_lamongan_client.store import Store

_Value = TypeVar("_Value")


class AsyncBus:
    """As `Bus`, for asyncio."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        source: str = "",
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.dialogue = Dialogue(client_id, client_secret, source, Random())  # noqa: S311
        self._http = httpx.AsyncClient(base_url=url)
        self._pause = pause

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def publish(self, event: Event) -> Receipt:
        """As `Bus.publish`."""
        return await self.run(self.dialogue.publish(event))

    async def publish_batch(self, events: Sequence[Event], *, partial: bool = False) -> BatchReceipt:
        """As `Bus.publish_batch`."""
        return await self.run(self.dialogue.publish_batch(events, partial=partial))

    async def feed(self, contract: str, after: str = "", *, wait: int = 0, limit: int = LIMIT) -> AsyncIterator[Page]:
        """As `Bus.feed`."""
        while True:
            page = await self.run(self.dialogue.read_feed(contract, after, wait, limit))
            yield page
            if not page.events and not wait:
                return
            after = page.next

    async def records(self, contract: str, after: str, *, limit: int = LIMIT) -> AsyncIterator[Page]:
        """As `Bus.records`."""
        while True:
            page = await self.run(self.dialogue.read_records(contract, after, limit))
            yield page
            if not page.events:
                return
            after = page.next

    def snapshot(self, contract: str, *, limit: int = LIMIT) -> AsyncIterator[Page]:
        """As `Bus.snapshot`."""
        return self.records(contract, "", limit=limit)

    async def ask(self, contract: str, question: Mapping[str, Any]) -> dict[str, Any]:
        """As `Bus.ask`."""
        return await self.run(self.dialogue.ask(contract, question))

    async def run(self, exchange: Exchange[_Value]) -> _Value:
        """The result of an exchange."""
        answer: Response | None = None
        while not isinstance(step := advance(exchange, answer), Done):
            answer = await self.take(step)
        return step.value

    async def take(self, step: Request | Pause) -> Response | None:
        """Do one step of an exchange."""
        if isinstance(step, Pause):
            await self._pause(step.seconds)
            return None
        try:
            response = await self._http.request(
                step.method, step.path, headers=dict(step.headers), content=step.body, timeout=step.timeout
            )
        except httpx.RequestError:
            return None
        return Response(response.status_code, response.headers, response.content)


class AsyncSpool:
    """As `Spool`, for asyncio. Threads wait for the disk, so that the event loop does not."""

    def __init__(
        self, path: str | Path, bus: AsyncBus, *, max_bytes: int = MAX_BYTES, max_age: float = MAX_AGE
    ) -> None:
        self._bus = bus
        self._store = Store(path, max_bytes, max_age)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    async def publish(self, event: Event, *, key: str | None = None) -> str:
        """As `Spool.publish`."""
        completed = complete_event(event, self._bus.dialogue.source)
        text = write_json(completed)
        await asyncio.to_thread(self._store.add, find_key(completed) if key is None else key, text)
        return str(completed["id"])

    async def send(self) -> Report:
        """As `Spool.send`."""
        exchange = send_spooled(self._bus.dialogue, self._store)
        answer: Response | None = None
        while not isinstance(step := await asyncio.to_thread(advance, exchange, answer), Done):
            answer = await self._bus.take(step)
        return step.value

    async def list_refused(self) -> list[RefusedEvent]:
        """As `Spool.list_refused`."""
        return await asyncio.to_thread(self._store.list_refused)

    async def mend(self, number: int, event: Event) -> None:
        """As `Spool.mend`."""
        refused = await asyncio.to_thread(self._store.read_refused, number)
        await asyncio.to_thread(self._store.replace, number, write_json(mend_event(refused, event)))

    async def drop(self, number: int) -> None:
        """As `Spool.drop`."""
        await asyncio.to_thread(self._store.drop, number)
