"""The statements that write counts, in both dialects where they differ."""

from typing import Final

from bus.rollups.flow import Span
from bus.storage import Insertion, Prepared

COLUMNS: Final = ("published", "refused", "delivered", "failed", "dead", "pulled", "delay_ms")
TABLES: Final = {Span.MINUTE: "traffic_minutes", Span.HOUR: "traffic_hours"}


def _add(table: str) -> Insertion:
    names = ", ".join(("at", "flow", *COLUMNS))
    insert = f"INSERT INTO {table} ({names})"
    merge = ", ".join(f"{one}={table}.{one}+excluded.{one}" for one in COLUMNS)
    conflict = f"ON CONFLICT (at, flow) DO UPDATE SET {merge}"
    arrays = ", ".join(["CAST(? AS int[])"] * 2 + ["CAST(? AS bigint[])"] * len(COLUMNS))
    return Insertion(
        sqlite=f"{insert} VALUES {{rows}} {conflict}",
        row="(" + ",".join("?" * (2 + len(COLUMNS))) + ")",
        postgres=f"{insert} SELECT * FROM unnest({arrays}) AS told {conflict}",  # noqa: S608
    )


def _forget(table: str) -> Prepared:
    return Prepared.in_both(
        f"DELETE FROM {table} WHERE at<:before AND at<(SELECT min(at) FROM {table})+:most"  # noqa: S608
    )


ADD: Final = {span: _add(table) for span, table in TABLES.items()}
FORGET: Final = {span: _forget(table) for span, table in TABLES.items()}
"""Of the oldest spans, a few at a time."""

BEGIN: Final = Prepared.in_both(
    "INSERT INTO traffic_reached (id, position, step) VALUES (1, 0, 0) ON CONFLICT (id) DO NOTHING"
)
REACHED: Final = Prepared.in_both("SELECT position, step FROM traffic_reached WHERE id=1")
MOVE: Final = Prepared.in_both("UPDATE traffic_reached SET position=:position, step=step+1 WHERE id=1 AND step=:step")
"""Changes no row if another process counted meanwhile: then this step must write nothing."""

FIND_FLOW: Final = Prepared.in_both(
    "SELECT number FROM traffic_flows WHERE contract=:contract AND sender=:sender AND receiver=:receiver"
)
ADD_FLOW: Final = Prepared.in_both(
    "INSERT INTO traffic_flows (contract, sender, receiver) VALUES (:contract, :sender, :receiver) "
    "ON CONFLICT (contract, sender, receiver) DO NOTHING"
)
REFUSED: Final = Prepared.in_both(
    "SELECT at, contract, sender, refused FROM traffic_hours JOIN traffic_flows ON number=flow "
    "WHERE at>=:since AND refused>0"
)
"""What is counted of refusals already."""
