"""The tables of a copy: one for each contract, and one that says how far each copy is."""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, Insert, MetaData, Table, Text, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateColumn

from bus import json

KEY: Final = "bus_key"
POSITION: Final = "bus_position"
ROUND: Final = "bus_round"
EVENT: Final = "bus_event"
_OURS: Final = (KEY, POSITION, ROUND, EVENT)

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.IGNORECASE | re.ASCII)
_TAKEN: Final = frozenset({*_OURS, "ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"})
"""Columns of our own, and those that PostgreSQL keeps in every table."""
_LONGEST_NAME: Final = 63
"""Bytes of a name in PostgreSQL, which cuts longer ones."""
_MOST_COLUMNS: Final = 200
"""A row of PostgreSQL holds little more than the references to this many long texts."""

# The bus orders keys by their bytes.
_KEY_TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")

PULLS: Final = Table(
    "bus_pull",
    MetaData(),
    Column("contract", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("origin", Text, nullable=False),
    Column("cursor", Text, nullable=False),
    Column("resume", Text, nullable=False),
    Column("round", BigInteger, nullable=False),
    Column("written", Text, nullable=False),
)
"""`name` is of the contract's table. The other columns are those of `State`."""


def name_table(contract: str) -> str:
    """The name of a contract's table, which needs no quotes in SQL.

    A name that would be too long, or that is taken, ends with a digest of the contract's name.
    """
    plain = re.sub(r"[^a-z0-9_]", "_", contract.lower(), flags=re.ASCII)
    if len(plain) <= _LONGEST_NAME and plain != PULLS.name:
        return plain
    digest = sha256(contract.encode()).hexdigest()[:8]
    return f"{plain[: _LONGEST_NAME - len(digest) - 1]}_{digest}"


def make_table(name: str, fields: Iterable[str] = ()) -> Table:
    """A contract's table with columns for fields."""
    return Table(
        name,
        MetaData(),
        Column(KEY, _KEY_TEXT, primary_key=True),
        Column(POSITION, BigInteger, nullable=False),
        Column(ROUND, BigInteger, nullable=False),
        Column(EVENT, Text, nullable=False),
        *(Column(field, Text) for field in fields),
    )


def read_table(connection: Connection, name: str) -> Table:
    """A contract's table as it is in the database."""
    found = [str(column["name"]) for column in inspect(connection).get_columns(name)]
    return make_table(name, [column for column in found if column not in _OURS])


def list_fields(table: Table) -> list[str]:
    """The columns of fields, in the order in which they came."""
    return [column.name for column in table.columns if column.name not in _OURS]


def find_new_fields(table: Table, records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Members of records that get a column: their names are plain, and differ not in upper and lower case alone."""
    known = {name.lower() for name in list_fields(table)} | _TAKEN
    room = _MOST_COLUMNS - len(list_fields(table))
    found: list[str] = []
    for record in records:
        for name in record:
            if name.lower() not in known and _NAME.fullmatch(name):
                known.add(name.lower())
                found.append(name)
    return found[: max(room, 0)]


def add_fields(connection: Connection, table: Table, fields: Iterable[str]) -> Table:
    """The table with columns for more fields."""
    names = [*list_fields(table), *fields]
    wider = make_table(table.name, names)
    quoted = connection.dialect.identifier_preparer.format_table(table)
    for field in fields:
        column = CreateColumn(wider.c[field]).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {quoted} ADD COLUMN {column}")
    return wider


def upsert(connection: Connection, table: Table) -> Insert:
    """Insert rows, or replace those with the same key."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(table)
    replaced = {column.name: statement.excluded[column.name] for column in table.columns if column.name != KEY}
    return statement.on_conflict_do_update(index_elements=[KEY], set_=replaced)


def write_value(value: Any) -> str | None:
    """A field's value in its column: a text as it is, anything else as JSON. The bus lets no NUL in."""
    return value if value is None or isinstance(value, str) else json.dumps(value).decode()
