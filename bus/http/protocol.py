"""HTTP/1.1 as uvicorn speaks it, with a short way for publishing, one event or a batch of them.

A task, an ASGI scope and the messages between them cost more than the gate, and nothing of it is used here. Whatever is not
plainly such a request goes uvicorn's way, to the same publisher.
"""

import asyncio
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any, Final

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from bus import json
from bus.http.edge import Edge
from bus.http.heads import Head, Heads, Mode
from bus.http.problems import MEDIA_TYPE, UNEXPECTED_PROBLEM
from bus.http.publish import Fields, Publisher, Response, may_publish
from bus.identity.tokens import Principal
from bus.journal import Receipt, Submission
from bus.journal.gate import Agreed, NeedsTime
from bus.problem import Refused
from bus.telemetry import UNEXPECTED

log = structlog.get_logger(__name__)

_PATH: Final = b"/v1/events"
_NOBODY_WAITS: Final = asyncio.Event()
_HEADS: Final = Heads()
_BROKEN: Final = Response(
    500,
    ((b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(UNEXPECTED_PROBLEM))),
    UNEXPECTED_PROBLEM,
)


Rendered = tuple[bytes, bool]
"""The bytes of an answer, and whether the connection ends with it."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    cycle: Any
    _answered_at = 0.0
    _hears = False
    """Whether the client said something since the last answer."""
    _is_between = True
    """Whether the parser would take what comes next for the beginning of a request."""

    def on_message_begin(self) -> None:
        """A request begins; what only uvicorn's way needs is made when that is taken."""
        self._is_between = False
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Take one of the two ways."""
        publisher = self._publisher()
        if publisher is not None:
            headers = dict(self.headers)
            # Connections of HTTP/1.0 are kept alive by a field alone, and to make a text of the version takes half a microsecond.
            is_modern = b"connection" not in headers or self.parser.get_http_version() == "1.1"
            head = Head.of(headers)
            principal = publisher.at_hand(head) if is_modern and b"expect" not in headers else None
            if principal is not None:
                self.cycle = _Publication(self, publisher, principal, head)
                return
        url, fields = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in fields:
            super().on_header(name, value)
        super().on_headers_complete()

    def _publisher(self) -> Publisher | None:
        """Who answers the request on the short way; None where that is not for it."""
        if self.url != _PATH or self.parser.get_method() != b"POST":
            return None
        is_plain = self.parser.should_keep_alive() and not self.parser.should_upgrade()
        return self.app.publisher if is_plain and self._is_next() and isinstance(self.app, Edge) else None

    def _is_next(self) -> bool:
        """Whether a request that begins now need not wait for an answer to another."""
        return (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused

    def on_body(self, body: bytes) -> None:
        """A part of the body; of a publication the parser lets no more pass than its content-length."""
        if type(self.cycle) is _Publication:
            self.cycle.parts.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._is_between = self.parser.should_keep_alive()
        if type(self.cycle) is _Publication:
            self.cycle.publish()
        else:
            super().on_message_complete()

    def rendered(self, response: Response, *, keep_alive: bool) -> Rendered:
        """An answer as it is written."""
        head, ends = _head(response.status, response.fields)
        parts = [head]
        for name, value in self.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        parts += (b"\r\n" if keep_alive or ends else b"connection: close\r\n\r\n", response.body)
        return b"".join(parts), ends or not keep_alive

    def respond(self, answer: Rendered) -> None:
        """Write an answer and go on to the next request, or close."""
        text, ends = answer
        self.transport.write(text)
        if ends:
            self.transport.close()
        self.on_response_complete()

    def begin(self, answering: Coroutine[Any, Any, None]) -> None:
        """Answer a request in a task, which a server that stops waits for."""
        task = self.loop.create_task(answering)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def data_received(self, data: bytes) -> None:
        """The client says something."""
        self._hears = True
        if self._is_between and self._is_next():
            if self._publish_at_once(data):
                return
            before = self.cycle
            super().data_received(data)
            if self.cycle is not before and self._is_between and type(self.cycle) is _Publication:
                _HEADS.keep(data, self.cycle.head)
        else:
            super().data_received(data)

    def _publish_at_once(self, data: bytes) -> bool:
        """Publish the event of a request whose head the parser read before, on the short way; False: it did not."""
        request = _HEADS.read(data)
        if request is None or self.transport.is_closing():
            return False
        publisher: Publisher | None = self.app.publisher if isinstance(self.app, Edge) else None
        principal = publisher.at_hand(request[0]) if publisher is not None else None
        if publisher is None or principal is None:
            return False
        self.cycle = _Publication(self, publisher, principal, request[0])
        self.cycle.parts.append(request[1])
        self.cycle.publish()
        return True

    def on_response_complete(self) -> None:
        """Go on to the next request. A timer that an answer before this one began is left to run (see its handler)."""
        self._hears = False
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None or self.pipeline:
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1
            self.flow.resume_reading()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been quiet for so long; one that was not has the rest of its time.

        To look when the timer ends is cheaper than to stop it with each request and to start it with each answer.
        """
        self.timeout_keep_alive_task = None
        if self._hears:
            return
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _unset_keepalive_if_required(self) -> None:
        pass

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)


class _Publication:
    """A request on the short way.

    To uvicorn's protocol it is the cycle under way, to the group commit it is who waits for the receipt.
    """

    __slots__ = (
        "_event", "_principal", "_protocol", "_publisher", "_rendered", "_submission",
        "disconnected", "head", "keep_alive", "parts", "response_complete",
    )  # fmt: skip

    message_event = _NOBODY_WAITS

    def __init__(self, protocol: Protocol, publisher: Publisher, principal: Principal, head: Head) -> None:
        self._protocol = protocol
        self._publisher = publisher
        self._principal = principal
        self._event: Any = None
        self._submission: Submission | None = None
        self._rendered: Rendered | None = None
        self.disconnected = False
        self.head = head
        self.keep_alive = True
        self.parts: list[bytes] = []
        self.response_complete = False

    def publish(self) -> None:
        try:
            may_publish(self._principal)
            if self.head.mode is Mode.BATCH:
                self._protocol.begin(self._publish_batch())
                return
            self._event, body = self._publisher.event(self.head, self._taken())
            self._append(self._publisher.admitted(self._event, body, self._principal))
        except NeedsTime as needs:
            self._protocol.begin(self._publish_checked(needs.agreed))
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the answer
            self.set_exception(error)

    def _append(self, submission: Submission) -> None:
        self._submission = submission
        self._publisher.append_for(submission, self)
        if "traceparent" not in self._event:
            # Its memory, which is in the processor's caches, is the next request's.
            self._event = None

    async def _publish_checked(self, agreed: Agreed) -> None:
        try:
            self._append(await self._publisher.checked(agreed, self._principal))
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the answer
            self.set_exception(error)

    def _taken(self) -> bytes:
        """The body, which nobody but the caller keeps."""
        parts, self.parts = self.parts, []
        return b"".join(parts)

    async def _publish_batch(self) -> None:
        try:
            response = await self._publisher.batch(self._taken(), self._principal, partial=False)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the answer
            self.set_exception(error)
        else:
            self._respond(response)

    def done(self) -> bool:
        return self.response_complete

    def foresee(self, receipts: list[Receipt], /) -> None:
        if not receipts[0].conflict:
            self._rendered = self._answer(receipts)

    def set_result(self, receipts: list[Receipt], /) -> None:
        try:
            # What was foreseen says that the connection stays, and a server that began to stop meanwhile has it end.
            answer = self._rendered if self._rendered and self.keep_alive else self._answer(receipts)
            if self._event is not None:
                self._publisher.trace(self._event, receipts)
        except Exception as error:  # noqa: BLE001 - others of the same group wait for their answers
            self.set_exception(error)
        else:
            self._write(answer)

    def _answer(self, receipts: list[Receipt]) -> Rendered:
        assert self._submission is not None  # noqa: S101 - it is what was appended
        response = self._publisher.accepted(self._submission, receipts)
        return self._protocol.rendered(response, keep_alive=self.keep_alive)

    def set_exception(self, error: Exception, /) -> None:
        if isinstance(error, Refused):
            self._respond(self._publisher.refused(error, self._principal, self._sent()))
            return
        UNEXPECTED.labels("publish").inc()
        log.error("publish.failed", exc_info=error)
        self.keep_alive = False
        self._respond(_BROKEN)

    def _sent(self) -> Any:
        """The event, where it came to that."""
        if self._event is None and self._submission is not None:
            return json.loads(self._submission.body)
        return self._event

    def _respond(self, response: Response) -> None:
        self._write(self._protocol.rendered(response, keep_alive=self.keep_alive))

    def _write(self, answer: Rendered) -> None:
        self.response_complete = True
        # `disconnected` is told to the newest request of a connection alone; a pipelined one behind this may be that.
        if not self.disconnected and not self._protocol.transport.is_closing():
            self._protocol.respond(answer)


@lru_cache(1024)
def _head(status: int, fields: Fields) -> tuple[bytes, bool]:
    """The status line and the fields of an answer, and whether these say already that the connection ends."""
    lines = [b"%b: %b\r\n" % field for field in fields]
    return STATUS_LINE[status] + b"".join(lines), any(name == b"connection" for name, _ in fields)
