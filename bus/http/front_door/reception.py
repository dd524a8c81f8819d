"""The reception: what strangers say is heard of some of them in each turn of the loop, since thousands may speak at once."""

import asyncio
from collections import deque
from typing import Final, Protocol

_HEARD_AT_ONCE: Final = 16
"""Strangers that are heard in one turn of the loop; each takes some 0.1 ms of it."""


class Speaker(Protocol):
    """A connection, as the reception sees it."""

    def hear(self, data: bytes) -> None:
        """Take what the client said."""
        ...


class Reception:
    """Has connections hear their clients, in the order in which the clients spoke. Belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Speaker, bytes]] = deque()

    def queue(self, speaker: Speaker, data: bytes) -> None:
        """Have a connection hear its client in its turn; it reads nothing more from the client before."""
        self._waiting.append((speaker, data))
        if len(self._waiting) == 1:
            self._loop.call_soon(self._serve)

    def _serve(self) -> None:
        for _ in range(min(_HEARD_AT_ONCE, len(self._waiting))):
            speaker, data = self._waiting.popleft()
            # A call of its own for each: what fails with one of them harms no other.
            self._loop.call_soon(speaker.hear, data)
        if self._waiting:
            self._loop.call_soon(self._serve)
