"""Pages for people that the edge serves beside the API. `bus.console` has them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from starlette.datastructures import Headers, MutableHeaders

from bus.http.problems import MEDIA_TYPE
from bus.http.publish import Scope, Send

WriteFault = Callable[[int, Headers], tuple[bytes, dict[str, str]]]
"""Writes the page for a status and a request's header fields. Returns the page and its header fields."""


@dataclass(frozen=True, slots=True, eq=False)
class Pages:
    """Routers of pages. Equal only to itself, since routers have no hash.

    Attributes:
        below: the path below which people read; their refusals are pages too.
        write_fault: writes the page of a refusal that no page of the routers tells; None: refusals stay problems.
    """

    routers: Sequence[APIRouter]
    below: str = "/"
    write_fault: WriteFault | None = None

    def show_faults(self, scope: Scope, send: Send) -> Send:
        """Sends what `send` sends, with a page in the place of each problem that a person would get."""
        headers = Headers(raw=list(scope["headers"]))
        write = self.find_writer(scope["path"], headers)
        return send if write is None else _Shown(write, headers, send)

    def find_writer(self, path: str, headers: Headers) -> WriteFault | None:
        """What writes a page for a refused request; None: a program asks, or for something else."""
        accepted = headers.get("accept", "text/html")
        is_program = "json" in accepted and "text/html" not in accepted
        return None if is_program or not f"{path}/".startswith(f"{self.below}/") else self.write_fault


class _Shown:
    """Holds a problem back, and sends a page."""

    def __init__(self, write: WriteFault, asked: Headers, send: Send) -> None:
        self._write = write
        self._asked = asked
        self._send = send
        self._start: Any = None

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            fields = MutableHeaders(raw=list(message["headers"]))
            if fields.get("content-type", "").startswith(MEDIA_TYPE):
                self._start = message
                return
        elif self._start is not None:
            if message.get("more_body", False):
                return
            start, self._start = self._start, None
            page = self._make(start)
            await self._send({**start, "headers": page[0]})
            await self._send({"type": "http.response.body", "body": page[1] if message.get("body") else b""})
            return
        await self._send(message)

    def _make(self, start: Any) -> tuple[list[tuple[bytes, bytes]], bytes]:
        body, more = self._write(start["status"], self._asked)
        fields = MutableHeaders(raw=list(start["headers"]))
        for name in ("content-encoding", "content-type", "content-length", "etag"):
            del fields[name]
        for name, value in {**more, "content-length": str(len(body))}.items():
            fields[name] = value
        return fields.raw, body


NO_PAGES: Final = Pages(())
