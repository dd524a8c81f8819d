"""The client for programs without asyncio."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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

    def snapshot(self, contract: str, *, limit: int = LIMIT) -> Iterator[Page]:
        """The pages of all records. Go on with `records` and the last page's `next`.

        A record that changes meanwhile comes again; `data: None` deletes it.

        Raises:
            Refused, CredentialsRefused, Unreachable
        """
        return self.records(contract, "", limit=limit)

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
