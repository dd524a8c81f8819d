"""One connection: reads requests one at a time, bounded in bytes and time, and has each answered.

Promise: one parser reads each byte, once. Nothing behind a malformed request is read. A request begins only after the request
before it is answered.
"""

import asyncio
from collections.abc import Coroutine
from enum import Enum, auto
from typing import Any, Final, cast

from bus.http.front_door import answers
from bus.http.front_door.exchange import Exchange, scope_of
from bus.http.front_door.hall import Hall
from bus.http.front_door.intake import Intake
from bus.http.front_door.places import Worth
from bus.http.front_door.publication import Publication
from bus.http.front_door.refusals import REASONS, TooSlow
from bus.http.front_door.request import END, HeadParser, Request, find_end
from bus.http.front_door.visitor import Visitor
from bus.http.front_door.wire import Wire
from bus.problem import Refused
from bus.telemetry import CONNECTIONS, CONNECTIONS_ENDED

_MOST_AHEAD: Final = 64 * 1024
"""Bytes of later requests that are kept while a request is answered."""
_MOST_UNREAD: Final = 32 * 1024 * 1024
"""Bytes of a body that a client may still send after its answer. It may read the answer only then."""


class State(Enum):
    """The states of a connection."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    ANSWERING = auto()
    LINGERING = auto()


_UNFINISHED: Final = frozenset((State.HEAD, State.BODY, State.LINGERING))
"""States in which the bus waits for the client."""
_BETWEEN: Final = frozenset((State.IDLE, State.HEAD))
"""States in which no request is under way."""


class Connection(asyncio.Protocol):
    """One connection."""

    __slots__ = ("_ahead", "_hall", "_intake", "_keeps", "_request", "_server", "_since", "_state", "_visitor", "_wire")

    def __init__(self, hall: Hall, peer: str, port: int) -> None:
        self._hall = hall
        self._visitor = Visitor(hall.places, hall.clients, peer, port)
        self._wire = Wire()
        self._server: tuple[str, int] | None = None
        self._state = State.HEAD
        self._since = hall.now
        self._ahead = b""
        self._request: Exchange | Publication | None = None
        self._keeps = True
        self._intake: Intake | None = None

    def admit(self) -> bool:
        """Take a place. Returns False if there is none."""
        return self._visitor.take_place(self)

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection begins."""
        self._wire.connect(cast("asyncio.Transport", transport))
        name = transport.get_extra_info("sockname")
        self._server = name[:2] if isinstance(name, tuple) else None
        self._enter(State.HEAD)
        self._hall.connections.add(self)
        CONNECTIONS.inc()
        if self._hall.is_draining:
            # It was accepted before the bus began to stop.
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended. An event that came whole is still stored."""
        request, self._request = self._request, None
        self._state = State.LINGERING
        self._ahead = b""
        self._wire.disconnect()
        self._visitor.leave(self)
        self._hall.connections.discard(self)
        CONNECTIONS.dec()
        if request is not None:
            request.gone()

    def data_received(self, data: bytes) -> None:
        """The client sent data. A stranger's data are read in its turn."""
        if self._state is State.IDLE and self._ahead:
            # A request waits for `_go_on`. Data behind it are read after it.
            self._keep_ahead(data)
        elif self._visitor.is_known or self._state not in _BETWEEN:
            self._hear(data)
        else:
            self._wire.pause()
            self._hall.reception.queue(self, data)

    def hear(self, data: bytes) -> None:
        """Read data that a stranger sent before. Its turn has come."""
        self._wire.resume()
        self._hear(data)

    def _hear(self, data: bytes) -> None:
        state = self._state
        if state is State.IDLE and not self._wire.is_clogged:
            if not self._publish_at_once(data):
                self._read(data)
        elif state is State.HEAD:
            self._read(data)
        elif state is State.BODY:
            self._take(data)
        elif state is State.LINGERING:
            self._wire.throw_away(len(data))
        else:
            self._keep_ahead(data)

    def _keep_ahead(self, data: bytes) -> None:
        """Keep data that came before their turn."""
        self._ahead += data
        if len(self._ahead) > _MOST_AHEAD:
            self.pause_reading()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        self._wire.clog(self._hall.now)

    def resume_writing(self) -> None:
        """The client has read most of what was written."""
        self._wire.unclog()
        if self._state is State.IDLE and self._ahead:
            self._hall.loop.call_soon(self._go_on)

    # Reading.

    def _publish_at_once(self, data: bytes) -> bool:
        """Publish the event of a request with a known head. Returns False if the head is not known."""
        # A proxy's request counts for the client that its head names, so its head must be read.
        is_one_client = self._visitor.may_ask_anything and not self._visitor.is_proxy
        found = self._hall.short_way.find_at_once(self, data) if is_one_client else None
        if found is None:
            return False
        publication, text = found
        self._request = publication
        self.become_known()
        self._state = State.ANSWERING
        publication.publish(text)
        return True

    def _read(self, data: bytes) -> None:
        """Read a head, or keep its first part until the rest comes."""
        if self._state is State.IDLE:
            self._enter(State.HEAD)
        before = self._ahead
        text = before + data if before else data
        if text[:1] in (b"\r", b"\n"):
            # RFC 9112, section 2.2: an empty line before a request is ignored.
            text, before = text.lstrip(b"\r\n"), b""
        try:
            end = find_end(text, len(before))
            self._ahead = text if end < 0 else b""
            if end >= 0:
                self._begin(text[: end + len(END)], text[end + len(END) :])
        except Refused as refusal:
            self._refuse(refusal)

    def _begin(self, text: bytes, rest: bytes) -> None:
        """Begin a request.

        Args:
            text: the request's head with its empty line.
            rest: the bytes behind the head.

        Raises:
            Refused: the request was not begun.
        """
        parser = HeadParser()
        request = parser.read(text)
        client = self._visitor.begin(request)
        self._keeps = request.keep_alive
        self._intake = Intake(request, parser)
        self._enter(State.BODY)
        if not self._visitor.is_known and self._hall.strangers.knows(request):
            self.become_known()
        publication = self._publication(request, text, rest)
        if publication is None:
            exchange = Exchange(self, request, self._hall.pages)
            self._request = exchange
            scope = scope_of(request, client, self._server, self._hall.scheme)
            self.begin(self._hall.strangers.answer(exchange, request, self._hall.app, scope))
        else:
            self._request = publication
        self._take(rest)

    def _publication(self, request: Request, text: bytes, rest: bytes) -> Publication | None:
        """The request as a publication, if it is one and its sender is known."""
        if not self._visitor.may_ask_anything:
            return None
        is_whole = len(rest) == request.length and not self._visitor.is_proxy
        return self._hall.short_way.find(self, request, text if is_whole else None)

    def _take(self, data: bytes) -> None:
        """Pass a part of the body on."""
        request, intake = self._request, self._intake
        assert request is not None  # noqa: S101 - there is one while its body comes
        assert intake is not None  # noqa: S101 - the same
        try:
            piece, rest = intake.take(data)
        except Refused as refusal:
            CONNECTIONS_ENDED.labels("malformed").inc()
            request.fail(refusal)
            return
        if intake.is_whole:
            self._keeps = self._keeps and not intake.has_lost_its_place
            self._enter(State.ANSWERING)
            self._ahead = rest
        if piece:
            request.take(piece)
        if intake.is_whole:
            request.whole()

    def _go_on(self) -> None:
        """Read the request that came while the request before it was answered."""
        if self._state is State.IDLE and self._ahead and not self._wire.is_clogged:
            data, self._ahead = self._ahead, b""
            self._wire.resume()
            self.data_received(data)

    # What requests call.

    def become_known(self) -> None:
        """Mark the client as known: it showed a token that was verified before, or a right secret."""
        if not self._visitor.is_known:
            self._visitor.is_known = True
            self._hall.places.mark_finished(self)
            self._wire.widen()

    @property
    def fields(self) -> bytes:
        """Header fields that every answer has, as bytes."""
        return self._hall.fields

    @property
    def must_end(self) -> bool:
        """Whether the connection must end with the next answer."""
        return self._hall.is_draining or not self._keeps

    @property
    def is_gone(self) -> bool:
        """Whether nothing can reach the client any more."""
        return self._wire.is_gone

    def write(self, text: bytes) -> None:
        """Send bytes to the client."""
        self._wire.write(text)

    async def writable(self) -> None:
        """Wait until the client has read most of what was written, or is gone."""
        await self._wire.writable()

    def pause_reading(self) -> None:
        """Stop reading from the client for now."""
        self._wire.pause()

    def resume_reading(self) -> None:
        """Read from the client again."""
        self._wire.resume()

    def begin(self, answering: Coroutine[Any, Any, None]) -> None:
        """Answer a request in a task, which a server that stops waits for."""
        task = self._hall.loop.create_task(answering)
        self._hall.tasks.add(task)
        task.add_done_callback(self._hall.tasks.discard)

    def respond(self, text: bytes, *, ends: bool) -> None:
        """Write a whole answer. Then the connection goes on to the next request, or ends."""
        self._wire.write(text)
        self.answered(ends=ends)

    def answered(self, *, ends: bool) -> None:
        """Note that the answer is written. The connection goes on to the next request, or ends."""
        is_whole = self._state is not State.BODY
        self._request = None
        self._visitor.release()
        # A stream that began before the stop ends after it.
        if ends or not is_whole or self._hall.is_draining:
            self._end(_MOST_UNREAD if not is_whole else len(self._ahead))
            return
        self._state, self._since = State.IDLE, self._hall.now
        if not self._ahead:
            self._wire.resume()
        elif not self._wire.is_clogged:
            self._hall.loop.call_soon(self._go_on)

    def abort(self) -> None:
        """End at once."""
        self._state = State.LINGERING
        self._wire.abort()

    # What the front door and the places call.

    @property
    def peer(self) -> str:
        """The address at the other end, which may be a proxy's."""
        return self._visitor.peer

    @property
    def idle_since(self) -> tuple[Worth, float] | None:
        """How much the connection is worth keeping, and since when it is idle; None: a request is under way."""
        if not self._wire.is_connected or self._state is State.ANSWERING:
            return None
        if self._visitor.is_known:
            return None if self._state is State.BODY else (Worth.KNOWN, self._since)
        return Worth.IDLE if self._state is State.IDLE else Worth.UNFINISHED, self._since

    def push_out(self) -> None:
        """End at once, since another connection needs the place."""
        CONNECTIONS_ENDED.labels("pushed_out").inc()
        self.abort()

    def drain(self) -> None:
        """End, unless a request is under way."""
        if self._state in (State.IDLE, State.HEAD):
            self._end()

    def tick(self, now: float, passed: float) -> None:
        """Notice that time has passed, and end what took too long."""
        patience, waited = self._hall.patience, now - self._since
        if self._wire.is_unread(now, patience):
            CONNECTIONS_ENDED.labels("answer_unread").inc()
            self.abort()
        if self._state is State.IDLE and waited > patience.idle:
            self._end()
        elif self._state is State.HEAD and waited > patience.head:
            if self._ahead:
                self._refuse(TooSlow("The head of the request did not arrive in time."))
            else:
                CONNECTIONS_ENDED.labels("head_late").inc()
                self._end()
        elif self._state is State.BODY:
            self._look_at_body(waited, passed)
        elif self._state is State.LINGERING and waited > patience.linger and not self._wire.is_clogged:
            self._wire.finish(now)

    def _look_at_body(self, waited: float, passed: float) -> None:
        got = self._intake.got if self._intake is not None else 0
        if self._wire.is_paused:
            # The bus does not read at present, so the client gets this time back.
            self._since += passed
        elif self._hall.patience.is_late(waited, got) or self._is_late_stranger(waited):
            CONNECTIONS_ENDED.labels("body_late").inc()
            if self._request is not None:
                self._request.fail(TooSlow("The body of the request did not arrive in time."))

    def _is_late_stranger(self, waited: float) -> bool:
        """Whether no known client sends the body, and it takes longer than a body with a proof needs."""
        if self._visitor.is_known or waited <= self._hall.patience.stranger or self._intake is None:
            return False
        # Its token may have been verified since its head was read.
        if self._hall.strangers.knows(self._intake.request):
            self.become_known()
        return not self._visitor.is_known

    def _refuse(self, refusal: Refused) -> None:
        """Refuse data that are no request, and read nothing behind them."""
        CONNECTIONS_ENDED.labels(REASONS.get(type(refusal), "malformed")).inc()
        self._visitor.release()
        text = answers.render(answers.problem(refusal), self._hall.fields, ends=True)
        wait = 0.0 if type(refusal) in REASONS else self._hall.strangers.wait_of_garbage(self._visitor.peer)
        if wait:
            self._wire.pause()
            self._enter(State.LINGERING)
            self._ahead = b""
            self._hall.loop.call_later(wait, self._end, _MOST_AHEAD, text)
        else:
            self._end(_MOST_AHEAD, text)

    def _end(self, unread: int = 0, last: bytes = b"") -> None:
        """End in order, with a last answer. The client may still send `unread` bytes, which are dropped."""
        if last:
            self._wire.write(last)
        self._enter(State.LINGERING)
        self._ahead = b""
        self._wire.end(unread)

    def _enter(self, state: State) -> None:
        """Change the state. A stranger's unfinished request is counted."""
        self._state, self._since = state, self._hall.now
        if self._visitor.is_known or not self._wire.is_connected:
            return
        if state in _UNFINISHED:
            self._hall.places.mark_unfinished(self)
        else:
            self._hall.places.mark_finished(self)
