"""One request, and its answer by the ASGI application (ASGI 3, HTTP specification 2.3)."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, Protocol

import structlog

from bus.http.front_door import answers
from bus.http.front_door.refusals import Stopping
from bus.http.front_door.request import Request
from bus.http.pages import Pages
from bus.http.publish import Receive, Response, Scope, Send
from bus.problem import Refused
from bus.telemetry import UNEXPECTED

log = structlog.get_logger(__name__)

App = Callable[[Scope, Receive, Send], Any]

_MOST_WAITING: Final = 64 * 1024
"""Bytes of a body that may wait for the application. With more, nothing is read from the client."""
_MOST_JOINED: Final = 64 * 1024
"""Bytes of a body that are copied behind its head."""
_BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Line(Protocol):
    """What a request under way needs of its connection."""

    @property
    def fields(self) -> bytes:
        """Header fields that every answer has, as bytes."""
        ...

    @property
    def must_end(self) -> bool:
        """Whether the connection must end with this answer."""
        ...

    @property
    def is_gone(self) -> bool:
        """Whether nothing can reach the client any more."""
        ...

    def write(self, text: bytes) -> None:
        """Send bytes to the client."""
        ...

    async def writable(self) -> None:
        """Wait until the client has read most of what was written, or is gone."""
        ...

    def become_known(self) -> None:
        """Mark the client as known."""
        ...

    def pause_reading(self) -> None:
        """Stop reading from the client for now."""
        ...

    def resume_reading(self) -> None:
        """Read from the client again."""
        ...

    def answered(self, *, ends: bool) -> None:
        """Note that the answer is written. The connection goes on to the next request, or ends."""
        ...

    def abort(self) -> None:
        """End the connection in the middle of an answer. The client then knows that the answer is not complete."""
        ...


class Exchange:
    """A request under way. The connection gives the body; the application reads it and answers."""

    def __init__(self, line: Line, request: Request, pages: Pages) -> None:
        self._pages = pages
        self._line = line
        self._request = request
        self._waiting = bytearray()
        self._is_whole = False
        self._is_taken = False
        self._news = asyncio.Event()
        self._owes_continue = request.expects
        self._is_started = False
        self._head = b""
        self._is_complete = False
        self._is_chunked = False
        self._is_bodiless = False
        self._left: int | None = None
        self._ends = False

    # What the connection calls.

    def take(self, piece: bytes) -> None:
        """Keep a part of the body until the application asks for it."""
        if self._is_complete:
            return
        self._waiting += piece
        if len(self._waiting) > _MOST_WAITING:
            self._line.pause_reading()
        self._news.set()

    def whole(self) -> None:
        """Note that the body is complete."""
        self._is_whole = True
        self._news.set()

    def gone(self) -> None:
        """Note that the client is gone."""
        self._news.set()

    def fail(self, refusal: Refused) -> None:
        """Answer with a refusal if no answer has begun. End the connection, and tell the application of a disconnect."""
        if self._is_complete:
            return
        if self._is_started:
            self._finish()
            self._line.abort()
        else:
            self._respond(answers.refuse(refusal, self._request, self._pages))

    async def whole_body(self) -> bytes | None:
        """The complete body, of at most 64 kB; the application gets it too. None: the client is gone or answered."""
        while not self._is_whole and not self._is_over():
            self._ask_for_more()
            await self._next_news()
        return None if self._is_over() else bytes(self._waiting)

    def become_known(self) -> None:
        """Mark the client as known: the request had a right secret."""
        self._line.become_known()

    async def run(self, app: App, scope: Scope) -> None:
        """Have the application answer."""
        try:
            await app(scope, self.receive, self.send)
        except Exception as error:
            UNEXPECTED.labels("http").inc()
            log.error("http.failed", exc_info=error)
            self._give_up()
        except asyncio.CancelledError:
            # The door closes for good. What was sent may be stored: to send it again is safe, by its id.
            self.fail(Stopping("The bus stops. It may have done what you asked."))
            raise
        else:
            if not self._is_complete and not self._line.is_gone:
                UNEXPECTED.labels("http").inc()
                log.error("http.answer_not_whole")
            self._give_up()

    # What the application calls.

    async def receive(self) -> dict[str, Any]:
        """The next part of the body, or the disconnect."""
        while not self._waiting and not self._is_whole and not self._is_over():
            self._ask_for_more()
            await self._next_news()
        if not self._is_over() and not self._is_taken:
            body, self._waiting = bytes(self._waiting), bytearray()
            self._is_taken = self._is_whole
            return {"type": "http.request", "body": body, "more_body": not self._is_taken}
        while not self._is_over():
            await self._next_news()
        return {"type": "http.disconnect"}

    def _ask_for_more(self) -> None:
        if self._owes_continue:
            self._owes_continue = False
            self._line.write(answers.CONTINUE)
        self._line.resume_reading()

    async def _next_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def send(self, message: Any) -> None:
        """Write a part of the answer. Waits while the client does not read."""
        if self._is_over():
            # An application that ignores the disconnect must not hold up the event loop.
            await asyncio.sleep(0)
            return
        if message["type"] == "http.response.start":
            self._start(message["status"], list(message.get("headers", ())))
        else:
            self._write(bytes(message.get("body", b"")), is_last=not message.get("more_body", False))
        await self._line.writable()

    def _is_over(self) -> bool:
        return self._is_complete or self._line.is_gone

    def _start(self, status: int, fields: list[tuple[bytes, bytes]]) -> None:
        text = answers.head(status, fields)
        named = {name.lower(): value.lower() for name, value in fields}
        length = named.get(b"content-length")
        self._is_bodiless = self._request.method == "HEAD" or status in _BODILESS
        self._is_chunked = length is None and not self._is_bodiless and self._request.version == "1.1"
        self._left = None if length is None or self._is_bodiless else int(length)
        is_open_end = length is None and not self._is_bodiless and not self._is_chunked
        says_close = named.get(b"connection") == b"close"
        # A client that still sends its body could take this answer for the answer to its next request.
        self._ends = (
            is_open_end or says_close or self._line.must_end or not self._request.keep_alive or not self._is_whole
        )
        self._is_started = True
        parts = [text, self._line.fields]
        if self._is_chunked:
            parts.append(b"transfer-encoding: chunked\r\n")
        if self._ends and not says_close:
            parts.append(answers.CLOSE)
        parts.append(b"\r\n")
        # One write for the head and the body's first part, if that comes in this turn of the loop.
        self._head = b"".join(parts)
        asyncio.get_running_loop().call_soon(self._write_head)

    def _write_head(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._line.write(head)

    def _write(self, body: bytes, *, is_last: bool) -> None:
        if self._is_bodiless:
            body = b""
        if self._left is not None:
            if len(body) > self._left or (is_last and len(body) < self._left):
                log.error("http.length_wrong")
                self._finish()
                self._line.abort()
                return
            self._left -= len(body)
        if self._is_chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"0\r\n\r\n" if is_last else b"")
        if body:
            if len(body) > _MOST_JOINED:
                self._write_head()
            head, self._head = self._head, b""
            self._line.write(head + body if head else body)
        if is_last:
            self._write_head()
            self._finish()
            self._line.answered(ends=self._ends)

    def _respond(self, response: Response) -> None:
        """Answer without the application, and end the connection."""
        self._is_started = True
        self._finish()
        body = b"" if self._request.method == "HEAD" else response.body
        head = answers.head(response.status, response.fields)
        self._line.write(b"".join((head, self._line.fields, answers.CLOSE, b"\r\n", body)))
        self._line.answered(ends=True)

    def _give_up(self) -> None:
        """End an answer that the application left unfinished."""
        if self._is_complete or self._line.is_gone:
            return
        if self._is_started:
            self._finish()
            self._line.abort()
        else:
            self._respond(answers.UNEXPECTED)

    def _finish(self) -> None:
        self._is_complete = True
        self._waiting = bytearray()
        self._news.set()


def scope_of(request: Request, client: tuple[str, int], server: tuple[str, int] | None, scheme: str) -> Scope:
    """The ASGI scope of a request.

    Args:
        client: the client's true address, also behind trusted proxies.
    """
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": request.version,
        "server": server,
        "client": client,
        "scheme": scheme,
        "method": request.method,
        "root_path": "",
        "path": request.path,
        "raw_path": request.raw_path,
        "query_string": request.query,
        "headers": request.fields,
        "state": {},
    }
