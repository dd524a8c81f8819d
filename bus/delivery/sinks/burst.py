"""A burst: data for all connections, written in one turn of the event loop, go out at its end."""

import asyncio
from typing import Protocol


class Writable(Protocol):
    """What a burst needs of a connection; an `asyncio.Transport` has it."""

    def is_closing(self) -> bool:
        """Whether nothing can be written any more."""
        ...

    def write(self, data: bytes, /) -> None:
        """Send."""
        ...


class Burst:
    """Joins writes. Belongs to one event loop.

    A write between other work has to wake its receiver each time, which takes longer than sending.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Writable, bytes]] = []

    def write(self, connection: Writable, data: bytes) -> None:
        """Write data before the loop next looks at received data. If the connection is closed by then, drop them."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append((connection, data))

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection, data in waiting:
            # Who waits for its answer is told by its protocol.
            if not connection.is_closing():
                connection.write(data)
