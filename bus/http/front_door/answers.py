"""Answers as bytes: status line, header fields and body of HTTP/1.1."""

from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers

from bus import json
from bus.http.front_door.request import Request
from bus.http.pages import Pages
from bus.http.problems import MEDIA_TYPE, UNEXPECTED_PROBLEM
from bus.http.publish import Response
from bus.limits import Fields
from bus.problem import Refused

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE: Final = b"connection: close\r\n"
UNEXPECTED: Final = Response(
    500,
    ((b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(UNEXPECTED_PROBLEM))),
    UNEXPECTED_PROBLEM,
)
_STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class HeaderMalformed(Exception):
    """The application gave a header field with a line break; nothing was sent."""


def head(status: int, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The status line and the header fields, without the empty line.

    Raises:
        HeaderMalformed: a field holds a line break, which could smuggle in another field.
    """
    lines = [b"%b: %b\r\n" % field for field in fields]
    text = b"".join(lines)
    if text.count(b"\n") != len(lines) or text.count(b"\r") != len(lines) or b"\0" in text:
        raise HeaderMalformed
    return status_line(status) + text


def status_line(status: int) -> bytes:
    """The status line."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


@lru_cache(1024)
def known_head(status: int, fields: Fields) -> tuple[bytes, bool]:
    """The head of a frequent answer, and whether it says that the connection ends."""
    return head(status, fields), any(name == b"connection" for name, _ in fields)


def render(response: Response, common: bytes, *, ends: bool) -> bytes:
    """The bytes of an answer.

    Args:
        common: the header fields that every answer has.
        ends: the connection ends behind it.
    """
    first, says_close = known_head(response.status, response.fields)
    close = CLOSE if ends and not says_close else b""
    return b"".join((first, common, close, b"\r\n", response.body))


def refuse(refusal: Refused, request: Request, pages: Pages) -> Response:
    """The response to a refused request: a page where a person asks, else a problem."""
    told, asked = problem(refusal), Headers(raw=list(request.fields))
    write = pages.find_writer(request.path, asked)
    if write is None:
        return told
    body, more = write(refusal.status, asked)
    kept = [field for field in told.fields if field[0] not in (b"content-type", b"content-length")]
    made = {**more, "content-length": str(len(body))}
    added = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in made.items()]
    return Response(told.status, (*kept, *added), body)


def problem(refusal: Refused) -> Response:
    """The response (RFC 9457) to a refused request."""
    body = json.dumps(refusal.to_document())
    fields = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    fields += [(name.lower().encode(), value.encode("latin-1")) for name, value in refusal.headers.items()]
    return Response(refusal.status, tuple(field for field in fields if field[0] != b"connection"), body)
