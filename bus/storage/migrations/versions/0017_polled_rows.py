"""Polls keep the rows that they published in a table, set refused rows aside, and hold implausible deletions back."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_POLLS = sa.table("polls", *(sa.column(name) for name in ("adapter", "operation", "cursor", "steps")))
_SOURCES = {"kominfo": "/kominfo/splp/indikator", "bappenas": "/krisna/dak/{}"}
"""The sources of the lists that cursors remembered until now, by adapter."""


def upgrade() -> None:
    op.add_column("polls", sa.Column("steps", sa.BigInteger(), nullable=False, server_default="0"))
    names = [sa.Column(name, sa.Text(), nullable=False) for name in ("adapter", "operation", "source", "key")]
    rows = op.create_table(
        "polled_rows",
        *names,
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("adapter", "operation", "source", "key", name=op.f("pk_polled_rows")),
    )
    op.create_table(
        "held_deletions",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("adapter", "operation", "source")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("deletions", "known", "since")),
        sa.Column("released", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("adapter", "operation", "source", name=op.f("pk_held_deletions")),
    )
    _create_rows_set_aside()
    _unpack_cursors(rows)


def _create_rows_set_aside() -> None:
    texts = ("adapter", "operation", "source", "key", "contract", "owner", "participant", "digest", "under", "errors")
    op.create_table(
        "rows_set_aside",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rows_set_aside")),
        sa.UniqueConstraint("adapter", "operation", "source", "key", name="uq_rows_set_aside_row"),
    )


def _unpack_cursors(rows: sa.Table) -> None:
    """Put into the table the rows that cursors remember: else a row that goes now would never be deleted."""
    connection = op.get_bind()
    for adapter, operation, cursor in connection.execute(sa.select(*list(_POLLS.c)[:3])).all():
        if adapter not in _SOURCES or not cursor:
            continue
        steps, kept = 0, json.loads(cursor)
        for part, memory in _list_memories(kept):
            source = _SOURCES[adapter].format(part)
            digests = memory["digests"].items()
            values = [
                {"adapter": adapter, "operation": operation, "source": source, "key": key, "digest": digest}
                for key, digest in digests
            ]
            if values:
                connection.execute(sa.insert(rows), values)
            steps = max(steps, memory["step"])
        turns = json.dumps({"number": kept["number"]}) if "number" in kept else None
        mine = (_POLLS.c.adapter == adapter, _POLLS.c.operation == operation)
        connection.execute(sa.update(_POLLS).where(*mine).values(cursor=turns, steps=steps))


def _list_memories(kept: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The memories in a cursor, each with the name of its list: one, or one for each budget year."""
    if "digests" in kept:
        yield "", kept
    for part, cursor in kept.get("cursors", {}).items():
        if cursor:
            yield part, json.loads(cursor)
