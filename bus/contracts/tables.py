"""The tables of what was agreed."""

import sqlalchemy as sa

from bus.storage import metadata

CONTRACTS = sa.Table(
    "contracts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
)

VERSIONS = sa.Table(
    "contract_versions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("contract_id", sa.Integer, sa.ForeignKey("contracts.id"), nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False, index=True),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("sunset", sa.Text),
    sa.UniqueConstraint("contract_id", "version"),
)

MOVES = sa.Table(
    "contract_moves",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("version_id", sa.Integer, sa.ForeignKey("contract_versions.id"), nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("accepted_undecided", sa.Boolean, nullable=False),
    sa.Column("client_id", sa.Text),
    sa.Column("adapters", sa.Text),
)

DOMAINS = sa.Table(
    "contract_domains",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
)
"""The owners of domains. A domain without a row belongs to nobody."""

SUSPENSIONS = sa.Table(
    "grant_suspensions",
    metadata,
    sa.Column("contract_id", sa.Integer, sa.ForeignKey("contracts.id"), primary_key=True),
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("waiting", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("is_operators", sa.Boolean, nullable=False),
)
"""The suspensions in force. The action log has those that were lifted."""

ACCESS_REQUESTS = sa.Table(
    "access_requests",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("contract_id", sa.Integer, sa.ForeignKey("contracts.id"), nullable=False),
    sa.Column("owner", sa.Text, nullable=False, index=True),
    sa.Column("participant", sa.Text, nullable=False, index=True),
    sa.Column("waiting", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("asked_at", sa.BigInteger, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("legal_basis", sa.Text, nullable=False),
    sa.Column("agreement", sa.Text, nullable=False),
    sa.Column("fields", sa.Text),
    sa.Column("until", sa.Text, nullable=False),
    sa.Column("decided_at", sa.BigInteger),
    sa.Column("decided_by", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("version", sa.Text),
    sa.UniqueConstraint("contract_id", "waiting"),
)
"""Requests for access. `waiting` is the asker while the request waits, so one request for a contract waits at a time."""
