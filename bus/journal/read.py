"""Reading the journal: events in position order, and records by key. Bodies are as stored; the caller applies views."""

from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa

from bus import json
from bus.contracts import WantedRows
from bus.journal import following, lines, statements
from bus.journal.chosen import ChosenRecords, find_choice
from bus.journal.entries import Entry, Stretch, entries_at, make_entry, piece_at, take_first_piece
from bus.journal.epochs import split_place
from bus.journal.horizon import Horizon, read_horizon
from bus.journal.identity import identity_of
from bus.journal.lines import Lines
from bus.journal.projection import Projection
from bus.journal.state import RecordState
from bus.journal.tables import JOURNAL, RECORDS
from bus.storage import Storage


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

_FURTHEST: Final = 2**63 - 1
"""The largest position that a database takes."""

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
_HEAD = (
    sa.select(*_ENTRY)
    .join(RECORDS, RECORDS.c.position == JOURNAL.c.position)
    .where(RECORDS.c.contract_id == sa.bindparam("contract"), RECORDS.c.key == sa.bindparam("key"))
)
_IDENTIFIED = sa.select(*_ENTRY).where(JOURNAL.c.identity == sa.bindparam("identity"))
_NEXT = sa.select(JOURNAL.c.recorded_at).where(JOURNAL.c.position > sa.bindparam("after")).order_by(JOURNAL.c.position)


class Placed(NamedTuple):
    """Where an event is in the journal, who sent it, and when (microseconds since 1970)."""

    position: int
    contract_id: int
    participant: str
    recorded_at: int


class JournalReader:
    """Reads the journal. Synchronous: call it from a thread."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._projection = Projection(storage)

    def feed(self, contract_id: int, after: int, limit: int) -> Stretch:
        """A contract's events after a position, oldest first."""
        asked = {"contract": contract_id, "after": after, "limit": limit}
        with self._storage.read() as transaction, transaction.stream(statements.FEED, asked) as rows:
            taken, is_last = lines.within_bytes(rows, limit)
        return Stretch([make_entry(row) for row in taken], is_last)

    def records(self, contract_id: int, head: int | None = None) -> RecordState:
        """A contract's records as they were at a position; None: at the journal's present end."""
        return RecordState(self._storage, contract_id, head)

    def choose_records(
        self, contract_id: int, state: RecordState, rows: Sequence[WantedRows], after: int
    ) -> RecordState | ChosenRecords:
        """What reads the records of a state behind a position, for a reader that chooses by values.

        It reads each record that may match now, and each that matched once. Others may be among them.
        """
        choice = find_choice(self._storage, contract_id, rows, after)
        return state if choice is None else ChosenRecords(state, choice)

    def feed_lines(self, contract_id: int, after: int, limit: int) -> Lines:
        """The events of `feed` as lines, for a reader that sees all of them."""
        asked = {"contract": contract_id, "after": after, "limit": limit}
        with self._storage.read() as transaction:
            return lines.read(transaction, statements.FEED_LINES, asked)

    def horizon(self, contract_id: int) -> Horizon:
        """How far back a contract's events are whole. Read it after the events."""
        with self._storage.read() as transaction:
            return read_horizon(transaction, contract_id)

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
            piece = take_first_piece(transaction, positions)
            entries = entries_at(transaction, piece) if piece else {}
        if len(piece) < len(positions):
            reached, is_last = piece[-1], False
        return Upcoming([entries[position] for position in piece], reached, end, is_last)

    def of_contracts(self, contract_ids: Sequence[int], after: int, until: int, limit: int) -> Stretch:
        """Events of some contracts after one position, up to another, oldest first."""
        arguments = {"contracts": list(contract_ids), "after": after, "until": until, "limit": limit}
        with self._storage.read() as transaction:
            positions = [row[0] for row in transaction.rows(_OF_SOME, arguments)]
            piece = take_first_piece(transaction, positions)
            entries = entries_at(transaction, piece)
        is_last = len(positions) < limit and len(piece) == len(positions)
        return Stretch([entries[position] for position in piece], is_last)

    def at(self, positions: Sequence[int]) -> dict[int, Entry]:
        """The events at some positions. A position without an event is left out."""
        with self._storage.read() as transaction:
            return entries_at(transaction, positions)

    def find_place(self, number: int) -> Entry | None:
        """The event at a position, or with a `sequence`, which also names the event's epoch; None: there is none."""
        epoch, position = split_place(number)
        entry = self.at([position]).get(position)
        if entry is None or (epoch and int(json.loads(entry.body)["sequence"]) != number):
            return None
        return entry

    def preceding(self, positions: Sequence[int]) -> dict[int, int]:
        """Positions of events, each with the position of the same record's event before. A record's first event is left out."""
        self._projection.reach(max(positions))
        with self._storage.read() as transaction:
            asked = {"positions": transaction.numbers(positions)}
            return {row[0]: row[1] for row in transaction.rows(statements.PRECEDING, asked)}

    def chain(self, position: int, limit: int) -> list[int]:
        """The positions of an event and of the same record's events before it, newest first; at most `limit`."""
        self._projection.reach(position)
        with self._storage.read() as transaction:
            rows = transaction.rows(statements.CHAIN, {"position": position, "limit": limit})
            return [row[0] for row in rows]

    def piece(self, positions: Sequence[int]) -> dict[int, Entry]:
        """The events at the first positions, up to the event that reaches `MOST_BYTES`. Raises `EventsDeleted`."""
        with self._storage.read() as transaction:
            return piece_at(transaction, positions)

    def record(self, contract_id: int, key: str) -> Entry | None:
        """A record's newest event, which may be its deletion. None if the journal has no event of the record."""
        self._projection.reach_end()
        with self._storage.read() as transaction:
            row = transaction.one(_HEAD, {"contract": contract_id, "key": key})
        return None if row is None else make_entry(row)

    def find(self, participant: str, source: str, id: str) -> Entry | None:
        """The event that a participant sent with this source and id; None: the journal has none."""
        with self._storage.read() as transaction:
            row = transaction.one(_IDENTIFIED, {"identity": identity_of(participant, source, id)})
        return None if row is None else make_entry(row)

    def contracts_after(self, position: int, limit: int) -> list[tuple[int, int]]:
        """The next events after a position, each with its position and its contract's number, in order."""
        with self._storage.read() as transaction:
            rows = transaction.rows(statements.UP_TO, (position, _FURTHEST, limit))
            return [(row[0], row[1]) for row in rows]

    def find_newest(self, contract_ids: Sequence[int]) -> list[Placed]:
        """Where the newest event of each contract is. A contract without events is left out."""
        with self._storage.read() as transaction:
            asked = {"wanted": transaction.numbers(contract_ids)}
            return [Placed(*row) for row in transaction.rows(statements.NEWEST, asked)]

    def find_moments(self, positions: Sequence[int]) -> dict[int, int]:
        """When the events at some positions were recorded, in microseconds since 1970."""
        with self._storage.read() as transaction:
            asked = {"wanted": transaction.numbers(positions)}
            return {row[0]: row[1] for row in transaction.rows(statements.MOMENTS, asked)}

    def find_last(self, contract_id: int | None, before: int, limit: int) -> list[Placed]:
        """Where the newest events are, the newest first; not what is in them.

        Args:
            contract_id: only events of this contract; None: of all contracts.
            before: only events before this position.
        """
        asked = {"before": before, "limit": limit}
        statement = statements.LAST_OF_ALL if contract_id is None else statements.LAST_OF_ONE
        with self._storage.read() as transaction:
            rows = transaction.rows(statement, asked if contract_id is None else {**asked, "contract": contract_id})
            return [Placed(*row) for row in rows]

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
