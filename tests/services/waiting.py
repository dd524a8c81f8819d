"""Waiting on a condition with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_LOOK_SECONDS = 0.02


def until(condition: Callable[[], T], seconds: float = 30.0, says: Callable[[], object] | None = None) -> T:
    """What the condition gives once that is true.

    Args:
        says: what to tell of when it does not come true, beside its last value.

    Raises:
        AssertionError: it did not come true in time.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {value!r} after {seconds:g} s", says() if says else "")
        time.sleep(_LOOK_SECONDS)
    return value
