"""What an agency answered, read within bounds. No answer holds the event loop for long, whatever an agency puts into it."""

import asyncio
import codecs
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
        return read(parse_value(agency, response))
    return await run_apart(lambda: read(parse_value(agency, response)))


async def read_object(agency: str, response: httpx.Response, read: Callable[[dict[str, Any]], T]) -> T:
    """What `read` makes of the JSON object in an answer, see `read_answer`.

    Raises:
        AgencyFault: as `read_answer`; or the answer is no object.
    """
    return await read_answer(agency, response, lambda value: read(_check_object(agency, response, value)))


def parse_object(agency: str, response: httpx.Response) -> dict[str, Any]:
    """The JSON object in an answer, read here and now; where answers can be large, `read_object` keeps the loop free.

    Raises:
        AgencyFault: transient; it holds something else, such as a proxy's error page.
    """
    return _check_object(agency, response, parse_value(agency, response))


def parse_value(agency: str, response: httpx.Response) -> Any:
    """The JSON value in an answer.

    An integer of more than 64 bits becomes a float, half a surrogate pair the replacement character: neither can be
    written as JSON in UTF-8, and a citizen's text must not keep the rows around it from being read.

    Raises:
        AgencyFault: transient; it is no JSON in UTF-8, has more than `MOST_PARTS` parts or `MOST_LEVELS` levels.
    """
    text = response.content.removeprefix(codecs.BOM_UTF8)
    if _has_too_many_parts(text):
        raise _make_fault(agency, response, "more parts than the bus reads")
    try:
        value = json.loads(text)
    except ValueError:
        value = _parse_repaired(agency, response, text)
    if json.is_deeper(value, MOST_LEVELS):
        raise _make_fault(agency, response, "JSON that is nested too deep")
    return value


def _parse_repaired(agency: str, response: httpx.Response, text: bytes) -> Any:
    try:
        if b"\\ud" not in text and b"\\uD" not in text:
            raise ValueError
        return json.loads(_ESCAPE.sub(_repair, text))
    except ValueError:
        raise _make_fault(agency, response, "something that is not JSON") from None


def _repair(escape: re.Match[bytes]) -> bytes:
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
            raise _make_fault(self._agency, response, "a list with more rows or bytes than the bus reads")


def fold(value: Any) -> Any:
    """A JSON value read leniently: keys in lower case, blanks around keys and strings gone, at every depth.

    Installations of the same agency's system differ in both (letter case varies, trailing blanks are frequent).
    """
    match value:
        case dict():
            return {str(key).strip().lower(): fold(item) for key, item in value.items()}
        case list():
            return [fold(item) for item in value]
        case str():
            return value.strip()
        case _:
            return value
