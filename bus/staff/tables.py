"""The tables of staff: accounts, one-time links, and sessions of the console."""

import sqlalchemy as sa

from bus.storage import metadata

STAFF = sa.Table(
    "staff",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("participant", sa.Text),
    sa.Column("password_hash", sa.Text),
    sa.Column("totp_secret", sa.Text),
    sa.Column("totp_step", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("disabled_at", sa.BigInteger),
)
STAFF_LINKS = sa.Table(
    "staff_links",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("staff", sa.Text, nullable=False, index=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("totp_secret", sa.Text),
    sa.Column("ends_at", sa.BigInteger, nullable=False),
)
STAFF_SESSIONS = sa.Table(
    "staff_sessions",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("staff", sa.Text, nullable=False, index=True),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("proved_at", sa.BigInteger, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("browser", sa.Text, nullable=False),
)
