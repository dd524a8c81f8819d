"""Waiting on a condition with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_LOOK_SECONDS = 0.02


def until(condition: Callable[[], T], seconds: float = 30.0) -> T:
    """What the condition gives once that is true.

    Raises:
        AssertionError: it did not come true in time; the last value is in the message.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still {value!r} after {seconds:g} s"
        time.sleep(_LOOK_SECONDS)
    return value
