"""Answers in gzip or zstd, for clients that ask for it (RFC 9110, section 8.4; RFC 8878).

An answer in a coding has an entity tag of its own (section 8.8.3.3). Answers that hold a secret are never packed: their length
would tell of the secret (BREACH).
"""

import asyncio
import re
import sys
import zlib
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final, Protocol

from fastapi import Depends, Request

from bus.http.negotiation import GZIP, IDENTITY, ZSTD, Coding

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Field = tuple[bytes, bytes]

_LEAST: Final = 1024
"""Bytes of an answer that is worth packing: one packet of a network holds a shorter one."""
_HERE: Final = 32 * 1024
"""Bytes that are packed in the event loop, in less than a millisecond; more are in a thread."""
_LEVEL: Final = 5
_ZSTD_LEVEL: Final = 3
_TEXT: Final = re.compile(rb"text/|application/(?:[\w.-]+\+)?(?:json|yaml|xml|javascript|x-ndjson)|image/svg\+xml")
_STREAM: Final = b"text/event-stream"
_UNPACKED: Final = "bus.is_unpacked"
_TAG: Final = re.compile(rb'-(?:gzip|zstd)"')
_CONDITIONS: Final = (b"if-none-match", b"if-match")


class Packer(Protocol):
    """Packs one answer."""

    def pack(self, part: bytes) -> bytes:
        """Pack a part; some of it may come out later."""
        ...

    def flush(self) -> bytes:
        """All that was packed so far, so that the client can read it now."""
        ...

    def end(self) -> bytes:
        """The rest."""
        ...


class _Gzip:
    def __init__(self, *, is_stream: bool) -> None:
        # A stream is open for hours. It holds 20 kB with this small window, and 120 kB with the usual one.
        self._packer = (
            zlib.compressobj(_LEVEL, wbits=28, memLevel=5) if is_stream else zlib.compressobj(_LEVEL, wbits=31)
        )
        self.pack = self._packer.compress
        self.end = self._packer.flush

    def flush(self) -> bytes:
        return self._packer.flush(zlib.Z_SYNC_FLUSH)


class _Zstd:
    def __init__(self, *, is_stream: bool) -> None:
        parameter = zstd.CompressionParameter
        small: dict[int, int] = {parameter.compression_level: 1, parameter.window_log: 14}
        usual: dict[int, int] = {parameter.compression_level: _ZSTD_LEVEL}
        self._packer = zstd.ZstdCompressor(options=small if is_stream else usual)
        self.pack = self._packer.compress
        self.end = self._packer.flush

    def flush(self) -> bytes:
        return self._packer.flush(zstd.ZstdCompressor.FLUSH_BLOCK)


_PACKERS: Final[dict[str, Callable[..., Packer]]] = {GZIP: _Gzip, ZSTD: _Zstd}


class Packing:
    """Sends one answer, packed if the client asked for it and the answer is worth it."""

    def __init__(self, scope: MutableMapping[str, Any], coding: Coding, send: Send) -> None:
        self._scope = scope
        self._coding = coding
        self._send = send
        self._packer: Packer | None = None
        self._is_stream = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Send a part of the answer (ASGI)."""
        if message["type"] == "http.response.start":
            await self._send(self._start(message))
        elif self._packer is None:
            await self._send(message)
        else:
            more = message.get("more_body", False)
            packed = await self._pack(self._packer, message.get("body", b""), is_last=not more)
            if packed or not more:
                await self._send({"type": "http.response.body", "body": packed, "more_body": more})

    def _start(self, message: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        fields: list[Field] = list(message.get("headers", ()))
        named = dict(fields)
        if self._is_worth_packing(message["status"], named):
            self._is_stream = named.get(b"content-type", b"").startswith(_STREAM)
            self._packer = _PACKERS[self._coding.name](is_stream=self._is_stream)
            fields = [field for field in fields if field[0] not in (b"content-length", b"etag")]
            fields.append((b"content-encoding", self._coding.name.encode()))
            if b"etag" in named:
                fields.append((b"etag", _tag(named[b"etag"], self._coding.name)))
        elif message["status"] == _NOT_MODIFIED:
            fields = [_as_asked(field, self._scope) for field in fields]
        return {**message, "headers": fields}

    def _is_worth_packing(self, status: int, named: dict[bytes, bytes]) -> bool:
        if self._coding.name == IDENTITY or status in _BODILESS or _UNPACKED in self._scope:
            return False
        if b"content-encoding" in named or not _TEXT.match(named.get(b"content-type", b"")):
            return False
        # An answer whose length nobody knows yet may be long.
        return self._coding.is_must or int(named.get(b"content-length", _LEAST)) >= _LEAST

    async def _pack(self, packer: Packer, part: bytes, *, is_last: bool) -> bytes:
        # zlib and zstd leave the interpreter to others while they pack.
        packed = packer.pack(part) if len(part) <= _HERE else await asyncio.to_thread(packer.pack, part)
        if is_last:
            return packed + packer.end()
        return packed + packer.flush() if self._is_stream and part else packed


def leave_unpacked(scope: MutableMapping[str, Any]) -> None:
    """Have the answer to a request never packed."""
    scope[_UNPACKED] = True


async def _leave_unpacked(request: Request) -> None:
    leave_unpacked(request.scope)


HOLDS_SECRET: Final = Depends(_leave_unpacked)
"""A dependency of operations whose answer holds a secret."""

_NOT_MODIFIED: Final = 304
_BODILESS: Final = frozenset({204, _NOT_MODIFIED})
_ASKED: Final = "bus.asked_tags"


def read_conditions(scope: MutableMapping[str, Any]) -> None:
    """Have the conditions of a request name entity tags as the endpoints know them, without a coding."""
    fields: Sequence[Field] = scope["headers"]
    if not any(name in _CONDITIONS and _TAG.search(value) for name, value in fields):
        return
    scope[_ASKED] = b",".join(value for name, value in fields if name in _CONDITIONS)
    scope["headers"] = [
        (name, _TAG.sub(b'"', value)) if name in _CONDITIONS else (name, value) for name, value in fields
    ]


def _tag(etag: bytes, coding: str) -> bytes:
    """The entity tag of the same content in a coding; a weak one names all of its codings."""
    return etag if etag.startswith(b"W/") else b'%b-%b"' % (etag[:-1], coding.encode())


def _as_asked(field: Field, scope: MutableMapping[str, Any]) -> Field:
    """The tag of a 304 as the client named it."""
    name, value = field
    asked: bytes = scope.get(_ASKED, b"")
    tags = (_tag(value, coding) for coding in _PACKERS)
    return (name, next((tag for tag in tags if tag in asked), value)) if name == b"etag" else field
