"""The client for programs without asyncio."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
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


class Bus:
    """One client of the bus. It renews its token, and tries again while the bus is away or busy.

    Args:
        url: the bus's address.
        client_id, client_secret: from the operator.
        source: `source` of events that have none of their own, such as `/desa/kedungpring`.
        pause: waits some seconds.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        source: str = "",
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.dialogue = Dialogue(client_id, client_secret, source, Random())  # noqa: S311
        self._http = httpx.Client(base_url=url)
        self._pause = pause

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def publish(self, event: Event) -> Receipt:
        """Publish one event. It is on the bus's disk when the call returns. To send it again changes nothing.

        Args:
            event: a CloudEvent. `id`, `time` and `source` are added if it lacks them.

        Raises:
            EventInvalid, Refused, CredentialsRefused, Unreachable
        """
        return self.run(self.dialogue.publish(event))

    def publish_batch(self, events: Sequence[Event], *, partial: bool = False) -> BatchReceipt:
        """Publish up to 1,000 events at once: all of them, or none.

        Args:
            partial: take the good ones; the receipt has the others.

        Raises:
            EventInvalid, Refused, CredentialsRefused, Unreachable
        """
        return self.run(self.dialogue.publish_batch(events, partial=partial))

    def feed(self, contract: str, after: str = "", *, wait: int = 0, limit: int = LIMIT) -> Iterator[Page]:
        """The pages of a contract's events, in order.

        Args:
            after: the cursor to go on from; empty: the beginning.
            wait: 0: end with the first empty page. Else wait so many seconds (at most 60) for each page, and never end.
            limit: most events in a page, at most 1,000. Small pages are for bad lines.

        Raises:
            Refused, CredentialsRefused, Unreachable
        """
        while True:
            page = self.run(self.dialogue.read_feed(contract, after, wait, limit))
            yield page
            if not page.events and not wait:
                return
            after = page.next

    def records(self, contract: str, after: str, *, limit: int = LIMIT) -> Iterator[Page]:
        """The pages of the records that changed since a cursor, each in its newest state; the last page is empty.

        Raises:
            Refused, CredentialsRefused, Unreachable
        """
        while True:
            page = self.run(self.dialogue.read_records(contract, after, limit))
            yield page
            if not page.events:
                return
            after = page.next

    def snapshot(self, contract: str, after: str = "", *, limit: int = LIMIT) -> Iterator[Page]:
        """The pages of all records, from one stream. Go on with `records` and the last page's `next`.

        If the line breaks, the snapshot goes on behind its last record. A record that changes meanwhile comes again;
        `data: None` deletes it. The bus's count and digest are checked at the end.

        Args:
            after: `next` of a page, to go on with a snapshot that your program left.
            limit: most events in a page.

        Raises:
            SnapshotInvalid: count or digest are wrong; drop what came.
            Refused, CredentialsRefused, Unreachable
        """
        steps = read_snapshot(self.dialogue, contract, after, limit)
        parts: Iterator[bytes] = iter(())
        answer: Response | bytes | None = None
        with ExitStack() as opened:
            while not isinstance(step := advance(steps, answer), Done):
                answer = None
                match step:
                    case Page():
                        yield step
                    case Receive():
                        answer = _receive(parts)
                    case Request():
                        opened.close()
                        answer, parts = self._open(step, opened)
                    case Pause():
                        self._pause(step.seconds)

    def pull(self, subscription: str, *, limit: int = MOST, wait: int = 0, lease: float = LEASE) -> Pulled:
        """The next events of a subscription with the sink `{"pull": true}`. You hold them until you settle them.

        Args:
            limit: most events, at most 1,000.
            wait: seconds (at most 60) to wait for an event.
            lease: seconds for which you hold them. What you do not settle until then comes again.

        Raises:
            Refused, CredentialsRefused, Unreachable
        """
        return self.run(pulls.pull(self.dialogue, subscription, Pulling(limit, wait, lease)))

    def ack(self, subscription: str, *, leases: Sequence[str] = (), deliveries: Sequence[str] = ()) -> list[Settlement]:
        """Acknowledge all of a lease, or single deliveries: they never come again. Each name gets its own result.

        Raises:
            Refused, CredentialsRefused, Unreachable
        """
        return self.run(pulls.settle(self.dialogue, subscription, "ack", leases, deliveries))

    def nack(
        self,
        subscription: str,
        *,
        leases: Sequence[str] = (),
        deliveries: Sequence[str] = (),
        reason: str = "",
        delay: float | None = None,
    ) -> list[Settlement]:
        """Return what you could not do. It comes again.

        Args:
            reason: for you and the operator; write no personal data.
            delay: seconds until it comes again; None: longer with each try.

        Raises:
            Refused, CredentialsRefused, Unreachable
        """
        more = {"reason": reason, "delay": delay}
        return self.run(pulls.settle(self.dialogue, subscription, "nack", leases, deliveries, **more))

    def extend(self, subscription: str, leases: Sequence[str], seconds: float) -> list[Settlement]:
        """Hold leases for longer: so many seconds from now.

        Raises:
            Refused, CredentialsRefused, Unreachable
        """
        return self.run(pulls.extend(self.dialogue, subscription, leases, seconds))

    def seek(self, subscription: str, to: str | int) -> None:
        """Have a subscription go on from elsewhere. Events from there come again; what is owed before is given up.

        Args:
            to: a position, a time (RFC 3339), or `beginning`.

        Raises:
            Refused: an earlier seek is still under way (409), or another reason.
            CredentialsRefused, Unreachable
        """
        self.run(pulls.seek(self.dialogue, subscription, to))

    def handle_each(
        self,
        subscription: str,
        handle: Callable[[Delivery], object],
        *,
        limit: int = MOST,
        wait: int = 0,
        lease: float = LEASE,
        on_failure: Callable[[Delivery, Exception], object] | None = None,
    ) -> Handled:
        """Pull, handle and acknowledge, until nothing is due. If `handle` raises, its event is returned and comes again.

        The lease is extended while earlier events are handled. An event may come twice, with the same `id` of its delivery.

        Args:
            handle: is called with each delivery. It has to end within half of the lease.
            limit: most events of one pull; they are acknowledged together. 1: each by itself.
            wait: 0: end when nothing is due. Else wait so many seconds (at most 60) for each event, and never end.
            on_failure: is told of what `handle` raised, and the loop goes on. None: the loop ends, and the error is raised.

        Raises:
            Refused, CredentialsRefused, Unreachable
        """
        steps = pulls.handle_each(
            self.dialogue, subscription, Pulling(limit, wait, lease), goes_on=on_failure is not None
        )
        answer: Response | Exception | None = None
        while not isinstance(step := advance(steps, answer), Done):
            answer = _try(handle, step, on_failure) if isinstance(step, Delivery) else self._take(step)
        return step.value

    def ask(self, contract: str, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a question, live from an agency.

        Raises:
            Refused, CredentialsRefused, Unreachable
        """
        return self.run(self.dialogue.ask(contract, question))

    def run(self, exchange: Exchange[_Value]) -> _Value:
        """The result of an exchange."""
        answer: Response | None = None
        while not isinstance(step := advance(exchange, answer), Done):
            answer = self._take(step)
        return step.value

    def _take(self, step: Request | Pause) -> Response | None:
        if isinstance(step, Pause):
            self._pause(step.seconds)
            return None
        try:
            response = self._http.request(
                step.method, step.path, headers=dict(step.headers), content=step.body, timeout=step.timeout
            )
        except httpx.RequestError:
            return None
        return Response(response.status_code, response.headers, response.content)

    def _open(self, request: Request, opened: ExitStack) -> tuple[Response | None, Iterator[bytes]]:
        """The answer to a request, and the parts of its stream. What is no stream is read whole."""
        try:
            response = opened.enter_context(
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
                return answer, response.iter_bytes()
            return replace(answer, body=response.read()), iter(())
        except httpx.RequestError:
            return None, iter(())


def _receive(parts: Iterator[bytes]) -> bytes | None:
    try:
        return next(parts, None)
    except httpx.RequestError:
        return None


def _try(
    handle: Callable[[Delivery], object],
    delivery: Delivery,
    on_failure: Callable[[Delivery, Exception], object] | None,
) -> Exception | None:
    """What a handler raises; None: it handled the delivery."""
    try:
        handle(delivery)
    except Exception as failure:  # noqa: BLE001 - whatever it raises, the event has to come again
        if on_failure is not None:
            on_failure(delivery, failure)
        return failure
    return None


class Spool:
    """Keeps events in a file until the bus has them, for lines that are often down.

    Publish from any process; send from a timer, such as cron each minute.

    Args:
        path: the file, on a local disk.
        max_bytes: at most so many bytes wait.
        max_age: seconds. If an event waited so long, `publish` raises `SpoolFull`. Set-aside events do not count.
    """

    def __init__(self, path: str | Path, bus: Bus, *, max_bytes: int = MAX_BYTES, max_age: float = MAX_AGE) -> None:
        self._bus = bus
        self._store = Store(path, max_bytes, max_age)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def publish(self, event: Event, *, key: str | None = None) -> str:
        """Keep an event on disk; its id. Its `time` is now, unless it has one.

        Args:
            key: events of one key stay in order. Absent: the contract with `partitionkey` or `subject`.

        Raises:
            EventInvalid: nothing was kept.
            SpoolFull: nothing was kept; send events first, or make room on the disk.
        """
        completed = complete_event(event, self._bus.dialogue.source)
        self._store.add(find_key(completed) if key is None else key, write_json(completed))
        return str(completed["id"])

    def send(self) -> Report:
        """Send what waits. A bad line is in the report; the events stay, and the next call goes on.

        Raises:
            SpoolFull: the disk is full. The bus may have the events; the file keeps them until there is room.
        """
        return self._bus.run(send_spooled(self._bus.dialogue, self._store))

    def list_refused(self) -> list[RefusedEvent]:
        """The events that the bus refused. Each holds up the later ones of its key."""
        return self._store.list_refused()

    def mend(self, number: int, event: Event) -> None:
        """Put a mended event in the place of a refused one. It keeps `id`, `source` and `time` unless it has its own.

        Raises:
            EventInvalid: the mended event cannot be sent either.
            SpoolError: no refused event has this number.
        """
        self._store.replace(number, write_json(mend_event(self._store.read_refused(number), event)))

    def drop(self, number: int) -> None:
        """Forget a refused event.

        Raises:
            SpoolError: no refused event has this number.
        """
        self._store.drop(number)
