"""The tables of adapter documents."""

import sqlalchemy as sa

from bus.storage import metadata

VERSIONS = sa.Table(
    "adapter_versions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("is_personal", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False, index=True),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("findings", sa.LargeBinary, nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("name", "version"),
)
"""Owner, title and `is_personal` are the document's. They are kept beside it, so that a list reads no document."""

ONE_ACTIVE = sa.Index(
    "ix_adapter_versions_active",
    VERSIONS.c.name,
    unique=True,
    sqlite_where=VERSIONS.c.state == "active",
    postgresql_where=VERSIONS.c.state == "active",
)
"""The database itself keeps two versions of an adapter from being in force."""

MOVES = sa.Table(
    "adapter_moves",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("version_id", sa.Integer, sa.ForeignKey("adapter_versions.id"), nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text),
)
