"""The tables of actions, and of the settings of each process's last start."""

import sqlalchemy as sa

from bus.storage import metadata

ACTIONS = sa.Table(
    "actions",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
    sa.Column("participant", sa.Text, nullable=False),
    sa.Column("as_operator", sa.Boolean, nullable=False),
    sa.Column("client_id", sa.Text),
    sa.Column("os_user", sa.Text),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("trace_id", sa.Text),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("on_behalf_of", sa.Text),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sa.Column("details", sa.Text),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Index("ix_actions_participant_id", "participant", "id"),
    sa.Index("ix_actions_object_id", "object", "id"),
    # SQLite must never use an id twice.
    sqlite_autoincrement=True,
)
"""Triggers refuse every change of a row and every deletion (migration 0012)."""

STARTS = sa.Table(
    "starts",
    metadata,
    sa.Column("roles", sa.Text, primary_key=True),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)
"""The settings of the last start of a process with these roles. Of a secret setting there is only a keyed fingerprint."""
