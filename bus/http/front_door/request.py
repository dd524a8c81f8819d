"""The head of a request: reads it once, and refuses a head that two readers could understand in two ways.

Request smuggling (RFC 9112, section 11.2) needs two readers that disagree.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import httptools

from bus.http.front_door.refusals import (
    ExpectationFailed,
    HeadTooLarge,
    NotImplementedHere,
    RequestMalformed,
    VersionUnsupported,
)

Field = tuple[bytes, bytes]

MOST_HEAD_BYTES: Final = 16 * 1024
MOST_FIELDS: Final = 100
END: Final = b"\r\n\r\n"
_BLANKS: Final = b" \t"
_BARE_ENDS: Final = re.compile(rb"(?<!\r)\n|\r(?=[^\n])")
_REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/(\d)\.(\d)\r\n")
_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]+)(?::\d{0,5})?")
_SINGLE: Final = frozenset(
    (
        b"host",
        b"authorization",
        b"content-length",
        b"content-type",
        b"transfer-encoding",
        b"expect",
        b"idempotency-key",
    )
)
"""Fields that must not come twice: readers would differ in which one counts."""
_LISTS: Final = frozenset((b"accept", b"accept-encoding", b"content-encoding", b"if-match", b"if-none-match"))
"""Fields that hold a list, which may come in several lines."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request's head.

    Attributes:
        target: the request target as it came.
        path: its path, percent-decoded.
        fields: names in lower case, in the order in which they came.
        length: bytes of the body; None if the body comes in chunks.
        keep_alive: whether the client wants the connection to stay.
        expects: whether the client waits for `100 Continue` before it sends the body.
    """

    method: str
    target: bytes
    path: str
    raw_path: bytes
    query: bytes
    version: str
    fields: list[Field]
    length: int | None
    keep_alive: bool
    expects: bool


class HeadParser:
    """Reads one request with httptools: its head, and the body if that comes in chunks."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._fields: list[Field] = []
        self._is_whole = False
        self._keeps_alive = False
        self._body: list[bytes] = []
        self.is_complete = False
        """Whether the body's last chunk has come."""
        self.has_more = False
        """Whether bytes came behind the request."""

    def on_message_begin(self) -> None:
        """Notice bytes behind the request; httptools calls this first for the request itself."""
        self.has_more = self.is_complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header field; trailer fields are dropped (RFC 9110, section 6.5.1)."""
        if not self._is_whole:
            # httptools leaves tabs at the end, which are no part of the value (RFC 9110, section 5.5).
            self._fields.append((name.lower(), value.rstrip(_BLANKS)))

    def on_headers_complete(self) -> None:
        """Keep what the head says of the connection: httptools loses it at the end of a request without a body."""
        self._is_whole = True
        self._keeps_alive = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        if not self.has_more:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self.is_complete = True

    def read(self, text: bytes) -> Request:
        """The request whose head `text` is, from the request line to the empty line.

        Raises:
            Refused: the head is malformed, ambiguous, too large, or asks for what the bus does not offer.
        """
        line = _REQUEST_LINE.match(text)
        if line is None:
            raise RequestMalformed("The request line is not: method, target and HTTP version, with one space between.")
        if line[3] != b"1" or line[4] not in b"01":
            raise VersionUnsupported("Send the request as HTTP/1.1.")
        self._feed(text)
        if not self._is_whole:
            raise RequestMalformed("The head is not whole where its empty line stands.")
        version = f"1.{line[4].decode()}"
        fields = _check(self._fields, version)
        named = dict(fields)
        url = _read_url(line[2])
        return Request(
            method=line[1].decode(),
            target=line[2],
            path=unquote(url.path.decode("ascii")),
            raw_path=url.path,
            query=url.query or b"",
            version=version,
            fields=fields,
            length=_read_length(named, version),
            keep_alive=version == "1.1" and self._keeps_alive,
            expects=_read_expectation(named, version),
        )

    def body(self, text: bytes) -> bytes:
        """The part of a chunked body that `text` brings.

        Raises:
            RequestMalformed: it is not chunked as RFC 9112, section 7.1 says.
        """
        try:
            self._parser.feed_data(text)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            # Behind the request's end, the next request fails.
            if not self.is_complete:
                raise RequestMalformed("The chunks of the body are malformed.") from None
            self.has_more = True
        parts, self._body = self._body, []
        return b"".join(parts)

    def _feed(self, text: bytes) -> None:
        try:
            self._parser.feed_data(text)
        except httptools.HttpParserUpgrade:
            raise NotImplementedHere("The bus takes neither CONNECT nor Upgrade.") from None
        except httptools.HttpParserInvalidMethodError:
            raise NotImplementedHere("The bus does not know this method.") from None
        except httptools.HttpParserError:
            raise RequestMalformed("The header fields are malformed or contradict each other.") from None


def find_end(text: bytes, seen: int) -> int:
    """The index of the empty line behind a head; -1: it has not come yet.

    Args:
        seen: bytes at the beginning of the text that were searched before.

    Raises:
        Refused: the text begins no request, or the head is too large.
    """
    if text and not text[:1].isupper():
        raise RequestMalformed("The request does not begin with a method.")
    end = text.find(END, max(0, seen - len(END) + 1))
    if end > MOST_HEAD_BYTES or (end < 0 and len(text) > MOST_HEAD_BYTES):
        raise HeadTooLarge(f"Send at most {MOST_HEAD_BYTES} bytes before the body.")
    # Its empty line would never come, and the client would wait for its time-out.
    if end < 0 and _BARE_ENDS.search(text, max(0, seen - 1)):
        raise RequestMalformed("A line of the head does not end with CR LF.")
    return end


def _check(fields: list[Field], version: str) -> list[Field]:
    """The fields; those that are too many, or that readers could understand in two ways, are refused."""
    if len(fields) > MOST_FIELDS:
        raise HeadTooLarge(f"Send at most {MOST_FIELDS} header fields.")
    names = {name for name, _ in fields}
    if len(names) < len(fields):
        often = {name for name, count in Counter(name for name, _ in fields).items() if count > 1}
        twice = sorted(name for name in often if name in _SINGLE or name.startswith(b"ce-"))
        if twice:
            raise RequestMalformed(f"Send the field {twice[0].decode('latin-1')[:40]} once.")
        fields = _join_lists(fields, often & _LISTS)
    if b"upgrade" in names:
        raise NotImplementedHere("The bus takes no Upgrade; it speaks HTTP/1.1 alone.")
    host = next((value for name, value in fields if name == b"host"), None)
    if host is None and version == "1.1":
        raise RequestMalformed("Send the field Host (RFC 9112, section 3.2).")
    if host is not None and not _HOST.fullmatch(host):
        raise RequestMalformed("The field Host is not a host with an optional port.")
    return fields


def _join_lists(fields: list[Field], often: Collection[bytes]) -> list[Field]:
    """The fields, with one line of each list that came in several (RFC 9110, section 5.3)."""
    joined = [(name, b", ".join(value for other, value in fields if other == name)) for name in often]
    return [field for field in fields if field[0] not in often] + joined


def _read_url(target: bytes) -> httptools.parser.url_parser.URL:
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        raise RequestMalformed("The request target is malformed.") from None
    if not url.path:
        raise RequestMalformed("The request target has no path.")
    return url


def _read_length(named: dict[bytes, bytes], version: str) -> int | None:
    """The body's length (RFC 9112, section 6.3); None if it comes in chunks."""
    coding, length = named.get(b"transfer-encoding"), named.get(b"content-length")
    if coding is None:
        if length is None:
            return 0
        # For bytes, Python's isdigit accepts only ASCII digits.
        if not length.isdigit() or len(length) > 18:
            raise RequestMalformed("Content-Length is not a number of bytes.")
        return int(length)
    if length is not None or version == "1.0":
        raise RequestMalformed("Transfer-Encoding goes neither with Content-Length nor with HTTP/1.0.")
    if coding.lower() != b"chunked":
        raise NotImplementedHere("The bus knows the transfer coding chunked alone.")
    return None


def _read_expectation(named: dict[bytes, bytes], version: str) -> bool:
    expectation = named.get(b"expect")
    if expectation is None or version == "1.0":
        return False
    if expectation.lower() != b"100-continue":
        raise ExpectationFailed("The bus knows the expectation 100-continue alone.")
    return True
