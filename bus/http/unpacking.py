"""Bodies of requests in gzip (RFC 9110, section 8.4), unpacked part by part.

Promise: a body that unpacks to more than its bound is cut there. No part takes the event loop for more than a millisecond.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from bus.http.negotiation import GZIP, IDENTITY
from bus.problem import Invalid, Refused

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_GZIP_FORMAT: Final = 31
"""zlib's number for a window of 32 kB with gzip's header and trailer."""
_STEP: Final = 16 * 1024
"""Packed bytes of one step."""
_PART: Final = 64 * 1024
"""Unpacked bytes of one step at most."""
_MOST_MEMBERS: Final = 1000
"""Gzip allows one behind the other. Each takes a window, and may hold nothing."""


class CodingUnsupported(Refused):
    """The body has a content coding that the bus does not read; send it as it is, or in gzip once."""

    status = 415
    slug = "coding-unsupported"


class BodyNotGzip(Invalid):
    """The body is not what its Content-Encoding says."""

    slug = "body-not-gzip"


class BodyTooLarge(Refused):
    """The request is larger than the bus takes."""

    status = 413
    slug = "payload-too-large"


def is_packed(content_encoding: bytes) -> bool:
    """Whether a Content-Encoding says that the body is not sent as it is."""
    return bool(_list_codings(content_encoding))


def unpack(content_encoding: bytes, receive: Receive, most: int) -> Receive:
    """Brings the parts of a body as they were before they were packed.

    Args:
        content_encoding: the header field's value; empty if it is absent.
        receive: brings the packed parts (ASGI).
        most: bytes, packed and unpacked.

    Raises:
        CodingUnsupported: the coding is another one than gzip, or several.
    """
    codings = _list_codings(content_encoding)
    if not codings:
        return receive
    if codings not in ([GZIP], ["x-gzip"]):
        raise CodingUnsupported("Send the body as it is, or in gzip once.", headers={"Accept-Encoding": GZIP})
    return _Unpacked(receive, most)


def _list_codings(content_encoding: bytes) -> list[str]:
    if not content_encoding:
        return []
    names = (name.strip().lower() for name in content_encoding.decode("latin-1").split(","))
    return [name for name in names if name not in ("", IDENTITY)]


class _Unpacked:
    """An ASGI `receive` of unpacked parts."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._inflate = zlib.decompressobj(_GZIP_FORMAT)
        self._members = 1
        self._packed = memoryview(b"")
        self._is_last = False
        self._may_have_more = False
        self._packed_size = self._size = 0

    async def __call__(self) -> MutableMapping[str, Any]:
        """The next unpacked part.

        Raises:
            BodyTooLarge: the body is larger than its bound, packed or unpacked.
            BodyNotGzip: it is malformed, or ends early.
        """
        while True:
            if self._packed or self._may_have_more:
                # Others have their turn between two parts, however many are there already.
                await asyncio.sleep(0)
                if part := self._take_step():
                    return {"type": "http.request", "body": part, "more_body": True}
            elif self._is_last:
                self._check_end()
                return {"type": "http.request", "body": b"", "more_body": False}
            else:
                message = await self._receive()
                if message["type"] != "http.request":
                    return message
                self._packed = memoryview(bytes(message.get("body", b"")))
                self._is_last = not message.get("more_body", False)
                self._packed_size += len(self._packed)
                self._check_size(self._packed_size)

    def _take_step(self) -> bytes:
        if self._inflate.eof:
            self._begin_member()
        taken = self._packed[:_STEP]
        try:
            part = self._inflate.decompress(taken, _PART)
        except zlib.error:
            raise BodyNotGzip("The body is no gzip, though its Content-Encoding says so.") from None
        left = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        self._packed = self._packed[len(taken) - len(left) :]
        self._may_have_more = len(part) == _PART and not self._inflate.eof
        self._size += len(part)
        self._check_size(self._size)
        return part

    def _begin_member(self) -> None:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise BodyNotGzip(f"A body in gzip has at most {_MOST_MEMBERS} members.")
        self._inflate = zlib.decompressobj(_GZIP_FORMAT)

    def _check_size(self, size: int) -> None:
        if size > self._most:
            raise BodyTooLarge(f"At most {self._most} bytes are taken here, unpacked.")

    def _check_end(self) -> None:
        # Some clients name a coding for a body that they do not send.
        if self._packed_size and not self._inflate.eof:
            raise BodyNotGzip("The gzip of the body ends early.")
