"""Find disclosures by position, and keep what many of them have in common once.

The cut into stretches is that of `bus/disclosures/stretches.py` on the day of this migration.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from struct import pack
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_STEP: Final = 2000
_DAY: Final = 24 * 3600 * 1_000_000
_SIZES: Final = (1, 64, 1024, 16_384)
_COMMON: Final = (
    "participant", "client_id", "channel", "contract_id", "version", "purpose", "legal_basis", "fields", "set_by",
)  # fmt: skip
_BEFORE: Final = sa.text("SELECT * FROM disclosures_before WHERE id > :after ORDER BY id LIMIT :step")


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for name in ("participant", "person", "contract_id_last_position", "day_digest"):
        op.drop_index(f"ix_disclosures_{name}", "disclosures")
    op.rename_table("disclosures", "disclosures_before")
    if is_postgres:
        op.execute("ALTER INDEX pk_disclosures RENAME TO pk_disclosures_before")
    recipients, disclosures, stretches = _create_recipients(), _create_disclosures(), _create_stretches()
    numbers: dict[tuple[Any, ...], int] = {}
    for rows in _read_in_steps():
        _number(rows, numbers, recipients)
        op.get_bind().execute(sa.insert(disclosures), [_make_row(row, numbers) for row in rows])
        cut = [stretch for row in rows for stretch in _cut(row)]
        if cut:
            op.get_bind().execute(sa.insert(stretches), cut)
    op.drop_table("disclosures_before")
    if is_postgres:
        op.execute(
            "SELECT setval(pg_get_serial_sequence('disclosures', 'id'), coalesce(max(id), 0) + 1, false) FROM disclosures"
        )


def _create_recipients() -> sa.Table:
    return op.create_table(
        "disclosure_recipients",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_recipients")),
        sa.UniqueConstraint("digest", name=op.f("uq_disclosure_recipients_digest")),
    )


def _create_disclosures() -> sa.Table:
    table = op.create_table(
        "disclosures",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("positions", sa.LargeBinary(), nullable=True),
        sa.Column("unsent", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosures")),
    )
    op.create_index("ix_disclosures_day_digest", "disclosures", ["day", "digest"], unique=True)
    op.create_index("ix_disclosures_recipient_id_at_id", "disclosures", ["recipient_id", "at", "id"], unique=False)
    op.create_index(
        "ix_disclosures_person_id",
        "disclosures",
        ["person", "id"],
        unique=False,
        sqlite_where=sa.text("person IS NOT NULL"),
        postgresql_where=sa.text("person IS NOT NULL"),
    )
    return table


def _create_stretches() -> sa.Table:
    return op.create_table(
        "disclosed_stretches",
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("disclosure_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("positions", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint(
            "block", "first_position", "last_position", "disclosure_id", name=op.f("pk_disclosed_stretches")
        ),
        sqlite_with_rowid=False,
    )


def _read_in_steps() -> Iterator[Sequence[Any]]:
    after = -1
    while rows := op.get_bind().execute(_BEFORE, {"after": after, "step": _STEP}).all():
        yield rows
        after = rows[-1].id


def _number(rows: Sequence[Any], numbers: dict[tuple[Any, ...], int], recipients: sa.Table) -> None:
    for row in rows:
        common = _select_common(row)
        if common not in numbers:
            numbers[common] = len(numbers) + 1
            # The log never finds a row by this digest, and adds the recipient again when it is needed.
            values = {
                "digest": blake2b(repr(common).encode(), digest_size=16).digest(),
                **dict(zip(_COMMON, common, strict=True)),
            }
            op.get_bind().execute(sa.insert(recipients), values)


def _select_common(row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in _COMMON)


def _make_row(row: Any, numbers: dict[tuple[Any, ...], int]) -> dict[str, Any]:
    return {
        "id": row.id,
        "recipient_id": numbers[_select_common(row)],
        "at": row.at,
        "last_at": row.at if row.last_at is None else row.last_at,
        "times": row.times,
        "day": row.at // _DAY if row.day is None else row.day,
        "digest": row.digest or blake2b(str(row.id).encode(), digest_size=16).digest(),
        "person": row.person,
        "positions": row.positions,
        "unsent": row.unsent,
    }


def _cut(row: Any) -> Iterator[dict[str, Any]]:
    positions = sorted(_unpack(row.positions) + _unpack(row.unsent))
    start = 0
    while start < len(positions):
        first = positions[start]
        end = bisect_right(positions, first - first % _SIZES[-1] + _SIZES[-1] - 1, start)
        last = positions[end - 1]
        level, size = next((level, size) for level, size in enumerate(_SIZES) if last < first - first % size + size)
        is_whole = last - first < end - start
        yield {
            "block": (first - first % size) * len(_SIZES) + level,
            "first_position": first,
            "last_position": last,
            "disclosure_id": row.id,
            "positions": None
            if is_whole
            else pack(f">{end - start}H", *[one % _SIZES[-1] for one in positions[start:end]]),
        }
        start = end


def _unpack(data: bytes | None) -> list[int]:
    positions: list[int] = []
    position = step = shift = 0
    for byte in data or b"":
        step |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            continue
        position += step
        positions.append(position)
        step = shift = 0
    return positions
