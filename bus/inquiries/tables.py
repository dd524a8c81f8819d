"""The table of inquiries: what data subjects asked, when, and when their answer was due."""

import sqlalchemy as sa

from bus.storage import metadata

INQUIRIES = sa.Table(
    "inquiries",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("closed_at", sa.BigInteger),
    sa.Column("closed_by", sa.Text),
    sa.Column("note", sa.Text),
    sa.Index(
        "ix_inquiries_open",
        "number",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
)
"""`person` is the identifier with its end alone. `about` and `note` hold no number of a person."""
