"""The tables of staff: accounts, what proves them, one-time links, and sessions of the console."""

from typing import Any

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
STAFF_PASSKEYS = sa.Table(
    "staff_passkeys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("staff", sa.Text, nullable=False, index=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger),
)
STAFF_CHALLENGES = sa.Table(
    "staff_challenges",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("ends_at", sa.BigInteger, nullable=False),
)
STAFF_IDENTITIES = sa.Table(
    "staff_identities",
    metadata,
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("staff", sa.Text, nullable=False, unique=True),
)


def select_accounts(*more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """The accounts with what `make_account` reads, and more columns."""
    has_passkey = sa.exists().where(STAFF_PASSKEYS.c.staff == STAFF.c.name).correlate(STAFF).label("has_passkey")
    is_provided = sa.exists().where(STAFF_IDENTITIES.c.staff == STAFF.c.name).correlate(STAFF).label("is_provided")
    return sa.select(STAFF, has_passkey, is_provided, *more)
