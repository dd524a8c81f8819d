"""Reads an agency's answer within bounds, so that no answer holds the event loop for long."""

import asyncio
import codecs
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final, TypeVar

import httpx

from bus import json
from bus.kit.failure import Failure
from bus.kit.fault import AgencyFault

T = TypeVar("T")

MOST_PARTS: Final = 120_000
"""Most commas and opening brackets in an answer. The parser holds all other threads, for a time that grows with them."""
MOST_LEVELS: Final = 64
"""Most levels of an answer. The agencies' own answers have six; the bus itself writes at most 254."""
MOST_ROWS: Final = 20_000
"""Most rows of a list, over all of its pages."""
MOST_PAGED_BYTES: Final = 16 * 1024 * 1024
"""Most bytes of a list, over all of its pages."""

_MOST_WHOLE = 10**15
"""Below this a float keeps each integer."""
_SMALL = 32 * 1024
"""Most bytes of an answer that the event loop reads itself, in some milliseconds."""
_BEGINNING = 2048
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="agencies")
"""Threads for large answers alone: these answers must not take the threads that wait for the database."""
_ENDLESS = re.compile(rb"(?<![0-9])[0-9]{1000}")
_ESCAPE = re.compile(rb"\\(?:(u[dD][89abAB]..\\u[dD][c-fC-F]..)|(u[dD][89a-fA-F]..)|.)", re.DOTALL)


async def run_apart(work: Callable[[], T]) -> T:
    """The value that `work` returns, called in a thread. Python lets the event loop run every few milliseconds."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


async def read_answer(agency: str, response: httpx.Response, read: Callable[[Any], T]) -> T:
    """The value that `read` makes of the JSON in an answer. A thread parses and reads a large answer.

    Args:
        agency: the agency's name in faults.
        read: takes the JSON value. It must use nothing that the event loop changes.

    Raises:
        AgencyFault: transient; the answer is no JSON, or exceeds a bound.
        Exception: whatever `read` raises.
    """
    if len(response.content) <= _SMALL:
        return read(parse_value(agency, response))
    return await run_apart(lambda: read(parse_value(agency, response)))


async def read_as_sent(agency: str, response: httpx.Response, read: Callable[[Any], T]) -> T:
    """The value that `read` makes of the JSON of a list, in which each row keeps its oddities for itself.

    Half a surrogate pair, and a byte that is no UTF-8, stay in their text: the bus sets such a row aside, and takes the
    others. A text may hold control characters. A number without end is an infinite `Decimal`. Otherwise as `read_answer`.

    Raises:
        AgencyFault: transient; the answer is no JSON, or exceeds a bound.
        Exception: whatever `read` raises.
    """

    def read_text() -> T:
        return read(_parse(agency, response, _parse_as_sent))

    return await run_apart(read_text) if len(response.content) > _SMALL else read_text()


async def read_object(agency: str, response: httpx.Response, read: Callable[[dict[str, Any]], T]) -> T:
    """The value that `read` makes of the JSON object in an answer. See `read_answer`.

    Raises:
        AgencyFault: transient; the answer is no JSON object, or exceeds a bound.
        Exception: whatever `read` raises.
    """
    return await read_answer(agency, response, lambda value: read(_check_object(agency, response, value)))


def parse_object(agency: str, response: httpx.Response) -> dict[str, Any]:
    """The JSON object in a small answer, parsed in the calling thread. For large answers use `read_object`.

    Raises:
        AgencyFault: transient; the answer is no JSON object (such as a proxy's error page), or exceeds a bound.
    """
    return _check_object(agency, response, parse_value(agency, response))


def parse_value(agency: str, response: httpx.Response) -> Any:
    """The JSON value in an answer.

    Half a surrogate pair becomes the replacement character, since JSON in UTF-8 cannot hold it. One citizen's text must not
    make a whole page unreadable. A number that the bus would change is a `Decimal`; see `bus.json.loads_exactly`. A
    mapping rounds the numbers that are only too precise. The gate refuses an event that still has a `Decimal`.

    Raises:
        AgencyFault: transient; the answer is no JSON in UTF-8, has more than `MOST_PARTS` parts or `MOST_LEVELS` levels.
    """
    return _parse(agency, response, _parse_repaired)


def _parse(agency: str, response: httpx.Response, parse: Callable[[bytes], Any]) -> Any:
    text = response.content.removeprefix(codecs.BOM_UTF8)
    if _has_too_many_parts(text):
        raise _make_fault(agency, response, "more parts than the bus reads")
    try:
        value = parse(text)
    except ValueError:
        raise _make_fault(agency, response, "something that is not JSON") from None
    if json.is_deeper(value, MOST_LEVELS):
        raise _make_fault(agency, response, "JSON that is nested too deep")
    return value


def _parse_repaired(text: bytes) -> Any:
    """The JSON value, without half a surrogate pair.

    Raises:
        ValueError: the text is no JSON in UTF-8.
    """
    return _parse_exactly(text) if json.changes_number(text) else _parse_quickly(text)


def _parse_as_sent(text: bytes) -> Any:
    """The JSON value, with half surrogate pairs. A byte that is no UTF-8 is half a pair as well (PEP 383).

    Raises:
        ValueError: the text is no JSON.
    """
    if not json.changes_number(text):
        with suppress(ValueError):
            return json.loads(text)
    return json.loads_leniently(text.decode("utf-8", "surrogateescape"))


def _parse_exactly(text: bytes) -> Any:
    """The JSON value, with a `Decimal` for each number that the bus would change.

    Raises:
        ValueError: the text is no JSON in UTF-8, or a number has no end that anybody means.
    """
    if _ENDLESS.search(text):
        raise ValueError("has a number of a thousand digits")
    return json.loads_exactly(_repair(text))


def _parse_quickly(text: bytes) -> Any:
    """The JSON value of a text whose numbers the bus keeps.

    Raises:
        ValueError: the text is no JSON in UTF-8.
    """
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(_repair(text))


def _repair(text: bytes) -> bytes:
    """The text with the replacement character for each half of a surrogate pair."""
    return _ESCAPE.sub(_repair_escape, text) if b"\\ud" in text or b"\\uD" in text else text


def _repair_escape(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape.group(2) else escape.group()


def _has_too_many_parts(text: bytes) -> bool:
    left = MOST_PARTS
    for mark in (b",", b"[", b"{"):
        left -= text.count(mark)
        if left < 0:
            return True
    return False


def _check_object(agency: str, response: httpx.Response, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _make_fault(agency, response, "something that is not a JSON object")
    return value


def _make_fault(agency: str, response: httpx.Response, what: str) -> AgencyFault:
    return AgencyFault(Failure.TRANSIENT, f"{agency} answered {what}", status=response.status_code)


def read_beginning(response: httpx.Response) -> str:
    """The first 2 KiB of an answer as text, to look for a code or a phrase.

    The charset is UTF-8, whatever the agency names: some of Python's decoders take quadratic time.
    """
    return response.content[:_BEGINNING].decode("utf-8", "replace")


class Allowance:
    """Bounds the rows and bytes of one list, over all of its pages.

    Args:
        agency: the agency's name in faults.
        rows: most rows.
        most_bytes: most bytes.
    """

    def __init__(self, agency: str, *, rows: int = MOST_ROWS, most_bytes: int = MOST_PAGED_BYTES) -> None:
        self._agency = agency
        self._rows = rows
        self._bytes = most_bytes

    def take(self, response: httpx.Response, rows: int) -> None:
        """Count a page with `rows` rows.

        Raises:
            AgencyFault: transient; the pages so far exceed a bound.
        """
        self._rows -= rows
        self._bytes -= len(response.content)
        if self._rows < 0 or self._bytes < 0:
            raise _make_fault(self._agency, response, "a list with more rows or bytes than the bus reads")


def round_decimal(value: Any, places: int) -> Any:
    """The float nearest to a `Decimal`, with at most `places` digits after the point. Another value is returned as it is.

    A `Decimal` with more than 15 digits before the point stays: such a number is too large, and not only too precise.

    Args:
        value: as `parse_value` returns it.
    """
    if not isinstance(value, Decimal) or not value.is_finite() or abs(value) >= _MOST_WHOLE:
        return value
    return float(round(value, places))


def read_list(value: Any) -> list[Any] | None:
    """A list that an agency sent; None if the value is none.

    PHP writes a list whose indexes have a gap as an object: `{"0": {…}, "2": {…}}`. This becomes a list as well. An object
    without members is no list: it says nothing about a list.

    Args:
        value: a JSON value.
    """
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and value and all(str(name).isascii() and str(name).isdigit() for name in value):
        return list(value.values())
    return None
