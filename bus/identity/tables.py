"""The tables of who may speak to the bus."""

import sqlalchemy as sa

from bus.storage import metadata

PARTICIPANTS = sa.Table(
    "participants",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("contact", sa.Text),
)
"""`contact` is a mail address of the office; null: it has none. No log has it."""

CLIENTS = sa.Table(
    "clients",
    metadata,
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("participant", sa.Text, sa.ForeignKey("participants.name"), nullable=False, index=True),
    sa.Column("secret_hash", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("jwks", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
    sa.Column("version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("given", sa.Text, nullable=False, server_default="{}"),
)

REVOKED_TOKENS = sa.Table(
    "revoked_tokens",
    metadata,
    sa.Column("jti", sa.Text, primary_key=True),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
)

USED_ASSERTIONS = sa.Table(
    "used_assertions",
    metadata,
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("jti", sa.Text, primary_key=True),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
)
