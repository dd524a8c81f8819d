"""The tables of disclosures: who received which personal data."""

import sqlalchemy as sa

from bus.storage import metadata

RECIPIENTS = sa.Table(
    "disclosure_recipients",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("participant", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("contract_id", sa.Integer, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("legal_basis", sa.Text, nullable=False),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("set_by", sa.Text),
)
"""What many disclosures have in common: the client, the channel, and the grant of one contract version. A small table.

Equal recipients have the same `digest`. Rows are never changed and never deleted.
"""

DISCLOSURES = sa.Table(
    "disclosures",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("recipient_id", sa.Integer, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
    sa.Column("times", sa.Integer, nullable=False, server_default="1"),
    sa.Column("day", sa.Integer, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("person", sa.Text),
    sa.Column("positions", sa.LargeBinary),
    sa.Column("unsent", sa.LargeBinary),
    sa.Index("ix_disclosures_day_digest", "day", "digest", unique=True),
    sa.Index("ix_disclosures_recipient_id_at_id", "recipient_id", "at", "id"),
    sa.Index(
        "ix_disclosures_person_id",
        "person",
        "id",
        sqlite_where=sa.text("person IS NOT NULL"),
        postgresql_where=sa.text("person IS NOT NULL"),
    ),
)
"""One row for one answer or one batch of deliveries to one recipient.

`positions` holds its events (differences as LEB128). A query's answer names its `person` instead. `times` counts equal
disclosures of the same `day` (UTC), and `last_at` is the time of the last one. Equal disclosures have the same `digest`.
`unsent` holds events of deliveries that certainly did not leave. The events in `positions` and `unsent` together never change.
"""

STRETCHES = sa.Table(
    "disclosed_stretches",
    metadata,
    sa.Column("block", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("first_position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("last_position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("disclosure_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("positions", sa.LargeBinary),
    sqlite_with_rowid=False,
)
"""An index of the events of disclosures, by position; see `stretches.py`. It can be made again from `disclosures`."""
