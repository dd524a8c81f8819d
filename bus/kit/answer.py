"""What an agency answered, read within bounds. No answer holds the event loop for long, whatever an agency puts into it."""

import asyncio
import codecs
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, Final, TypeVar

import httpx

from bus import json
from bus.kit.failure import Failure
from bus.kit.fault import AgencyFault

T = TypeVar("T")

MOST_PARTS: Final = 120_000
"""Commas and opening brackets of an answer. The parser holds every other thread, for about 0.15 ms per thousand of them."""
MOST_LEVELS: Final = 64
"""How deep an answer may be nested; the agencies' own have six levels. The bus writes no more than 254."""
MOST_ROWS: Final = 20_000
"""Rows of a list, over all of its pages."""
MOST_PAGED_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a list, over all of its pages."""

_MOST_WHOLE = 10**15
"""Below this a float keeps each integer."""
_SMALL = 32 * 1024
"""Bytes of an answer that is read in some milliseconds, in the event loop itself."""
_BEGINNING = 2048
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="agencies")
"""Threads of their own: agencies' large answers must not take the threads that wait for the database."""
_ESCAPE = re.compile(rb"\\(?:(u[dD][89abAB]..\\u[dD][c-fC-F]..)|(u[dD][89a-fA-F]..)|.)", re.DOTALL)


async def run_apart(work: Callable[[], T]) -> T:
    """What the work returns. It runs in a thread: work in Python lets the event loop go on every few milliseconds."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


async def read_answer(agency: str, response: httpx.Response, read: Callable[[Any], T]) -> T:
    """What `read` makes of the JSON in an answer; a large answer is parsed and read in a thread.

    Args:
        agency: what faults call it.
        read: called with the JSON value. It touches nothing that the event loop changes.

    Raises:
        AgencyFault: transient; the answer is no JSON, or beyond the bounds; and what `read` raises.
    """
    if len(response.content) <= _SMALL:
        return read(json_value(agency, response))
    return await run_apart(lambda: read(json_value(agency, response)))


async def read_object(agency: str, response: httpx.Response, read: Callable[[dict[str, Any]], T]) -> T:
    """What `read` makes of the JSON object in an answer, see `read_answer`.

    Raises:
        AgencyFault: as `read_answer`; or the answer is no object.
    """
    return await read_answer(agency, response, lambda value: read(_checked_object(agency, response, value)))


def json_object(agency: str, response: httpx.Response) -> dict[str, Any]:
    """The JSON object in an answer, read here and now; where answers can be large, `read_object` keeps the loop free.

    Raises:
        AgencyFault: transient; it holds something else, such as a proxy's error page.
    """
    return _checked_object(agency, response, json_value(agency, response))


def json_value(agency: str, response: httpx.Response) -> Any:
    """The JSON value in an answer.

    Half a surrogate pair becomes the replacement character, which UTF-8 has: a citizen's text must not keep the rows around it
    from being read. A number that the bus would change is a `Decimal`, see `bus.json.loads_exactly`. The gate refuses an
    event that still has one, so that a mapping rounds what the agency writes too precisely, and nothing else.

    Raises:
        AgencyFault: transient; it is no JSON in UTF-8, has more than `MOST_PARTS` parts or `MOST_LEVELS` levels.
    """
    text = response.content.removeprefix(codecs.BOM_UTF8)
    if _has_too_many_parts(text):
        raise _unreadable(agency, response, "more parts than the bus reads")
    try:
        value = json.loads_exactly(_repair(text)) if json.changes_number(text) else json.loads(text)
    except ValueError:
        value = _loads_repaired(agency, response, text)
    if json.is_deeper(value, MOST_LEVELS):
        raise _unreadable(agency, response, "JSON that is nested too deep")
    return value


def _loads_repaired(agency: str, response: httpx.Response, text: bytes) -> Any:
    try:
        return json.loads(_repair(text))
    except ValueError:
        raise _unreadable(agency, response, "something that is not JSON") from None


def _repair(text: bytes) -> bytes:
    """The text with the replacement character for each half of a surrogate pair."""
    return _ESCAPE.sub(_repaired, text) if b"\\ud" in text or b"\\uD" in text else text


def _repaired(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape.group(2) else escape.group()


def _has_too_many_parts(text: bytes) -> bool:
    left = MOST_PARTS
    for mark in (b",", b"[", b"{"):
        left -= text.count(mark)
        if left < 0:
            return True
    return False


def _checked_object(agency: str, response: httpx.Response, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unreadable(agency, response, "something that is not a JSON object")
    return value


def _unreadable(agency: str, response: httpx.Response, what: str) -> AgencyFault:
    return AgencyFault(Failure.TRANSIENT, f"{agency} answered {what}", status=response.status_code)


def beginning(response: httpx.Response) -> str:
    """The first 2 kB of an answer as text, to look for a code or a phrase.

    It is read as UTF-8, never in the charset that the agency names: some of Python's decoders take quadratic time.
    """
    return response.content[:_BEGINNING].decode("utf-8", "replace")


class Allowance:
    """What all pages of one list may hold together."""

    def __init__(self, agency: str, *, rows: int = MOST_ROWS, most_bytes: int = MOST_PAGED_BYTES) -> None:
        self._agency = agency
        self._rows = rows
        self._bytes = most_bytes

    def take(self, response: httpx.Response, rows: int) -> None:
        """Count a page.

        Raises:
            AgencyFault: transient; the pages hold more than they may.
        """
        self._rows -= rows
        self._bytes -= len(response.content)
        if self._rows < 0 or self._bytes < 0:
            raise _unreadable(self._agency, response, "a list with more rows or bytes than the bus reads")


def rounded(value: Any, places: int) -> Any:
    """A number that an agency writes too precisely, with at most `places` digits after the point; any other value itself.

    Args:
        value: as `json_value` gives it. A `Decimal` of 15 digits or more before the point is no matter of precision.
    """
    if not isinstance(value, Decimal) or not value.is_finite() or abs(value) >= _MOST_WHOLE:
        return value
    return float(round(value, places))


def folded(value: Any) -> Any:
    """A JSON value read leniently: keys in lower case, blanks around keys and strings gone, at every depth.

    Installations of the same agency's system differ in both (letter case varies, trailing blanks are frequent).
    """
    match value:
        case dict():
            return {str(key).strip().lower(): folded(item) for key, item in value.items()}
        case list():
            return [folded(item) for item in value]
        case str():
            return value.strip()
        case _:
            return value
