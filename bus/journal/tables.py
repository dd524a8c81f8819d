"""The journal's tables: accepted events in order, and tables to look them up by key and by person."""

import sqlalchemy as sa

from bus.storage import metadata

JOURNAL = sa.Table(
    "journal",
    metadata,
    # In SQLite, only this type's name makes the column the table's own row number.
    sa.Column("position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("contract_id", sa.Integer, nullable=False),
    sa.Column("version_id", sa.Integer, nullable=False),
    sa.Column("participant", sa.Text, nullable=False),
    sa.Column("identity", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("key", sa.Text),
    sa.Column("person", sa.Text),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("ix_journal_contract_id_position", "contract_id", "position"),
)
"""`identity` names (participant, source, id) and decides what is a duplicate.

`key` is a record's key; `person` says whom the event is about, where the contract's data are personal (see `persons.py`). `body`
is the CloudEvent in JSON as the bus hands it out, `sequence` and `recordedtime` with it.
"""

STRETCH = 16_384
"""Positions in a stretch. New rows of `journal_persons` change only pages of the last stretch. A question searches each."""

PERSONS = sa.Table(
    "journal_persons",
    metadata,
    sa.Column("stretch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True),
    sa.Column("contract_id", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Which events are about whom: a row for each person of an event. `stretch` is `position / STRETCH`."""

PRECEDING = sa.Table(
    "journal_preceding",
    metadata,
    sa.Column("position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("preceding", sa.BigInteger, nullable=False),
)
"""For each event of a record, the position of the same record's event before. A record's first event has no row."""

RECORDS = sa.Table(
    "records",
    metadata,
    sa.Column("contract_id", sa.Integer, primary_key=True),
    # Digests of ranges of keys need one order of keys in both databases: that of their bytes.
    sa.Column("key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Index("ix_records_contract_id_position", "contract_id", "position"),
    sqlite_with_rowid=False,
)
"""The position of each record's newest event, which may be its deletion."""

VALUE_FIELDS = sa.Table(
    "value_fields",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("contract_id", sa.Integer, nullable=False),
    sa.Column("pointer", sa.Text, nullable=False),
    sa.Column("reached", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("contract_id", "pointer"),
)
"""The fields whose values are indexed. The index covers the contract's events up to `reached`; -1: its rows are being deleted."""

RECORD_VALUES = sa.Table(
    "record_values",
    metadata,
    sa.Column("field", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.LargeBinary, primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Index("ix_record_values_position", "position"),
    sqlite_with_rowid=False,
)
"""Which records ever had a value in an indexed field. `value` is a key as `spell_value` spells it. `position` is that of the
record's newest event up to the field's `reached`."""

PROJECTED = sa.Table(
    "journal_projected",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
)
"""One row at most: the position up to which the tables of persons, preceding events and records are complete."""

RETENTION = sa.Table(
    "journal_retention",
    metadata,
    sa.Column("contract_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("looked_at", sa.BigInteger, nullable=False),
    sa.Column("whole_from", sa.BigInteger, nullable=False),
    sa.Column("deletions_from", sa.BigInteger, nullable=False),
)
"""What retention deleted of each contract's events. It goes on after `looked_at`. The other columns are those of `Horizon`."""

EPOCHS = sa.Table(
    "journal_epochs",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("after", sa.BigInteger, nullable=False),
)
"""The epochs after the first one, whose number is 0. An epoch begins behind the position `after`."""
