"""Records that a reader chooses by their values, found by the index instead of one by one.

Promise: every record of the state that may match is read, and every record that matched once. Others may be among them, so the
reader judges each. What the index does not cover is read as if there were no index.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any, Final

from bus.contracts import ValueKeys, WantedRows, list_keys
from bus.journal import value_statements
from bus.journal.entries import Stretch
from bus.journal.state import RecordState
from bus.journal.value_index import ValueField
from bus.storage import Prepared, Storage, Transaction

_MOST: Final = 50_000
"""Rows of the index that are counted, and that a page of a range may read. A larger range is read without the index."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a reader's filters, for which there is an index.

    Attributes:
        keys: of the values that may match.
    """

    field: ValueField
    keys: ValueKeys


def find_choice(storage: Storage, contract_id: int, rows: Sequence[WantedRows], after: int) -> Choice | None:
    """The filter that leaves the fewest records to look at behind a position. None: without the index they are no more.

    Args:
        rows: the reader's filters, all of which must hold.
    """
    with storage.read() as transaction:
        found = transaction.rows(value_statements.FIELDS_OF, {"contract": contract_id})
        fields = {one.pointer: one for one in (ValueField(*row) for row in found) if one.reached > after}
        usable = [
            Choice(fields[one.pointer], list_keys(one.dialect, one.value)) for one in rows if one.pointer in fields
        ]
        if not usable:
            return None
        changed = int(transaction.value(value_statements.COUNT_CHANGED, {"contract": contract_id, **_from(after)}))
        counted = [(_count(transaction, one, after), one) for one in usable]
    # A page of single values reads no more rows than it looks at records. A page of a range reads the whole range.
    better = [
        (count, one) for count, one in counted if count < changed or (changed == _MOST and one.keys.beginning is None)
    ]
    return min(better, key=lambda one: one[0])[1] if better else None


class ChosenRecords:
    """The records of a state that a choice leaves. Synchronous; one thread at a time."""

    def __init__(self, state: RecordState, choice: Choice) -> None:
        self._state = state
        self._choice = choice
        self._until = min(choice.field.reached, state.head)

    def read(self, after: int, limit: int) -> Stretch:
        """As `RecordState.read`, but of what the index covers only the records that may match."""
        if after < self._until:
            found = self._state.read_among(self._find, after, self._until, limit)
            if found is None:
                # The contract's filterable fields changed.
                return self._state.read(after, limit)
            if found.entries:
                return found
        return self._state.read(max(after, self._until), limit)

    def _find(self, transaction: Transaction, contract_id: int, after: int, limit: int) -> Sequence[int] | None:
        field, keys = self._choice.field, self._choice.keys
        asked = {"contract": contract_id, "field": field.number, "after": after, "until": self._until, "limit": limit}
        parts = [
            _read_positions(transaction, value_statements.WITH_VALUE, {**asked, "value": key}) for key in keys.exact
        ]
        if keys.beginning is not None:
            ends = {"value": keys.beginning, "behind": keys.behind}
            parts.append(_read_positions(transaction, value_statements.IN_RANGE, {**asked, **ends}))
        # The rows come first: in PostgreSQL another process may have begun to delete them.
        known = {"field": field.number, "contract": contract_id, "pointer": field.pointer}
        reached = transaction.value(value_statements.REACHED_OF, known)
        return None if reached is None or reached < self._until else _merge(parts, limit)


def _read_positions(transaction: Transaction, statement: Prepared, asked: Mapping[str, Any]) -> list[int]:
    return [row[0] for row in transaction.rows(statement, asked)]


def _merge(parts: Iterable[Sequence[int]], limit: int) -> list[int]:
    return list(dict.fromkeys(merge(*parts)))[:limit]


def _count(transaction: Transaction, choice: Choice, after: int) -> int:
    """How many rows the index has for a choice; at least `_MOST` if they are so many or more."""
    asked = {"field": choice.field.number, **_from(after)}
    keys, count = choice.keys, 0
    for key in keys.exact:
        count += int(transaction.value(value_statements.COUNT_VALUE, {**asked, "value": key}))
    if keys.beginning is not None:
        ends = {"value": keys.beginning, "behind": keys.behind}
        count += int(transaction.value(value_statements.COUNT_IN_RANGE, {**asked, **ends}))
    return count


def _from(after: int) -> dict[str, int]:
    return {"after": after, "limit": _MOST}
