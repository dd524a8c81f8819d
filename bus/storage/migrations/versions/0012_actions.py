"""Add the action log, whose entries the database protects from changes, and the actor who set a sink."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SQLITE_KEEPERS = [
    f"CREATE TRIGGER actions_keep_{order.lower()} BEFORE {order} ON actions {when}"
    "BEGIN SELECT RAISE(ABORT, 'entries of the action log are never changed'); END"
    for order, when in (
        ("UPDATE", ""),
        ("DELETE", ""),
        # INSERT OR REPLACE deletes the old row without firing a DELETE trigger.
        ("INSERT", "WHEN EXISTS (SELECT 1 FROM actions WHERE id = NEW.id) "),
    )
]
_POSTGRES_KEEPERS = [
    "CREATE FUNCTION actions_keep() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'entries of the action log are never changed'; END $$",
    "CREATE TRIGGER actions_keep BEFORE UPDATE OR DELETE ON actions FOR EACH ROW EXECUTE FUNCTION actions_keep()",
    # TRUNCATE fires no trigger of rows.
    "CREATE TRIGGER actions_keep_all BEFORE TRUNCATE ON actions FOR EACH STATEMENT EXECUTE FUNCTION actions_keep()",
]


def upgrade() -> None:
    op.create_table(
        "actions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("as_operator", sa.Boolean(), nullable=False),
        sa.Column("client_id", sa.Text()),
        sa.Column("os_user", sa.Text()),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text()),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text()),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.Column("details", sa.Text()),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actions")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_actions_at"), "actions", ["at"], unique=False)
    op.create_index("ix_actions_participant_id", "actions", ["participant", "id"], unique=False)
    op.create_index("ix_actions_object_id", "actions", ["object", "id"], unique=False)
    op.create_table(
        "starts",
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("roles", name=op.f("pk_starts")),
    )
    op.add_column("subscriptions", sa.Column("sink_set_by", sa.Text()))
    op.add_column("disclosures", sa.Column("set_by", sa.Text()))
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for keeper in _SQLITE_KEEPERS if is_sqlite else _POSTGRES_KEEPERS:
        op.execute(keeper)
