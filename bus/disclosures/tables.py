"""The table of disclosures: who received which personal data."""

import sqlalchemy as sa

from bus.storage import metadata

DISCLOSURES = sa.Table(
    "disclosures",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger),
    sa.Column("times", sa.Integer, nullable=False, server_default="1"),
    sa.Column("day", sa.Integer),
    sa.Column("digest", sa.LargeBinary),
    sa.Column("participant", sa.Text, nullable=False, index=True),
    sa.Column("client_id", sa.Text),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("contract_id", sa.Integer, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("legal_basis", sa.Text, nullable=False),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("first_position", sa.BigInteger),
    sa.Column("last_position", sa.BigInteger),
    sa.Column("positions", sa.LargeBinary),
    sa.Column("unsent", sa.LargeBinary),
    sa.Column("person", sa.Text, index=True),
    sa.Column("set_by", sa.Text),
    sa.Index("ix_disclosures_contract_id_last_position", "contract_id", "last_position"),
    sa.Index("ix_disclosures_day_digest", "day", "digest", unique=True),
)
"""One row for one answer or one batch of deliveries under one grant.

`positions` holds its events (differences as LEB128, from `first_position` to `last_position`). A query's answer names its
`person` instead. `times` counts equal disclosures of the same `day` (UTC), and `last_at` is the time of the last one. Equal
disclosures have the same `digest`. `unsent` holds events of deliveries that certainly did not leave.
"""
