"""Reading the journal: events in position order, and records by key. Bodies are as stored; the caller applies views."""

from collections.abc import Callable, Collection, Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from bus import json
from bus.journal import following, lines, statements
from bus.journal.identity import identity_of
from bus.journal.lines import Lines
from bus.journal.projection import Projection
from bus.journal.tables import JOURNAL, RECORDS
from bus.storage import Parameters, Prepared, Storage, Transaction


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


class Upcoming(NamedTuple):
    """The next events of some contracts.

    Attributes:
        entries: the events, in order.
        reached: the position up to which `entries` are complete.
        end: the journal's newest position.
        is_last: no further event stands between `reached` and `end`.
    """

    entries: Sequence[Entry]
    reached: int
    end: int
    is_last: bool


_ENTRY = (
    JOURNAL.c.position,
    JOURNAL.c.contract_id,
    JOURNAL.c.version_id,
    JOURNAL.c.participant,
    JOURNAL.c.key,
    JOURNAL.c.person,
    JOURNAL.c.recorded_at,
    JOURNAL.c.body,
)

_AFTER = sa.select(*_ENTRY).where(JOURNAL.c.position > sa.bindparam("after")).order_by(JOURNAL.c.position)
_OF_SOME = (
    sa.select(JOURNAL.c.position)
    .where(
        JOURNAL.c.position > sa.bindparam("after"),
        JOURNAL.c.contract_id.in_(sa.bindparam("contracts", expanding=True)),
        JOURNAL.c.position <= sa.bindparam("until"),
    )
    .order_by(JOURNAL.c.position)
    .limit(sa.bindparam("limit"))
)
_FURTHEST: Final = 2**63 - 1
"""The largest position that a database takes."""
_FEW: Final = 4
"""Events that are read without a look at their sizes: by default none has more than a mebibyte."""
_JOINED = 100
"""The most events that SQLite joins into one row."""
_HEAD = (
    sa.select(*_ENTRY)
    .join(RECORDS, RECORDS.c.position == JOURNAL.c.position)
    .where(RECORDS.c.contract_id == sa.bindparam("contract"), RECORDS.c.key == sa.bindparam("key"))
)
_IDENTIFIED = sa.select(*_ENTRY).where(JOURNAL.c.identity == sa.bindparam("identity"))
_NEXT = sa.select(JOURNAL.c.recorded_at).where(JOURNAL.c.position > sa.bindparam("after")).order_by(JOURNAL.c.position)


class JournalReader:
    """Reads the journal. Synchronous: call it from a thread."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._projection = Projection(storage)

    def feed(self, contract_id: int, after: int, limit: int) -> Stretch:
        """A contract's events after a position, oldest first."""
        return self._read_stretch(statements.FEED, contract_id, after, limit)

    def records(self, contract_id: int, after: int, limit: int) -> Stretch:
        """The newest event of each record whose newest event is after a position, in position order."""
        self._projection.reach_end()
        return self._read_stretch(statements.HEADS, contract_id, after, limit)

    def feed_lines(self, contract_id: int, after: int, limit: int) -> Lines:
        """The events of `feed` as lines, for a reader that sees all of them."""
        with self._storage.read() as transaction:
            return lines.read(transaction, statements.FEED_LINES, contract_id, after, limit)

    def record_lines(self, contract_id: int, after: int, limit: int) -> Lines:
        """The events of `records` as lines, for a reader that sees all of them."""
        self._projection.reach_end()
        with self._storage.read() as transaction:
            return lines.read(transaction, statements.RECORD_LINES, contract_id, after, limit)

    def upcoming(self, contract_ids: Callable[[], Collection[int]], after: int, limit: int) -> Upcoming:
        """At most `limit` of the next events of some contracts after a position.

        Args:
            contract_ids: called after the journal's end was read. By then every event before the end has a registered contract.
        """
        with self._storage.read() as transaction:
            end = int(transaction.value(statements.LAST))
            if not (wanted := contract_ids()):
                return Upcoming([], max(after, end), end, True)
            positions, reached, is_last = following.upcoming(transaction, wanted, after, end, limit)
            piece = _take_first_piece(transaction, positions)
            entries = entries_at(transaction, piece) if piece else {}
        if len(piece) < len(positions):
            reached, is_last = piece[-1], False
        return Upcoming([entries[position] for position in piece], reached, end, is_last)

    def of_contracts(self, contract_ids: Sequence[int], after: int, until: int, limit: int) -> Stretch:
        """Events of some contracts after one position, up to another, oldest first."""
        arguments = {"contracts": list(contract_ids), "after": after, "until": until, "limit": limit}
        with self._storage.read() as transaction:
            positions = [row[0] for row in transaction.rows(_OF_SOME, arguments)]
            piece = _take_first_piece(transaction, positions)
            entries = entries_at(transaction, piece)
        is_last = len(positions) < limit and len(piece) == len(positions)
        return Stretch([entries[position] for position in piece], is_last)

    def at(self, positions: Sequence[int]) -> dict[int, Entry]:
        """The events at some positions. A position without an event is left out."""
        with self._storage.read() as transaction:
            return entries_at(transaction, positions)

    def preceding(self, positions: Sequence[int]) -> dict[int, int]:
        """Positions of events, each with the position of the same record's event before. A record's first event is left out."""
        self._projection.reach(max(positions))
        with self._storage.read() as transaction:
            asked = {"positions": transaction.numbers(positions)}
            return {row[0]: row[1] for row in transaction.rows(statements.PRECEDING, asked)}

    def piece(self, positions: Sequence[int]) -> dict[int, Entry]:
        """The events at the first positions, up to the event that reaches `MOST_BYTES`."""
        with self._storage.read() as transaction:
            return entries_at(transaction, _take_first_piece(transaction, positions))

    def record(self, contract_id: int, key: str) -> Entry | None:
        """A record's newest event, which may be its deletion. None if the journal has no event of the record."""
        self._projection.reach_end()
        with self._storage.read() as transaction:
            row = transaction.one(_HEAD, {"contract": contract_id, "key": key})
        return None if row is None else _entry(row)

    def find(self, participant: str, source: str, id: str) -> Entry | None:
        """The event that a participant sent with this source and id; None: the journal has none."""
        with self._storage.read() as transaction:
            row = transaction.one(_IDENTIFIED, {"identity": identity_of(participant, source, id)})
        return None if row is None else _entry(row)

    def contracts_after(self, position: int, limit: int) -> list[tuple[int, int]]:
        """The next events after a position, each with its position and its contract's number, in order."""
        with self._storage.read() as transaction:
            rows = transaction.rows(statements.UP_TO, (position, _FURTHEST, limit))
            return [(row[0], row[1]) for row in rows]

    def last_position(self) -> int:
        """The newest position; 0 in an empty journal."""
        with self._storage.read() as transaction:
            return int(transaction.value(statements.LAST))

    def recorded_after(self, position: int) -> int | None:
        """When the next event after a position was recorded, in microseconds since 1970. None if there is no such event."""
        with self._storage.read() as transaction:
            recorded_at = transaction.value(_NEXT.limit(1), {"after": position})
        return None if recorded_at is None else int(recorded_at)

    def position_before(self, moment: int) -> int:
        """The last position that was recorded before a moment (microseconds since 1970); 0 if there is none.

        A binary search, since events are recorded in the order of time. If the bus's clock was set back, several positions
        may fit, and the answer is one of them.
        """
        with self._storage.read() as transaction:
            before, end = 0, int(transaction.value(statements.LAST))
            while before < end:
                middle = (before + end + 1) // 2
                if transaction.value(statements.RECORDED_FROM, {"position": middle}) < moment:
                    before = middle
                else:
                    end = middle - 1
        return before

    def _read_stretch(self, statement: Prepared, contract_id: int, after: int, limit: int) -> Stretch:
        arguments = {"contract": contract_id, "after": after, "limit": limit}
        with self._storage.read() as transaction, transaction.stream(statement, arguments) as rows:
            taken, is_last = lines.within_bytes(rows, limit)
        return Stretch([_entry(row) for row in taken], is_last)


def entries_at(transaction: Transaction, positions: Sequence[int]) -> dict[int, Entry]:
    """The events at some positions, read in the caller's transaction."""
    found: dict[int, Entry] = {}
    for start in range(0, len(positions), _JOINED):
        asked = {"positions": transaction.numbers(positions[start : start + _JOINED])}
        entries = _read_joined(transaction, asked) if transaction.is_sqlite else []
        entries = entries or [_entry(row) for row in transaction.rows(statements.AT, asked)]
        found.update({entry.position: entry for entry in entries})
    return found


def _take_first_piece(transaction: Transaction, positions: Sequence[int]) -> Sequence[int]:
    """The first positions, up to the position whose event reaches `MOST_BYTES`."""
    if len(positions) <= _FEW:
        return positions
    lengths = lengths_at(transaction, positions)
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


def _entry(row: Sequence[Any]) -> Entry:
    return Entry._make(row)
