"""Rows of an agency's list: an adapter reads them, and the bus finds which of them are new, changed or gone."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from bus.json import dump_canonical
from bus.kit.fault import AgencyFault
from bus.problem import Refused


class RowUnreadable(Refused):
    """The adapter cannot read this row of the agency's list; ask the agency to mend it."""

    status = 422
    slug = "row-unreadable"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list.

    Attributes:
        key: the agency's own name of the row, and the subject of its events; None: the row has none.
        data: the record, as the operation's contract describes it. Of an unreadable row: a digest
            of what the agency sent, so that no more of it leaves the adapter.
        time: when the row changed, in RFC 3339; None: the agency does not say.
        fault: why the adapter cannot read the row; None: it can.
    """

    key: str | None
    data: Any
    time: str | None = None
    fault: Refused | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one list, in the agency's order.

    Attributes:
        source: the source of the rows' events. Source and key name a row.
        rows: the rows.
        is_whole: True: the list has no other rows, so a row that is missing is deleted. False: it is a page.
        moment: of a push: the moment that its signature names. A row that comes again with this moment is the same sending, and
            no news. None: the proof names no moment finer than a day.
    """

    source: str
    rows: Sequence[Row]
    is_whole: bool
    moment: str | None = None


def read_rows(
    found: Iterable[Any], read: Callable[[dict[str, Any]], Row], find_key: Callable[[dict[str, Any]], Any]
) -> list[Row]:
    """The rows of a list, one for each entry that the agency sent.

    An entry that is no object, or at which `read` raises, becomes a row with a fault: it holds up no other row.

    Args:
        found: the entries, as `read_as_sent` read them.
        read: makes a row of an entry.
        find_key: the key of an entry that `read` cannot read; a value that is no text counts as none.

    Raises:
        AgencyFault: as `read` says.
    """
    return [_read_row(entry, read, find_key) for entry in found]


def _read_row(entry: Any, read: Callable[[dict[str, Any]], Row], find_key: Callable[[dict[str, Any]], Any]) -> Row:
    if not isinstance(entry, dict):
        return Row(None, digest(entry), fault=RowUnreadable("The row is no JSON object."))
    try:
        return read(entry)
    except AgencyFault:
        raise
    except Refused as refusal:
        return Row(_find_key(entry, find_key), digest(entry), fault=refusal)
    except Exception as error:  # noqa: BLE001 - a defect that one row meets must not hold up the other rows
        # The message may hold what the row says; its kind does not.
        fault = RowUnreadable(f"The adapter's mapping does not read the row ({type(error).__name__}).")
        return Row(_find_key(entry, find_key), digest(entry), fault=fault)


def _find_key(entry: dict[str, Any], find_key: Callable[[dict[str, Any]], Any]) -> str | None:
    try:
        key = find_key(entry)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None
    return key if isinstance(key, str) and key else None


def digest(value: Any) -> str:
    """64 bits of SHA-256 of a value that an agency sent.

    Canonical JSON is hashed. JSON holds neither a `Decimal` nor half a surrogate pair. Both have a form of their own here, so
    that each value has a digest.
    """
    try:
        text = dump_canonical(value, _mark)
    except TypeError:
        text = json.dumps(value, sort_keys=True, default=_mark, separators=(",", ":")).encode()
    return sha256(text).hexdigest()[:16]


def _mark(value: Any) -> dict[str, str]:
    # Not its text alone: an agency that mends a number by sending text has to be noticed.
    return {type(value).__name__: str(value)}
