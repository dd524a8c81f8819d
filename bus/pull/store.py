"""A copy in a database. Promise: records and the place up to which they were read change in one transaction."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, inspect, select, update
from sqlalchemy.exc import SQLAlchemyError

from bus.pull import tables
from bus.pull.errors import KeyHidden, TargetFailed, TargetForeign
from bus.pull.source import Line

_AT_ONCE: Final = 1000
"""Rows that are read together."""


@dataclass(frozen=True, slots=True)
class State:
    """How far a copy is.

    Attributes:
        origin: what the records were read from; see `Admission`.
        cursor: behind the last stream that was read whole; empty: all records are being read.
        resume: the `sequence` of the last record that was read of a stream under way; empty: there is none.
        round: counts the readings of all records. What an earlier one brought, and the last one did not, goes.
        written: what was made of the copy for its readers, such as a file's digest.
    """

    origin: str = ""
    cursor: str = ""
    resume: str = ""
    round: int = 0
    written: str = ""


class Store:
    """A contract's copy in a database, for the one pull that has it.

    Args:
        is_shared: whether the database may hold other contracts' copies too.

    Raises:
        TargetForeign: the database holds something else in the copy's place.
    """

    def __init__(self, connection: Connection, contract: str, *, is_shared: bool = True) -> None:
        self._connection = connection
        self._contract = contract
        with translated():
            self._state, self._table = self._open(is_shared)

    @property
    def state(self) -> State:
        """How far the copy is."""
        return self._state

    @property
    def fields(self) -> list[str]:
        """The columns of fields."""
        return tables.list_fields(self._table)

    def begin(self, origin: str) -> None:
        """Note that all records are read anew. Those that the copy has stay until the bus has told of all."""
        state = self._state
        self._move(replace(state, origin=origin, cursor="", resume="", round=state.round + 1))

    def forget_cursor(self) -> None:
        """Let the next pull read all records anew."""
        self._move(replace(self._state, origin="", cursor="", resume=""))

    def note_written(self, written: str) -> None:
        """Note what was made of the copy for its readers."""
        self._move(replace(self._state, written=written))

    def apply(self, lines: Sequence[Line]) -> None:
        """Take records of a stream, in the order in which they came.

        Raises:
            KeyHidden: a record has no key.
        """
        if not lines:
            return
        found = {_find_key(line): line for line in lines}
        kept = {key: line for key, line in found.items() if line.event.get("data") is not None}
        state = replace(self._state, resume=str(lines[-1].event["sequence"]))
        with translated(), self._connection.begin():
            self._widen(list(kept.values()))
            if gone := [{"gone": key} for key in found if key not in kept]:
                by_key = delete(self._table).where(self._table.c[tables.KEY] == bindparam("gone"))
                self._connection.execute(by_key, gone)
            if kept:
                rows = [self._make_row(key, line) for key, line in kept.items()]
                self._connection.execute(tables.upsert(self._connection, self._table), rows)
            self._write(state)
        self._state = state

    def finish(self, cursor: str) -> None:
        """Note that a stream was read whole; after all records, drop those of which the bus did not tell."""
        state = replace(self._state, cursor=cursor, resume="")
        with translated(), self._connection.begin():
            if not self._state.cursor:
                self._connection.execute(delete(self._table).where(self._table.c[tables.ROUND] < state.round))
            self._write(state)
        self._state = state

    def count(self) -> int:
        """How many records the copy has."""
        with translated(), self._connection.begin():
            return int(self._connection.scalar(select(func.count()).select_from(self._table)) or 0)

    def read_events(self) -> Generator[tuple[str, str], None, None]:
        """Each record's key and CloudEvent, in the order of the keys' bytes."""
        wanted = select(self._table.c[tables.KEY], self._table.c[tables.EVENT]).order_by(self._table.c[tables.KEY])
        with translated(), self._connection.begin():
            rows = self._connection.execute(wanted, execution_options={"yield_per": _AT_ONCE})
            yield from (tuple(row) for row in rows)

    def _open(self, is_shared: bool) -> tuple[State, Table]:
        name = tables.name_table(self._contract)
        with self._connection.begin():
            tables.PULLS.create(self._connection, checkfirst=True)
            rows = self._connection.execute(select(tables.PULLS)).mappings().all()
            for row in rows:
                if row["contract"] != self._contract and (row["name"] == name or not is_shared):
                    # No pull of it was ever answered: its name was misspelt, or the bus was away.
                    if not row["round"]:
                        self._drop(row["contract"], row["name"])
                        continue
                    raise TargetForeign(f"The target holds the copy of {row['contract']}. Name another target.")
                if row["contract"] == self._contract:
                    return State(**{field: row[field] for field in asdict(State())}), tables.read_table(
                        self._connection, name
                    )
            if inspect(self._connection).has_table(name):
                raise TargetForeign(f"The database has a table {name} that no pull made. Name another database.")
            table = tables.make_table(name)
            table.create(self._connection)
            begun = {"contract": self._contract, "name": name, **asdict(State())}
            self._connection.execute(insert(tables.PULLS), begun)
            return State(), table

    def _drop(self, contract: str, name: str) -> None:
        tables.make_table(name).drop(self._connection, checkfirst=True)
        self._connection.execute(delete(tables.PULLS).where(tables.PULLS.c.contract == contract))

    def _move(self, state: State) -> None:
        with translated(), self._connection.begin():
            self._write(state)
        self._state = state

    def _write(self, state: State) -> None:
        mine = update(tables.PULLS).where(tables.PULLS.c.contract == self._contract)
        self._connection.execute(mine, asdict(state))

    def _widen(self, lines: Sequence[Line]) -> None:
        records = [line.event["data"] for line in lines if isinstance(line.event["data"], dict)]
        if fields := tables.find_new_fields(self._table, records):
            self._table = tables.add_fields(self._connection, self._table, fields)

    def _make_row(self, key: str, line: Line) -> dict[str, Any]:
        data = line.event["data"] if isinstance(line.event["data"], dict) else {}
        return {
            tables.KEY: key,
            tables.POSITION: int(line.event["sequence"]),
            tables.ROUND: self._state.round,
            tables.EVENT: line.text,
            **{field: tables.write_value(data.get(field)) for field in self.fields},
        }


def _find_key(line: Line) -> str:
    key = line.event.get("subject")
    if not isinstance(key, str):
        raise KeyHidden("Your grant shows no key of these records. Ask the contract's owner for the key's field.")
    return key


@contextmanager
def translated() -> Iterator[None]:
    """Raise `TargetFailed` for what a database refuses. Its own words may quote a record, so its code alone is told."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or type(cause).__name__
        raise TargetFailed(
            f"The target's database refused to go on ({code}). What is in it is whole. See that the database is reachable, "
            "that its disk is not full and that you may write to it, and start the pull again."
        ) from None
