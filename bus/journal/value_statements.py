"""The statements of the index of records' values, in both dialects where they differ."""

from typing import Final

from bus.journal.statements import prepare_page
from bus.storage import Insertion, Prepared

FIELDS: Final = Prepared.in_both("SELECT number, contract_id, pointer, reached FROM value_fields")
FIELDS_OF: Final = Prepared.in_both(
    "SELECT number, contract_id, pointer, reached FROM value_fields WHERE contract_id = :contract"
)
BEHIND: Final = Prepared.in_both(
    "SELECT f.contract_id FROM value_fields AS f WHERE f.reached >= 0 AND (SELECT j.position FROM journal AS j "
    "WHERE j.contract_id = f.contract_id AND j.position > f.reached ORDER BY j.position LIMIT 1) <= :projected LIMIT 1"
)
"""A contract with an event that a field's index does not cover yet; one look-up by index for each field."""
ADD_FIELD: Final = Prepared.in_both(
    "INSERT INTO value_fields (contract_id, pointer, reached) VALUES (:contract, :pointer, 0) "
    "ON CONFLICT (contract_id, pointer) DO NOTHING"
)
ABANDON_FIELD: Final = Prepared.in_both("UPDATE value_fields SET reached = -1 WHERE number = :field")
ABANDON_CONTRACT: Final = Prepared.in_both(
    "UPDATE value_fields SET reached = -1 WHERE contract_id = :contract AND reached >= 0"
)
HAS_ABANDONED: Final = Prepared.in_both("SELECT 1 FROM value_fields WHERE reached = -1 LIMIT 1")
_SOME: Final = "SELECT value, position FROM record_values WHERE field = :field LIMIT :limit"
DELETE_SOME: Final = Prepared.in_both(
    f"DELETE FROM record_values WHERE field = :field AND (value, position) IN ({_SOME})"  # noqa: S608
)
REMOVE_FIELD: Final = Prepared.in_both("DELETE FROM value_fields WHERE number = :field AND reached = -1")
MOVE_FIELDS: Final = Prepared.in_both(
    "UPDATE value_fields SET reached = :until WHERE contract_id = :contract AND reached = :after"
)
"""Moves the fields that have the same reach. In PostgreSQL it locks them, so that no other process indexes the same events."""

EVENTS: Final = prepare_page(
    ("position", "key", "body"),
    "FROM journal WHERE journal.contract_id = :contract AND journal.position > :after AND journal.position <= :until "
    "ORDER BY journal.position LIMIT :limit",
)
_AMONG: Final = (
    "position IN (SELECT value FROM json_each(:positions))",
    "position = ANY(CAST(:positions AS bigint[]))",
)
VALUES_AT: Final = Prepared(
    *(f"SELECT field, value, position FROM record_values WHERE {among}" for among in _AMONG)  # noqa: S608
)
"""The values of the records whose newest indexed events are at some positions."""
DELETE_AT: Final = Prepared(
    sqlite=f"DELETE FROM record_values WHERE {_AMONG[0]} AND field IN (SELECT value FROM json_each(:fields))",  # noqa: S608
    postgres=f"DELETE FROM record_values WHERE {_AMONG[1]} AND field = ANY(CAST(:fields AS int[]))",  # noqa: S608
)
ADD_VALUES: Final = Insertion(
    sqlite="INSERT INTO record_values (field, value, position) VALUES {rows}",
    row="(?,?,?)",
    postgres="""INSERT INTO record_values (field, value, position)
    SELECT * FROM unnest(?::int[], ?::bytea[], ?::bigint[])""",
    sizes=(1000, 100),
)

REACHED_OF: Final = Prepared.in_both(
    "SELECT reached FROM value_fields WHERE number = :field AND contract_id = :contract AND pointer = :pointer"
)
_POSITIONS: Final = "v.position FROM record_values AS v"
_BETWEEN: Final = "AND v.position > :after AND v.position <= :until"
_IN_ORDER: Final = "ORDER BY v.position LIMIT :limit"
_IS_NEWEST: Final = "r.contract_id = :contract AND r.position = v.position"


def _prepare_positions(select: str, chosen: str) -> Prepared:
    """A statement for the positions of chosen values that are positions of newest events, in order.

    A join would have SQLite read all records between `after` and `until` for each value. PostgreSQL could read all records
    once for EXISTS.
    """
    where = f"WHERE v.field = :field AND {chosen} {_BETWEEN}"
    return Prepared(
        sqlite=f"{select} {_POSITIONS} {where} AND EXISTS (SELECT 1 FROM records AS r WHERE {_IS_NEWEST}) {_IN_ORDER}",  # noqa: S608
        postgres=f"{select} {_POSITIONS} JOIN records AS r ON {_IS_NEWEST} {where} {_IN_ORDER}",
    )


WITH_VALUE: Final = _prepare_positions("SELECT", "v.value = :value")
"""Positions of newest events whose records ever had a value. The primary key gives them in order."""
IN_RANGE: Final = _prepare_positions("SELECT DISTINCT", "v.value >= :value AND v.value < :behind")
"""As `WITH_VALUE`, for the values from one key up to another. The database reads all of them, and sorts."""
COUNT_IN_RANGE: Final = Prepared.in_both(
    "SELECT count(*) FROM (SELECT 1 FROM record_values WHERE field = :field AND value >= :value AND value < :behind "
    "LIMIT :limit) AS counted"
)
COUNT_VALUE: Final = Prepared.in_both(
    "SELECT count(*) FROM (SELECT 1 FROM record_values WHERE field = :field AND value = :value AND position > :after "
    "LIMIT :limit) AS counted"
)
COUNT_CHANGED: Final = Prepared.in_both(
    "SELECT count(*) FROM (SELECT 1 FROM records WHERE contract_id = :contract AND position > :after LIMIT :limit) AS counted"
)
