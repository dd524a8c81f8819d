"""Finds the rows of a table of refusals that a reader may see."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bus import clock


def list_conditions(table: sa.Table, contract: str | None, reader: str | None) -> list[sa.ColumnElement[bool]]:
    """The conditions for the rows that a reader may see: its own rows, and those under the contracts that it owns.

    Args:
        table: has the columns `contract`, `owner` and `participant`.
        contract: the contract's name; None: all contracts.
        reader: the participant that reads; None: the operator, who sees all rows.
    """
    conditions: list[sa.ColumnElement[bool]] = []
    if contract is not None:
        conditions.append(table.c.contract == contract)
    if reader is not None:
        conditions.append(sa.or_(table.c.owner == reader, table.c.participant == reader))
    return conditions


def select_newest(
    at: sa.Column[int],
    contract: str | None,
    reader: str | None,
    *,
    since: datetime | None,
    before: int | None,
    limit: int,
) -> sa.Select[Any]:
    """The statement for a page of the rows that a reader may see, the newest first.

    Args:
        at: the column with the row's last moment. Its table has the columns of `list_conditions`, and `id`.
        since: only rows whose last moment is this one or later.
        before: only rows with a lower id, for the next page. None: the first page.
        limit: the most rows.
    """
    table = at.table
    conditions = list_conditions(table, contract, reader)
    if since is not None:
        conditions.append(at >= clock.micros(since))
    if before is not None:
        conditions.append(table.c.id < before)
    return sa.select(table).where(*conditions).order_by(table.c.id.desc()).limit(limit)
