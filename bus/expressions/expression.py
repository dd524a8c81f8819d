"""One JSONata expression, evaluated within bounds. Only worker processes evaluate.

The library takes liberties that this module closes. It rounds numbers to 15 digits. Its messages quote data. Variables stay for
the next evaluation. Neither time nor depth is bounded.
"""

import re
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Final

from bus.kit import says_absent, says_denied, says_success

MOST_DIGITS: Final = 15
"""Significant digits of a number that the library keeps."""
LONGEST: Final = 20_000
"""Most characters of an expression."""

_DEEPEST: Final = 2500
"""Most levels of Python calls. The library takes about twelve for each level of a recursive function."""
_TOO_LARGE: Final = 10**MOST_DIGITS
_NUMBER: Final = re.compile(r"\s*[+-]?([0-9]*\.?[0-9]*)(?:[eE][+-]?[0-9]+)?\s*", re.ASCII)
_LEVELS: Final = 64
"""Most levels of a value that an expression makes."""

MISSING: Final = object()
"""What an expression gives that finds nothing. Null is None."""


class ExpressionFailed(Exception):
    """An expression gave no value.

    Attributes:
        code: JSONata's code, or one of `late`, `deep`, `digits`, `value`. It never holds data.
        message: for the author alone, since it may hold data.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class _Late(BaseException):
    """The time of one evaluation is used up. No library catches this as an `Exception`."""


class Expression:
    """A compiled expression.

    Raises:
        ExpressionFailed: the text is no JSONata expression.
    """

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise ExpressionFailed("deep", f"the expression has more than {LONGEST} characters")
        library = _load_library()
        with _translate_errors():
            self._compiled = library.Jsonata(text)
        # The import of the library sets ten thousand levels, which can exhaust the stack of C.
        sys.setrecursionlimit(_DEEPEST)
        self._compiled.set_output_convert_nulls(False)
        for name, function in _FUNCTIONS.items():
            self._compiled.register_lambda(name, function)

    def evaluate(self, value: Any, variables: Mapping[str, Any], seconds: float) -> Any:
        """The expression's value; `MISSING` if it finds nothing.

        Args:
            value: the input, a JSON value; `MISSING` for none.
            variables: the values of `$name`. They are gone after the call.
            seconds: most seconds of processor time.

        Raises:
            ExpressionFailed: the expression gave no JSON value within its bounds.
        """
        with _translate_errors(), _bound_time(seconds):
            found = self._compiled.evaluate(None if value is MISSING else value, dict(variables))
            return MISSING if found is None else _copy(found, 0)


@lru_cache(maxsize=512)
def compile_expression(text: str) -> Expression:
    """The compiled expression of a text. A worker compiles each text once.

    Raises:
        ExpressionFailed: the text is no JSONata expression.
    """
    with _bound_time(1.0), _translate_errors():
        return Expression(text)


@cache
def _load_library() -> Any:
    """The library. A process loads it with its first expression."""
    return import_module("jsonata")


def _is_null(value: Any) -> bool:
    """Whether a value is null, as JSON or as the library writes it."""
    return value is None or value is _load_library().utils.Utils.NULL_VALUE


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except ExpressionFailed:
        raise
    except _Late:
        raise ExpressionFailed("late", "the expression takes too long") from None
    except RecursionError:
        raise ExpressionFailed("deep", "the expression calls itself too often, or is nested too deep") from None
    except (MemoryError, SystemError):
        # The worker is used up, and ends.
        raise
    except Exception as error:  # noqa: BLE001 - the library lets Python's own errors through, such as of a division by zero
        if isinstance(error, _load_library().JException):
            raise ExpressionFailed(str(error.error)[:10], str(error)) from None
        raise ExpressionFailed("value", f"{type(error).__name__}: {error}") from None


@contextmanager
def _bound_time(seconds: float) -> Iterator[None]:
    # Signals reach the main thread alone. A thread is only used by tests.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _be_late)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _be_late(*_: Any) -> None:
    raise _Late


def _copy(value: Any, level: int) -> Any:
    """The value as plain JSON.

    Raises:
        ExpressionFailed: the value holds a function, is too deep, or has a number whose digits the library may have changed.
    """
    if _is_null(value):
        return None
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        return _check_number(value)
    if level == _LEVELS:
        raise ExpressionFailed("deep", f"the value has more than {_LEVELS} levels")
    if isinstance(value, dict):
        return {str(name): _copy(item, level + 1) for name, item in value.items()}
    if isinstance(value, list):
        # By index: the library's own iterator of a range leaves the last out.
        return [_copy(value[at], level + 1) for at in range(len(value))]
    raise ExpressionFailed("value", "the expression gives a function and not a value")


def _check_number(number: float) -> float:
    if number != number or abs(number) >= _TOO_LARGE:
        raise ExpressionFailed("digits", f"a number has more than {MOST_DIGITS} digits; hand it on as text")
    return number


def _read_number(value: Any) -> Any:
    """JSONata's `$number` for texts and truth values, which refuses what the library would round."""
    if _is_null(value):
        return None
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    found = _NUMBER.fullmatch(value) if isinstance(value, str) and len(value) <= 64 else None
    digits = found.group(1).replace(".", "") if found else ""
    if not digits:
        raise ExpressionFailed("value", "the text is no number")
    if len(digits.strip("0")) > MOST_DIGITS:
        raise ExpressionFailed("digits", f"the text has more than {MOST_DIGITS} digits; hand it on as text")
    exact = Decimal(str(value).strip())
    return int(exact) if exact == exact.to_integral_value() and abs(exact) < _TOO_LARGE else float(exact)


def _say_absent(text: Any, *things: Any) -> bool:
    return says_absent(text, [thing for thing in things if isinstance(thing, str)])


_FUNCTIONS: Final = {
    "number": _read_number,
    "saysSuccess": says_success,
    "saysDenied": says_denied,
    "saysAbsent": _say_absent,
}
"""Functions beside JSONata's own: a stricter `$number`, and what agencies' words mean (`bus.kit`)."""
