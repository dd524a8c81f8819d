"""The wire: the transport of one connection. It bounds what waits for the client to read, and ends the connection."""

import asyncio
import socket
from typing import Final

from bus.http.front_door.hall import Patience

STRANGERS_SEND_BYTES: Final = 16 * 1024
"""Bytes of an answer that the kernel keeps while a stranger does not read: there may be thousands of strangers."""
_SEND_BYTES: Final = 128 * 1024
"""Bytes that the kernel keeps for a known client, which reads pages of a thousand events."""


class Wire:
    """Reads from and writes to a client that may be slow, deaf or gone.

    Attributes:
        is_paused: whether the bus does not read from the client for now.
        has_ended: whether the last answer is written.
    """

    __slots__ = ("_drained", "_mark", "_transport", "_unread", "has_ended", "is_paused")

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._drained = asyncio.Event()
        self._drained.set()
        self._mark: tuple[float, int] | None = None
        self._unread = 0
        self.is_paused = False
        self.has_ended = False

    def connect(self, transport: asyncio.Transport) -> None:
        """The connection begins."""
        self._transport = transport

    def widen(self) -> None:
        """Have the kernel keep as much of an answer as it does for a known client."""
        if self._transport is not None and not self._transport.is_closing():
            connected: socket.socket = self._transport.get_extra_info("socket")
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)

    def disconnect(self) -> None:
        """The connection is gone."""
        self._transport = None
        self.has_ended = True
        self._drained.set()

    @property
    def is_connected(self) -> bool:
        """Whether there is a transport; it may be closing."""
        return self._transport is not None

    @property
    def is_gone(self) -> bool:
        """Whether nothing can reach the client any more."""
        return self._transport is None or self._transport.is_closing()

    @property
    def is_clogged(self) -> bool:
        """Whether the client has too much left to read."""
        return self._mark is not None

    def clog(self, now: float) -> None:
        """The client does not read as fast as it is answered."""
        self._mark = (now, self._waiting())
        self._drained.clear()

    def unclog(self) -> None:
        """The client has read most of what was written."""
        self._mark = None
        self._drained.set()

    def write(self, text: bytes) -> None:
        """Send bytes to the client; after the last answer, send nothing."""
        if self._transport is not None and not self.has_ended:
            self._transport.write(text)

    async def writable(self) -> None:
        """Wait until the client has read most of what was written, or is gone."""
        await self._drained.wait()

    def pause(self) -> None:
        """Stop reading from the client for now."""
        if self._transport is not None and not self.is_paused:
            self.is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read from the client again."""
        if self.is_paused and self._transport is not None and not self._transport.is_closing():
            self.is_paused = False
            self._transport.resume_reading()

    def end(self, unread: int) -> None:
        """End in order.

        Args:
            unread: bytes that the client may still send. A close before them would reset the connection, and the client
                could lose the answer (RFC 9112, section 9.6).
        """
        self.has_ended = True
        self._unread = unread
        if self._transport is None or self._transport.is_closing():
            return
        if unread and self._transport.can_write_eof():
            self._transport.write_eof()
            self.resume()
        else:
            self._transport.close()

    def throw_away(self, size: int) -> None:
        """Drop bytes that a client sends after the last answer, up to the bound."""
        self._unread -= size
        if self._unread < 0:
            self.abort()

    def abort(self) -> None:
        """End at once."""
        self.has_ended = True
        if self._transport is not None:
            self._transport.abort()

    def is_unread(self, now: float, patience: Patience) -> bool:
        """Whether the client reads its answer too slowly: the answer holds memory until then."""
        if self._mark is None or now - self._mark[0] < patience.write:
            return False
        before, left = self._mark[1], self._waiting()
        self._mark = (now, left) if left else None
        return left > 0 and before - left < patience.rate * patience.write

    def finish(self, now: float) -> None:
        """Close the connection if the client has read the last answer. Otherwise begin to watch whether it reads."""
        left = self._waiting()
        if left:
            self._mark = (now, left)
        else:
            self.abort()

    def _waiting(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()
