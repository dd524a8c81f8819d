"""The client for programs with asyncio. `Bus` and `Spool` say what each method does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from bus_lamongan_client import pulls
from bus_lamongan_client.answers import BatchReceipt, Page, Receipt, Response
from bus_lamongan_client.dialogue import LIMIT, Dialogue, Done, Exchange, Pause, Receive, Request, advance
from bus_lamongan_client.events import Event, complete_event, find_key, mend_event, write_json
from bus_lamongan_client.pulls import LEASE, MOST, Delivery, Handled, Pulled, Pulling, Settlement
from bus_lamongan_client.snapshot import is_stream, read_snapshot
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

    async def snapshot(self, contract: str, after: str = "", *, limit: int = LIMIT) -> AsyncIterator[Page]:
        """As `Bus.snapshot`."""
        steps = read_snapshot(self.dialogue, contract, after, limit)
        parts = _no_parts()
        answer: Response | bytes | None = None
        async with AsyncExitStack() as opened:
            while not isinstance(step := advance(steps, answer), Done):
                answer = None
                match step:
                    case Page():
                        yield step
                    case Receive():
                        answer = await _receive(parts)
                    case Request():
                        await opened.aclose()
                        answer, parts = await self._open(step, opened)
                    case Pause():
                        await self._pause(step.seconds)

    async def pull(self, subscription: str, *, limit: int = MOST, wait: int = 0, lease: float = LEASE) -> Pulled:
        """As `Bus.pull`."""
        return await self.run(pulls.pull(self.dialogue, subscription, Pulling(limit, wait, lease)))

    async def ack(
        self, subscription: str, *, leases: Sequence[str] = (), deliveries: Sequence[str] = ()
    ) -> list[Settlement]:
        """As `Bus.ack`."""
        return await self.run(pulls.settle(self.dialogue, subscription, "ack", leases, deliveries))

    async def nack(
        self,
        subscription: str,
        *,
        leases: Sequence[str] = (),
        deliveries: Sequence[str] = (),
        reason: str = "",
        delay: float | None = None,
    ) -> list[Settlement]:
        """As `Bus.nack`."""
        more = {"reason": reason, "delay": delay}
        return await self.run(pulls.settle(self.dialogue, subscription, "nack", leases, deliveries, **more))

    async def extend(self, subscription: str, leases: Sequence[str], seconds: float) -> list[Settlement]:
        """As `Bus.extend`."""
        return await self.run(pulls.extend(self.dialogue, subscription, leases, seconds))

    async def seek(self, subscription: str, to: str | int) -> None:
        """As `Bus.seek`."""
        await self.run(pulls.seek(self.dialogue, subscription, to))

    async def handle_each(
        self,
        subscription: str,
        handle: Callable[[Delivery], Awaitable[object]],
        *,
        limit: int = MOST,
        wait: int = 0,
        lease: float = LEASE,
        on_failure: Callable[[Delivery, Exception], object] | None = None,
    ) -> Handled:
        """As `Bus.handle_each`. `handle` is a coroutine function, `on_failure` is none."""
        steps = pulls.handle_each(
            self.dialogue, subscription, Pulling(limit, wait, lease), goes_on=on_failure is not None
        )
        answer: Response | Exception | None = None
        while not isinstance(step := advance(steps, answer), Done):
            if isinstance(step, Delivery):
                answer = await _try(handle, step, on_failure)
            else:
                answer = await self.take(step)
        return step.value

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

    async def _open(self, request: Request, opened: AsyncExitStack) -> tuple[Response | None, AsyncIterator[bytes]]:
        """The answer to a request, and the parts of its stream. What is no stream is read whole."""
        try:
            response = await opened.enter_async_context(
                self._http.stream(
                    request.method,
                    request.path,
                    headers=dict(request.headers),
                    content=request.body,
                    timeout=request.timeout,
                )
            )
            answer = Response(response.status_code, response.headers, b"")
            if is_stream(answer):
                return answer, response.aiter_bytes()
            return replace(answer, body=await response.aread()), _no_parts()
        except httpx.RequestError:
            return None, _no_parts()


async def _no_parts() -> AsyncIterator[bytes]:
    return
    yield


async def _receive(parts: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await anext(parts, None)
    except httpx.RequestError:
        return None


async def _try(
    handle: Callable[[Delivery], Awaitable[object]],
    delivery: Delivery,
    on_failure: Callable[[Delivery, Exception], object] | None,
) -> Exception | None:
    """What a handler raises; None: it handled the delivery."""
    try:
        await handle(delivery)
    except Exception as failure:  # noqa: BLE001 - whatever it raises, the event has to come again
        if on_failure is not None:
            on_failure(delivery, failure)
        return failure
    return None


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
