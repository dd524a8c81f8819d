"""The state of a contract's records: what each record was when the journal ended at one position.

Promise: a reader gets each record once, however many events come while it reads. Nothing is locked, and no transaction
stays open between two reads. So a slow reader holds up neither SQLite's checkpoints nor PostgreSQL's vacuum.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from bus.journal import lines, statements
from bus.journal.entries import Entry, Stretch, make_entry, piece_at
from bus.journal.lines import Lines
from bus.journal.projection import Projection
from bus.storage import Storage, Transaction

FindHeads = Callable[[Transaction, int, int, int], Sequence[int] | None]
"""Finds positions of newest events, in order: of a contract, after a position, at most so many. None: it cannot tell."""

_NOTED: Final = 100_000
"""Positions of the journal whose events are noted in one step."""


class Keys(NamedTuple):
    """Some records in the order of the bytes of their keys.

    Attributes:
        positions: the positions of the records' events in the state. A record that began after the state has none.
        last: the last key that was looked at, with the position of an event of its record. None: there are no more keys.
    """

    positions: Sequence[int]
    last: tuple[str, int] | None


class RecordState:
    """A contract's records at one position of the journal. Synchronous; one thread at a time.

    The table `records` has the newest event of each record. If that event came after the state, an earlier event is the
    record's event in the state. `journal_preceding` leads from the one to the other.

    Attributes:
        head: the state's position. Each record's event in the state is the record's newest event up to here.
    """

    def __init__(self, storage: Storage, contract_id: int, head: int | None = None) -> None:
        """The state at a position; None: at the journal's present end."""
        projection = Projection(storage)
        self.head = projection.reach_end() if head is None else head
        if head is not None:
            projection.reach(head)
        self._storage = storage
        self._contract_id = contract_id
        self._noted = self.head
        # Numbers of eight bytes each: a million records may change while a snapshot is read.
        self._replaced = array("q")

    def note_changes(self, after: int = 0) -> bool:
        """Note which events of the state were replaced since. Returns whether there is more to note; `read` notes it too.

        Args:
            after: events up to this position are not needed any more.
        """
        with self._storage.read() as transaction:
            return self._note_step(transaction, after)

    def read(self, after: int, limit: int) -> Stretch:
        """The records' events in the state after a position, in position order.

        Args:
            after: not smaller than in the call before.
        """
        asked = self._ask(after, limit)
        with self._storage.read() as transaction:
            # The heads come first: in PostgreSQL a record that moves on after them is among the replaced events.
            with transaction.stream(statements.HEADS, asked) as rows:
                found, is_last = lines.within_bytes(rows, limit)
            heads = [make_entry(row) for row in found]
            return self._add_replaced(transaction, heads, after, limit, self.head if is_last else heads[-1].position)

    def read_among(self, find: FindHeads, after: int, until: int, limit: int) -> Stretch | None:
        """As `read`, but of newest events only those that `find` finds up to a position. None: `find` cannot tell them.

        `is_last` says that there are no more up to `until`.
        """
        with self._storage.read() as transaction:
            positions = find(transaction, self._contract_id, after, limit)
            if positions is None:
                return None
            found = piece_at(transaction, positions)
            heads = [found[position] for position in sorted(found)]
            is_last = len(positions) < limit and len(heads) == len(positions)
            return self._add_replaced(transaction, heads, after, limit, until if is_last else heads[-1].position)

    def read_lines(self, after: int, limit: int) -> Lines | None:
        """The events of `read` as lines. None if one of them was replaced since the state; `read` finds it."""
        with self._storage.read() as transaction:
            found = lines.read(transaction, statements.RECORD_LINES, self._ask(after, limit))
            self._note(transaction, after)
        until = self.head if found.is_last else found.positions[-1]
        return None if self._find_replaced(after, until) else replace(found, end=self.head)

    def count(self, after: int) -> int:
        """How many records have an event in the state after a position, deletions too."""
        asked = {"contract": self._contract_id, "after": after, "head": self.head, "seen": self.head}
        with self._storage.read() as transaction:
            return int(transaction.value(statements.COUNT_STATE, asked))

    def list_by_key(self, above: str, limit: int) -> Keys:
        """The records whose keys are behind a key, in the order of the keys' bytes. At most `limit` records are looked at."""
        with self._storage.read() as transaction:
            rows = transaction.rows(statements.BY_KEY, {"contract": self._contract_id, "above": above, "limit": limit})
            later = [row[1] for row in rows if row[1] > self.head]
            earlier: dict[int, int] = {}
            if later:
                asked = {"positions": transaction.numbers(later), "head": self.head}
                earlier = {row[0]: row[1] for row in transaction.rows(statements.BACK, asked)}
        found = (row[1] if row[1] <= self.head else earlier.get(row[1]) for row in rows)
        last = (rows[-1][0], rows[-1][1]) if len(rows) == limit else None
        return Keys([position for position in found if position is not None], last)

    def _add_replaced(
        self, transaction: Transaction, heads: list[Entry], after: int, limit: int, until: int
    ) -> Stretch:
        """Newest events up to a position, which are all there are, together with the state's events that were replaced since."""
        self._note(transaction, after)
        replaced = self._find_replaced(after, until)
        entries = piece_at(transaction, replaced[:limit])
        is_whole, reached = len(entries) == len(replaced), max(entries, default=0)
        entries.update((one.position, one) for one in heads if is_whole or one.position <= reached)
        merged = [entries[position] for position in sorted(entries)]
        return Stretch(merged[:limit], until == self.head and is_whole and len(merged) <= limit)

    def _ask(self, after: int, limit: int) -> dict[str, int]:
        return {"contract": self._contract_id, "after": after, "until": self.head, "limit": limit}

    def _note(self, transaction: Transaction, after: int) -> None:
        while self._note_step(transaction, after):
            pass

    def _note_step(self, transaction: Transaction, after: int) -> bool:
        reached = int(transaction.value(statements.REACHED))
        until = min(reached, self._noted + _NOTED)
        if until > self._noted:
            asked = {"seen": self._noted, "reached": until, "after": after, "head": self.head}
            rows = transaction.rows(statements.REPLACED, asked | {"contract": self._contract_id})
            if rows or (self._replaced and self._replaced[0] <= after):
                kept = self._replaced[bisect_right(self._replaced, after) :]
                self._replaced = array("q", sorted([*kept, *(row[0] for row in rows)]))
            self._noted = until
        return until < reached

    def _find_replaced(self, after: int, until: int) -> Sequence[int]:
        return self._replaced[bisect_right(self._replaced, after) : bisect_right(self._replaced, until)]
