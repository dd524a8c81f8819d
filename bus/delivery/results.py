"""Results: what came of attempts, noted in the transaction of the outcomes, for whoever counts them later.

Promise: a delivery's change of state is noted once, with the change or not at all. A counter takes the notes away.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

import sqlalchemy as sa

from bus import json
from bus.delivery.tables import RESULTS, SUBSCRIPTIONS
from bus.storage import Insertion, Prepared, Transaction


class Result(IntEnum):
    """What came of an attempt."""

    DELIVERED = 1
    FAILED = 2
    """It failed, and is tried again."""
    DEAD = 3
    """The delivery was given up."""


class Note(NamedTuple):
    """Deliveries of one subscription with the same result.

    Attributes:
        at: the moment of the result, in microseconds since 1970.
        positions: the events.
    """

    subscription: int
    result: Result
    at: int
    positions: Sequence[int]


class TakenNote(NamedTuple):
    """A note that a counter reads.

    Attributes:
        id: the note's number, for `delete_results`.
        receiver: the subscriber; empty if the subscription is gone.
        at: in microseconds since 1970.
    """

    id: int
    receiver: str
    result: Result
    at: int
    positions: Sequence[int]


_NOTE: Final = Insertion(
    sqlite="INSERT INTO delivery_results (subscription, result, at, positions) VALUES {rows}",
    row="(?,?,?,?)",
    postgres="INSERT INTO delivery_results (subscription, result, at, positions) "
    "SELECT * FROM unnest(CAST(? AS int[]), CAST(? AS smallint[]), CAST(? AS bigint[]), CAST(? AS text[]))",
)
_NEXT: Final = (
    sa.select(
        RESULTS.c.id,
        sa.func.coalesce(SUBSCRIPTIONS.c.participant, ""),
        RESULTS.c.result,
        RESULTS.c.at,
        RESULTS.c.positions,
    )
    .outerjoin(SUBSCRIPTIONS, SUBSCRIPTIONS.c.number == RESULTS.c.subscription)
    .order_by(RESULTS.c.id)
    .limit(sa.bindparam("most"))
)
_DELETE: Final = Prepared(
    sqlite="DELETE FROM delivery_results WHERE id IN (SELECT value FROM json_each(:wanted))",
    postgres="DELETE FROM delivery_results WHERE id=ANY(CAST(:wanted AS bigint[]))",
)


def note_results(transaction: Transaction, noted: Iterable[Note]) -> None:
    """Note results beside the deliveries that they changed."""
    rows = [
        (one.subscription, one.result.value, one.at, json.dumps(list(one.positions)).decode())
        for one in noted
        if one.positions
    ]
    if rows:
        transaction.insert(_NOTE, rows)


def read_results(transaction: Transaction, most: int) -> list[TakenNote]:
    """The oldest notes, at most `most`."""
    rows = transaction.rows(_NEXT, {"most": most})
    return [
        TakenNote(number, receiver, Result(result), at, json.loads(text)) for number, receiver, result, at, text in rows
    ]


def delete_results(transaction: Transaction, ids: Sequence[int]) -> None:
    """Delete notes that are counted in the same transaction."""
    transaction.execute(_DELETE, {"wanted": transaction.numbers(ids)})
