"""Entries: events as the journal holds them, read at their positions."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

from bus import json
from bus.journal import statements
from bus.problem import Unavailable
from bus.storage import Parameters, Transaction

_FEW: Final = 4
"""Events that are read without a look at their sizes: by default none has more than a mebibyte."""
_JOINED: Final = 100
"""The most events that SQLite joins into one row."""


class EventsDeleted(Unavailable):
    """Retention deleted old events while they were read; ask again."""

    slug = "events-deleted"


class Entry(NamedTuple):
    """One event as the journal holds it. A named tuple, since Python makes it faster than a frozen dataclass.

    Attributes:
        key: the record's key, for record contracts.
        person: whom the event is about, where the data are personal, as `persons.write_persons` writes it.
        recorded_at: microseconds since 1970.
        body: the whole CloudEvent as JSON, as the bus hands it out.
    """

    position: int
    contract_id: int
    version_id: int
    participant: str
    key: str | None
    person: str | None
    recorded_at: int
    body: bytes


class Stretch(NamedTuple):
    """Entries in order, and whether these were all. The stretch ends early if they are large (`statements.MOST_BYTES`)."""

    entries: Sequence[Entry]
    is_last: bool


def entries_at(transaction: Transaction, positions: Sequence[int]) -> dict[int, Entry]:
    """The events at some positions, read in the caller's transaction."""
    found: dict[int, Entry] = {}
    for start in range(0, len(positions), _JOINED):
        asked = {"positions": transaction.numbers(positions[start : start + _JOINED])}
        entries = _read_joined(transaction, asked) if transaction.is_sqlite else []
        entries = entries or [make_entry(row) for row in transaction.rows(statements.AT, asked)]
        found.update({entry.position: entry for entry in entries})
    return found


def hold_event(transaction: Transaction, position: int) -> bool:
    """Whether the journal has an event at a position. Then retention leaves it there until the transaction ends."""
    return transaction.one(statements.HOLD_EVENT, {"position": position}) is not None


def piece_at(transaction: Transaction, positions: Sequence[int]) -> dict[int, Entry]:
    """The events at the first positions, up to the event that reaches `MOST_BYTES`.

    Raises:
        EventsDeleted: one of them is not there any more.
    """
    piece = take_first_piece(transaction, positions)
    found = entries_at(transaction, piece) if piece else {}
    if len(found) < len(set(piece)):
        raise EventsDeleted("Old events were deleted while they were read; ask again.")
    return found


def take_first_piece(transaction: Transaction, positions: Sequence[int]) -> Sequence[int]:
    """The first positions, up to the position whose event reaches `MOST_BYTES`. Raises `EventsDeleted`."""
    if len(positions) <= _FEW:
        return positions
    lengths = lengths_at(transaction, positions)
    if len(lengths) < len(set(positions)):
        raise EventsDeleted("Old events were deleted while they were read; ask again.")
    reached = accumulate(lengths[position] for position in positions)
    return positions[: 1 + sum(size < statements.MOST_BYTES for size in reached)]


def lengths_at(transaction: Transaction, positions: Sequence[int]) -> dict[int, int]:
    """The sizes in bytes of the events at some positions, read in the caller's transaction."""
    asked = {"positions": transaction.numbers(positions)}
    return {row[0]: row[1] for row in transaction.rows(statements.LENGTHS, asked)}


def contracts_at(transaction: Transaction, positions: Sequence[int]) -> dict[int, int]:
    """The contracts' numbers of the events at some positions, read in the caller's transaction."""
    asked = {"positions": transaction.numbers(positions)}
    return {row[0]: row[1] for row in transaction.rows(statements.CONTRACTS_AT, asked)}


def versions_at(transaction: Transaction, positions: Sequence[int]) -> dict[int, int]:
    """The numbers of the contract versions of the events at some positions, read in the caller's transaction."""
    asked = {"positions": transaction.numbers(positions)}
    return {row[0]: row[1] for row in transaction.rows(statements.VERSIONS_AT, asked)}


def _read_joined(transaction: Transaction, asked: Parameters) -> list[Entry]:
    """The events from SQLite in one row (see `Prepared.columns`). Empty if they are too large for one row."""
    heads, bodies = transaction.rows(statements.AT_JOINED, asked)[0]
    entries: list[Entry] = []
    start = 0
    for *head, length in json.loads(heads):
        entries.append(Entry._make([*head, bodies[start : start + length]]))
        start += length
    return entries


def make_entry(row: Sequence[Any]) -> Entry:
    """The event in a row whose columns are those of an `Entry`."""
    return Entry._make(row)
