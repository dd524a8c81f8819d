"""Traffic: reads the counts of flows, one by one, or added up by flow or by time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bus import clock
from bus.rollups.flow import Counts, Flow, Span
from bus.rollups.statements import COLUMNS
from bus.rollups.tables import FLOWS, HOURS, MINUTES
from bus.storage import Storage

_MICROS: Final = 1_000_000
_TABLES: Final = {Span.MINUTE: MINUTES, Span.HOUR: HOURS}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which counts to read.

    Attributes:
        since: spans that begin then or later.
        until: spans that begin earlier.
        contract: of this contract; None: of all.
        participant: flows that this participant sends or gets; None: all.
        reader: as `participant`; both must hold. It is the participant that reads, None for the operator.
    """

    since: datetime
    until: datetime
    contract: str | None = None
    participant: str | None = None
    reader: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The counts of one flow in one span.

    Attributes:
        at: the number of the span since 1970; `number`: that of the flow. Both name the row for the next page.
        begins_at: when the span begins.
    """

    at: int
    number: int
    begins_at: datetime
    flow: Flow
    counts: Counts


class Traffic:
    """Reads the counts. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def list(self, span: Span, wanted: Wanted, limit: int, after: tuple[int, int] = (0, 0)) -> list[Found]:
        """At most `limit` counts, the oldest first.

        Args:
            after: `at` and `number` of the last count of the page before.
        """
        table = _TABLES[span].c
        statement = (
            sa.select(table.at, FLOWS, *(table[name] for name in COLUMNS))
            .join_from(_TABLES[span], FLOWS, FLOWS.c.number == table.flow)
            .where(*_list_conditions(span, wanted), sa.tuple_(table.at, table.flow) > sa.tuple_(*after))
            .order_by(table.at, table.flow)
            .limit(limit)
        )
        with self._storage.read() as transaction:
            rows = transaction.rows(statement)
        return [
            Found(at, number, _tell_begin(at, span), Flow(contract, sender, receiver), Counts(*counts))
            for at, number, contract, sender, receiver, *counts in rows
        ]

    def sum_flows(self, span: Span, wanted: Wanted) -> dict[Flow, Counts]:
        """The counts of each flow in the whole time."""
        flow = _TABLES[span].c.flow
        sums = sa.select(flow, *_sum_columns(span)).where(*_list_conditions(span, wanted)).group_by(flow).subquery()
        # Names are joined to the sums: to group by three texts takes several times as long.
        statement = sa.select(FLOWS.c.contract, FLOWS.c.sender, FLOWS.c.receiver, *list(sums.c)[1:]).join_from(
            sums, FLOWS, FLOWS.c.number == sums.c.flow
        )
        with self._storage.read() as transaction:
            return {Flow(*row[:3]): _make_counts(row[3:]) for row in transaction.rows(statement)}

    def sum_spans(self, span: Span, wanted: Wanted) -> dict[datetime, Counts]:
        """The counts of all flows in each span. A span without traffic is left out."""
        at = _TABLES[span].c.at
        statement = sa.select(at, *_sum_columns(span)).where(*_list_conditions(span, wanted)).group_by(at).order_by(at)
        with self._storage.read() as transaction:
            return {_tell_begin(row[0], span): _make_counts(row[1:]) for row in transaction.rows(statement)}


def _list_conditions(span: Span, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    table = _TABLES[span].c
    begins = [-(-clock.micros(one) // (span.seconds * _MICROS)) for one in (wanted.since, wanted.until)]
    conditions = [table.at >= begins[0], table.at < begins[1]]
    of_flow = [] if wanted.contract is None else [FLOWS.c.contract == wanted.contract]
    of_flow += [
        sa.or_(FLOWS.c.sender == one, FLOWS.c.receiver == one)
        for one in (wanted.participant, wanted.reader)
        if one is not None
    ]
    if of_flow:
        conditions.append(table.flow.in_(sa.select(FLOWS.c.number).where(*of_flow)))
    return conditions


def _sum_columns(span: Span) -> Sequence[sa.ColumnElement[Any]]:
    return [sa.func.sum(_TABLES[span].c[name]).label(name) for name in COLUMNS]


def _make_counts(row: Sequence[Any]) -> Counts:
    # PostgreSQL's sums are decimals.
    return Counts(*map(int, row))


def _tell_begin(at: int, span: Span) -> datetime:
    return clock.moment(at * span.seconds * _MICROS)
