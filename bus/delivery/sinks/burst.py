"""A burst: what is written in one turn of the event loop, to whatever connections, goes out together at its end."""

import asyncio
from typing import Protocol


class Writable(Protocol):
    """What is asked of a connection; an `asyncio.Transport` is one."""

    def is_closing(self) -> bool:
        """Whether nothing can be written any more."""
        ...

    def write(self, data: bytes, /) -> None:
        """Send."""
        ...


class Burst:
    """Belongs to one event loop.

    What is written between other work finds its receiver asleep each time, and waking it takes longer than sending.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Writable, bytes]] = []

    def write(self, connection: Writable, data: bytes) -> None:
        """Have something written before the loop looks at what came; not at all if the connection is closed by then."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append((connection, data))

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection, data in waiting:
            # Who waits for its answer is told by its protocol.
            if not connection.is_closing():
                connection.write(data)
