"""The index of records' values: which records ever had which value in a field that a contract calls filterable.

Promise: for each field, the index is complete up to the field's `reached`, and no further event is in it. Appends never wait
for it. A reader looks at the events behind `reached` one by one. So an index that lags or is being built makes no answer
wrong. It can be made again from the journal. It is made again after each walk of retention that deleted events: their
values go too.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from bus import json
from bus.contracts import MANY, Catalogue, read_data_field, spell_value
from bus.journal import lines, statements, value_statements
from bus.problem import Refused
from bus.storage import Storage, Transaction

_ABANDONED: Final = -1
_STEP: Final = 200
"""Events in one transaction: some milliseconds, since appends to SQLite wait for it."""
_DELETED: Final = 1000
_MOST_VALUES: Final = 16
"""Values of one record in one field. A record with more is found by every value, since each of its events moves all of them."""
_PAUSE_SECONDS: Final = 0.5


class ValueField(NamedTuple):
    """An indexed field.

    Attributes:
        reached: the index covers the contract's events up to here; -1: its rows are being deleted.
    """

    number: int
    contract_id: int
    pointer: str
    reached: int


class ValueIndex:
    """Keeps the index of records' values. Synchronous, except `follow`: call it from a thread.

    Several processes may keep it at once: whoever is overtaken writes nothing.
    """

    def __init__(self, storage: Storage, catalogue: Catalogue) -> None:
        self._storage = storage
        self._catalogue = catalogue
        self._agreed_at: int | None = None

    async def follow(self) -> None:
        """Keep the index near the projection, until cancelled. It leaves half of the time to others."""
        while True:
            # A database that is away or full is told by whoever must write to it. The next round tries again.
            with contextlib.suppress(Refused):
                begun = time.monotonic()
                while await asyncio.to_thread(self.take_step):
                    await asyncio.sleep(time.monotonic() - begun)
                    begun = time.monotonic()
            await asyncio.sleep(_PAUSE_SECONDS)

    def catch_up(self) -> None:
        """Index all events that the projection has."""
        while self.take_step():
            pass

    def take_step(self) -> bool:
        """Do a part of what is to do. Returns whether there is more."""
        return self._agree() or self._index_some()

    def _agree(self) -> bool:
        """Index the fields that contracts in force call filterable, and no others. Returns whether rows are left to delete."""
        epoch = self._catalogue.epoch
        if epoch == self._agreed_at and not self._has_abandoned():
            return False
        self._agreed_at = None
        wanted = {(number, one) for number, fields in self._catalogue.list_filterable().items() for one in fields}
        with self._storage.read() as transaction:
            known = _read_fields(transaction, value_statements.FIELDS)
        abandoned = [one for one in known if one.reached == _ABANDONED]
        added = wanted - {(one.contract_id, one.pointer) for one in known}
        unwanted = [one for one in known if (one.contract_id, one.pointer) not in wanted and one not in abandoned]
        if added or unwanted:
            with self._storage.write(durable=False) as transaction:
                for contract_id, pointer in added:
                    asked = {"contract": contract_id, "pointer": pointer}
                    transaction.execute(value_statements.ADD_FIELD, asked)
                for one in unwanted:
                    transaction.execute(value_statements.ABANDON_FIELD, {"field": one.number})
        for one in abandoned:
            self._delete_some(one)
        if not abandoned and not unwanted:
            self._agreed_at = epoch
            return False
        return True

    def _has_abandoned(self) -> bool:
        """Whether rows of some field are to be deleted, since a contract gave the field up or retention deleted events."""
        with self._storage.read() as transaction:
            return transaction.value(value_statements.HAS_ABANDONED) is not None

    def _delete_some(self, field: ValueField) -> None:
        with self._storage.write(durable=False) as transaction:
            asked = {"field": field.number}
            if not transaction.execute(value_statements.DELETE_SOME, {**asked, "limit": _DELETED}):
                transaction.execute(value_statements.REMOVE_FIELD, asked)

    def _index_some(self) -> bool:
        with self._storage.read() as transaction:
            projected = int(transaction.value(statements.REACHED))
            contract_id = transaction.value(value_statements.BEHIND, {"projected": projected})
            if contract_id is None:
                return False
            step = _read_step(transaction, int(contract_id), projected)
        if step is not None:
            self._write(step)
        return True

    def _write(self, step: "_Step") -> None:
        fields = [one.number for one in step.fields]
        with contextlib.suppress(_Overtaken), self._storage.write(durable=False) as transaction:
            asked = {"contract": step.contract_id, "after": step.after, "until": step.until}
            if transaction.execute(value_statements.MOVE_FIELDS, asked) != len(fields):
                raise _Overtaken
            if step.left:
                at = {"positions": transaction.numbers(step.left), "fields": transaction.numbers(fields)}
                transaction.execute(value_statements.DELETE_AT, at)
            if step.rows:
                transaction.insert(value_statements.ADD_VALUES, step.rows)


class _Overtaken(Exception):
    """Another process indexed the same events, or the fields changed."""


class _Step(NamedTuple):
    """What one transaction changes.

    Attributes:
        fields: those that all reached `after`; they reach `until`.
        left: positions from which records moved on.
        rows: field, key and position of new rows.
    """

    contract_id: int
    fields: Sequence[ValueField]
    after: int
    until: int
    left: Sequence[int]
    rows: Sequence[tuple[int, bytes, int]]


Values = Mapping[int, frozenset[bytes]]
"""The keys of a record's values by field."""


def _read_fields(transaction: Transaction, statement: Any, asked: Any = None) -> list[ValueField]:
    return [ValueField(*row) for row in transaction.rows(statement, asked)]


def _read_step(transaction: Transaction, contract_id: int, projected: int) -> _Step | None:
    """The next step for the fields of a contract that lag most; None: the contract's fields changed meanwhile."""
    known = _read_fields(transaction, value_statements.FIELDS_OF, {"contract": contract_id})
    standing = [one for one in known if one.reached != _ABANDONED]
    if not standing:
        return None
    after = min(one.reached for one in standing)
    # Where another field stands, both go on together.
    until = min([projected, *(one.reached for one in standing if one.reached > after)])
    asked = {"contract": contract_id, "after": after, "until": until, "limit": _STEP}
    with transaction.stream(value_statements.EVENTS, asked) as found:
        events, is_last = lines.within_bytes(found, _STEP)
    fields = [one for one in standing if one.reached == after]
    left, rows = _move(transaction, fields, [(row[0], row[2]) for row in events if row[1] is not None])
    return _Step(contract_id, fields, after, until if is_last else events[-1][0], left, rows)


def _move(
    transaction: Transaction, fields: Sequence[ValueField], events: Sequence[tuple[int, bytes]]
) -> tuple[list[int], list[tuple[int, bytes, int]]]:
    """The positions from which records move on, and the rows at their new positions.

    Args:
        events: position and body, in order.
    """
    asked = {"positions": transaction.numbers(position for position, _ in events)}
    preceding = {row[0]: row[1] for row in transaction.rows(statements.PRECEDING, asked)}
    new = {position for position, _ in events}
    left = sorted(one for one in preceding.values() if one not in new)
    held = _read_values(transaction, left)
    # Each of these records moves on, so in the end only new positions are held.
    find = {one.number: read_data_field(one.pointer) for one in fields}
    for position, body in events:
        held[position] = _add_values(held.pop(preceding.get(position, 0), {}), find, json.loads(body).get("data"))
    wanted = [one.number for one in fields]
    rows = [
        (field, value, position)
        for position, values in held.items()
        for field in wanted
        for value in sorted(values[field])
    ]
    return left, rows


def _read_values(transaction: Transaction, positions: Iterable[int]) -> dict[int, Values]:
    found: dict[int, dict[int, frozenset[bytes]]] = {}
    for field, value, position in transaction.rows(
        value_statements.VALUES_AT, {"positions": transaction.numbers(positions)}
    ):
        values = found.setdefault(position, {})
        values[field] = values.get(field, frozenset()) | {bytes(value)}
    return dict(found)


def _add_values(before: Values, find: Mapping[int, Callable[[Any], Any]], data: Any) -> Values:
    """The values that a record had, with those of its next event."""
    found: dict[int, frozenset[bytes]] = {}
    for field, value_of in find.items():
        key = spell_value(value_of(data)) if data is not None else None
        values = before.get(field, frozenset()) | ({key} if key is not None else frozenset())
        found[field] = frozenset({MANY}) if MANY in values or len(values) > _MOST_VALUES else values
    return found
