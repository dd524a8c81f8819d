"""The reception: reads from only some strangers in each turn of the loop, since thousands may send at once."""

import asyncio
from collections import deque
from typing import Final, Protocol

_HEARD_AT_ONCE: Final = 16
"""Strangers that are heard in one turn of the loop."""


class Speaker(Protocol):
    """What the reception needs of a connection."""

    def hear(self, data: bytes) -> None:
        """Take what the client said."""
        ...


class Reception:
    """Has connections hear their clients, in the order in which the clients spoke. Belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Speaker, bytes]] = deque()

    def queue(self, speaker: Speaker, data: bytes) -> None:
        """Have a connection hear its client in its turn. Until then it must read nothing more from the client."""
        self._waiting.append((speaker, data))
        if len(self._waiting) == 1:
            self._loop.call_soon(self._serve)

    def _serve(self) -> None:
        for _ in range(min(_HEARD_AT_ONCE, len(self._waiting))):
            speaker, data = self._waiting.popleft()
            # One call for each, so that a failure harms no other connection.
            self._loop.call_soon(speaker.hear, data)
        if self._waiting:
            self._loop.call_soon(self._serve)
