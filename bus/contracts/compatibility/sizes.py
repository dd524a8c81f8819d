"""Lengths of strings, arrays and objects."""

from collections.abc import Iterable

from bus.contracts.compatibility.logic import Size


def bounds(sizes: Iterable[Size]) -> tuple[int, int | None]:
    """The smallest and the largest size that all limits allow; None: no upper limit."""
    sizes = list(sizes)
    least = max((size.limit for size in sizes if not size.upper), default=0)
    most = min((size.limit for size in sizes if size.upper), default=None)
    return max(least, 0), most
