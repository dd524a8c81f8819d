"""Writes large JSON piece by piece, so that other threads can run between the pieces."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from bus import json

_FEW: Final = 64
"""An object or array with fewer entries is written entry by entry, since each entry may be large."""


def dumps_in_pieces(value: Any, most: int) -> bytes:
    """The same bytes as `json.dumps`, written in pieces, so that other threads can run between them.

    The writer holds the interpreter's lock while it writes a piece.

    Args:
        value: not nested deeper than `json.dumps` allows.
        most: the approximate size of a piece, in characters and values.
    """
    return b"".join(_write_pieces(value, most))


def _write_pieces(value: Any, most: int) -> Iterator[bytes]:
    if not isinstance(value, dict | list) or json.is_small(value, most):
        yield json.dumps(value)
        return
    is_object = isinstance(value, dict)
    yield b"{" if is_object else b"["
    inside = _write_entries(value, most) if len(value) < _FEW else _write_runs(value, most)
    for number, pieces in enumerate(inside):
        if number:
            yield b","
        yield from pieces
    yield b"}" if is_object else b"]"


def _write_entries(value: dict[str, Any] | list[Any], most: int) -> Iterator[Iterable[bytes]]:
    """The pieces of each entry of a short object or array."""
    if isinstance(value, list):
        yield from (_write_pieces(inner, most) for inner in value)
    else:
        yield from (chain([json.dumps({name: 0})[1:-2]], _write_pieces(inner, most)) for name, inner in value.items())


def _write_runs(value: dict[str, Any] | list[Any], most: int) -> Iterator[Iterable[bytes]]:
    """Runs of entries of a long object or array. The size of a run sets how many entries the next run gets."""
    entries = value if isinstance(value, list) else list(value.items())
    start, count = 0, 1
    while start < len(entries):
        run = entries[start : start + count]
        text = json.dumps(run if isinstance(value, list) else dict(run))[1:-1]
        yield (text,)
        start += count
        count = max(1, min(2 * count, count * most // len(text)))
