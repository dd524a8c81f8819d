"""Add passkeys, used challenges, and accounts of an identity provider to staff."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_passkeys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("staff", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_passkeys")),
    )
    op.create_index(op.f("ix_staff_passkeys_staff"), "staff_passkeys", ["staff"])
    op.create_table(
        "staff_challenges",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_staff_challenges")),
    )
    op.create_table(
        "staff_identities",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("staff", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_staff_identities")),
        sa.UniqueConstraint("staff", name=op.f("uq_staff_identities_staff")),
    )
