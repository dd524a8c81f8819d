"""Make an append touch fewer pages, and store each body as readers get it.

Identities come in order, and persons have an index of their own. In SQLite a position is the row number.
"""

from datetime import UTC, datetime
from hashlib import blake2b

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STEP = 1_000
_COLUMNS = "position, contract_id, version_id, participant, identity, content, key, previous, person, recorded_at, body"


def upgrade() -> None:
    connection = op.get_bind()
    op.drop_index("ix_journal_person", "journal")
    if connection.dialect.name == "sqlite":
        _rebuild()
    _name_again(connection)
    op.create_table(
        "journal_persons",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person", "position", name=op.f("pk_journal_persons")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal_persons_indexed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_persons_indexed")),
    )
    op.execute(
        "INSERT INTO journal_persons (person, position, contract_id) "
        "SELECT person, position, contract_id FROM journal WHERE person IS NOT NULL ORDER BY person, position"
    )
    op.execute("INSERT INTO journal_persons_indexed (id, position) SELECT 1, coalesce(max(position), 0) FROM journal")


def _rebuild() -> None:
    """SQLite makes a column the row number only when its table is made."""
    op.execute("ALTER TABLE journal RENAME TO journal_before")
    op.drop_index("ix_journal_contract_id_position", "journal_before")
    op.create_table(
        "journal",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("previous", sa.BigInteger(), nullable=True),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_journal")),
        sa.UniqueConstraint("identity", name=op.f("uq_journal_identity")),
    )
    op.execute(f"INSERT INTO journal ({_COLUMNS}) SELECT {_COLUMNS} FROM journal_before ORDER BY position")  # noqa: S608
    op.execute("DROP TABLE journal_before")
    op.create_index("ix_journal_contract_id_position", "journal", ["contract_id", "position"], unique=False)


def _name_again(connection: sa.Connection) -> None:
    """Give each event its whole body, and the identity and digest by which the bus now recognises a retry."""
    journal = sa.table("journal", *(sa.column(name) for name in _COLUMNS.split(", ")))
    position, after = journal.c.position, 0
    known = sa.update(journal).where(position == sa.bindparam("at"))
    page = (
        sa.select(position, journal.c.participant, journal.c.recorded_at, journal.c.body)
        .order_by(position)
        .limit(_STEP)
    )
    while rows := connection.execute(page.where(position > after)).all():
        after = rows[-1].position
        connection.execute(known, [_named(*row) for row in rows])


def _named(position: int, participant: str, recorded_at: int, body: bytes) -> dict[str, object]:
    event = orjson.loads(body)
    sender = blake2b(f"{participant}\x00{event['source']}".encode(), digest_size=12).digest()
    text = event["id"].encode()
    if len(text) > 40:
        text = b"\xff" + blake2b(text, digest_size=20).digest()
    told = {name: value for name, value in event.items() if name not in ("traceparent", "tracestate")}
    content = blake2b(orjson.dumps(told, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
    recorded = datetime.fromtimestamp(recorded_at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    event |= {"sequence": f"{position:020d}", "recordedtime": f"{recorded}.{recorded_at % 1_000_000:06d}Z"}
    return {"at": position, "identity": sender + text, "content": content, "body": orjson.dumps(event)}
