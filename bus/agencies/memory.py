"""The memory of polls: cursors, published rows and held deletions, read and written in the tables of this room."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bus.agencies.tables import HELD_DELETIONS, POLLED_ROWS, POLLS
from bus.refusals import Poll
from bus.storage import Transaction

_FEW: Final = 500
_COUNT: Final = "#"
"""Stands between digest and count of a row that was pushed."""
_TAKE: Final = sa.text("""
    INSERT INTO polled_rows (adapter, operation, source, key, digest) VALUES (:adapter, :operation, :source, :key, :digest)
    ON CONFLICT (adapter, operation, source, key) DO UPDATE SET digest = excluded.digest
""")
_KEEP: Final = sa.text("""
    INSERT INTO polls (adapter, operation, cursor, steps, polled_at) VALUES (:adapter, :operation, :cursor, :steps, :polled_at)
    ON CONFLICT (adapter, operation) DO UPDATE SET
        cursor = excluded.cursor, steps = excluded.steps, polled_at = excluded.polled_at
""")
_HOLD: Final = sa.text("""
    INSERT INTO held_deletions (adapter, operation, source, deletions, known, since)
    VALUES (:adapter, :operation, :source, :deletions, :known, :since)
    ON CONFLICT (adapter, operation, source) DO UPDATE SET deletions = excluded.deletions, known = excluded.known
""")


@dataclass(frozen=True, slots=True)
class PollState:
    """Where a poll stands.

    Attributes:
        cursor: where the next step goes on; None: at the beginning.
        steps: the commits so far.
    """

    cursor: str | None = None
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """A row of a push that the journal has.

    Attributes:
        digest: of the row.
        changes: how many events of the row were published. The number never falls, so it names the next change.
    """

    digest: str = ""
    changes: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """Deletions of one list that a poll holds back.

    Attributes:
        poll: the poll.
        source: the source of the list's events.
        deletions: the rows that are gone from the list.
        known: the rows that the journal has of the list.
        since: when the poll held them first, in microseconds since 1970.
        released: how many deletions the operator let go; None: he did not say yet.
    """

    poll: Poll
    source: str
    deletions: int
    known: int
    since: int
    released: int | None = None


def read_state(transaction: Transaction, poll: Poll) -> PollState:
    """Where a poll stands; the beginning if it never ran."""
    row = transaction.one(sa.select(POLLS.c.cursor, POLLS.c.steps).where(_is_of(POLLS, poll)))
    return PollState() if row is None else PollState(row.cursor, row.steps)


def keep_state(transaction: Transaction, poll: Poll, state: PollState, at: int) -> None:
    """Keep where a poll stands, at the given microsecond since 1970."""
    values = {"cursor": state.cursor, "steps": state.steps, "polled_at": at}
    transaction.execute(_KEEP, [{**poll._asdict(), **values}])


def read_taken(transaction: Transaction, poll: Poll, source: str, keys: Collection[str] | None) -> dict[str, str]:
    """The rows of a list that the journal has: key to digest.

    Args:
        keys: the rows of interest; None: all.
    """
    wanted = sa.select(POLLED_ROWS.c.key, POLLED_ROWS.c.digest).where(
        _is_of(POLLED_ROWS, poll), POLLED_ROWS.c.source == source
    )
    if keys is not None and len(keys) <= _FEW:
        wanted = wanted.where(POLLED_ROWS.c.key.in_(list(keys)))
    return {row.key: row.digest for row in transaction.rows(wanted)}


def take_rows(transaction: Transaction, poll: Poll, rows: Iterable[tuple[str, str, str | None]]) -> None:
    """Note rows that the journal has now.

    Args:
        rows: source, key and digest; without a digest the row is gone.
    """
    values = [{**poll._asdict(), "source": source, "key": key, "digest": mark} for source, key, mark in rows]
    if taken := [one for one in values if one["digest"] is not None]:
        transaction.execute(_TAKE, taken)
    for one in values:
        if one["digest"] is None:
            mine = _is_of(POLLED_ROWS, poll), POLLED_ROWS.c.source == one["source"], POLLED_ROWS.c.key == one["key"]
            transaction.execute(sa.delete(POLLED_ROWS).where(*mine))


def read_counted(transaction: Transaction, poll: Poll, source: str, keys: Collection[str]) -> dict[str, Counted]:
    """The rows of a push that the journal has, by key."""
    return {key: _read_count(mark) for key, mark in read_taken(transaction, poll, source, keys).items()}


def count_rows(transaction: Transaction, poll: Poll, rows: Sequence[tuple[str, str, str]]) -> None:
    """Note rows of a push that the journal has now, and count each row's changes.

    Call it in the transaction that appends the rows' events: no other append reads the counts meanwhile.

    Args:
        rows: source, key and digest.
    """
    for source in {source for source, _, _ in rows}:
        own = [(key, mark) for at, key, mark in rows if at == source]
        known = read_counted(transaction, poll, source, [key for key, _ in own])
        counted = [(source, key, f"{mark}{_COUNT}{known.get(key, Counted()).changes + 1}") for key, mark in own]
        take_rows(transaction, poll, counted)


def _read_count(mark: str) -> Counted:
    digest, _, changes = mark.partition(_COUNT)
    # Earlier versions of the bus did not count.
    return Counted(digest, int(changes or 0))


def hold_deletions(transaction: Transaction, held: Held) -> None:
    """Note that a poll holds deletions back. What the operator said before stays."""
    values = {"source": held.source, "deletions": held.deletions, "known": held.known, "since": held.since}
    transaction.execute(_HOLD, {**held.poll._asdict(), **values})


def end_hold(transaction: Transaction, poll: Poll, source: str) -> None:
    """Note that a poll holds no deletions of this list back."""
    transaction.execute(
        sa.delete(HELD_DELETIONS).where(_is_of(HELD_DELETIONS, poll), HELD_DELETIONS.c.source == source)
    )


def read_held(transaction: Transaction, *conditions: sa.ColumnElement[bool]) -> list[Held]:
    """The deletions that polls hold back, in the order of their names."""
    table = HELD_DELETIONS.c
    wanted = sa.select(HELD_DELETIONS).where(*conditions).order_by(table.adapter, table.operation, table.source)
    return [
        Held(Poll(row.adapter, row.operation), row.source, row.deletions, row.known, row.since, row.released)
        for row in transaction.rows(wanted)
    ]


def read_held_of(transaction: Transaction, poll: Poll) -> list[Held]:
    """The deletions that one poll holds back."""
    return read_held(transaction, _is_of(HELD_DELETIONS, poll))


def _is_of(table: sa.Table, poll: Poll) -> Any:
    return sa.and_(table.c.adapter == poll.adapter, table.c.operation == poll.operation)
