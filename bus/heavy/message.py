"""Messages between a server and its workers: a list of byte strings, with their lengths before them."""

import asyncio
import struct
from collections.abc import Sequence
from typing import BinaryIO, Final

_NUMBER: Final = struct.Struct(">I")


def encode(parts: Sequence[bytes]) -> list[bytes]:
    """The message's head and its parts."""
    lengths = [_NUMBER.pack(len(part)) for part in parts]
    return [b"".join([_NUMBER.pack(len(parts)), *lengths]), *parts]


async def read(stream: asyncio.StreamReader) -> list[bytes]:
    """The next message.

    Raises:
        asyncio.IncompleteReadError: the other end closed.
    """
    (count,) = _NUMBER.unpack(await stream.readexactly(_NUMBER.size))
    lengths = struct.unpack(f">{count}I", await stream.readexactly(_NUMBER.size * count))
    return [await stream.readexactly(length) for length in lengths]


def read_blocking(stream: BinaryIO) -> list[bytes] | None:
    """The next message of a blocking stream; None: the other end closed."""
    head = stream.read(_NUMBER.size)
    if len(head) < _NUMBER.size:
        return None
    (count,) = _NUMBER.unpack(head)
    lengths = struct.unpack(f">{count}I", stream.read(_NUMBER.size * count))
    parts = [stream.read(length) for length in lengths]
    return parts if all(len(part) == length for part, length in zip(parts, lengths, strict=True)) else None
