"""Rows set aside: what polls brought and the gate refused, by the row's own key, until the contract or the row changes.

Promise: a row that is not published is in this list, with the rules that it breaks and their places. Of a row's
values, the list shows the key alone. If the agency does not send a row again, its event is kept for the next attempt, but
never shown.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from bus import clock, json
from bus.refusals.tables import ROWS_SET_ASIDE as TABLE
from bus.refusals.visible import select_newest
from bus.storage import Storage, Transaction

MOST_SET_ASIDE: Final = 20_000
"""Most rows of one poll that may be set aside. A poll with more of them stops, since it would lose the next one."""
_STEP: Final = 500

_PUT: Final = sa.text("""
    INSERT INTO rows_set_aside
        (adapter, operation, source, key, contract, owner, participant, digest, under, errors, body, first_at, tried_at)
    VALUES
        (:adapter, :operation, :source, :key, :contract, :owner, :participant, :digest, :under, :errors, :body, :at, :at)
    ON CONFLICT (adapter, operation, source, key) DO UPDATE SET
        contract = excluded.contract, owner = excluded.owner, participant = excluded.participant, digest = excluded.digest,
        under = excluded.under, errors = excluded.errors, body = excluded.body, tried_at = excluded.tried_at
""")


class Poll(NamedTuple):
    """A poll: an adapter, and the name of its operation."""

    adapter: str
    operation: str


class BrokenRule(NamedTuple):
    """A rule that a row breaks, and the place in its event, as `Refusal` has them."""

    rule: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Aside:
    """A row to set aside.

    Attributes:
        poll: the poll that brought the row.
        source: the source of the row's event.
        key: the row's own key; of a row without a usable key `?` and a digest.
        contract: the contract under which the row was refused.
        owner: the contract's owner.
        participant: the participant of the adapter.
        digest: the digest of what the agency sent.
        under: names the versions in force that refused it.
        errors: the rules that it breaks.
        body: the event in JSON, if the agency does not send it again. None: the next poll brings the row.
    """

    poll: Poll
    source: str
    key: str
    contract: str
    owner: str
    participant: str
    digest: str
    under: str
    errors: Sequence[BrokenRule]
    body: str | None


class Attempt(NamedTuple):
    """The last attempt at a row that is set aside: the digest of what was sent, and the versions that refused it."""

    digest: str
    under: str


@dataclass(frozen=True, slots=True)
class ListedAside:
    """A row that is set aside, as it is listed.

    Attributes:
        id: its place in the list.
        first_at: when it was first refused.
        tried_at: when it was last refused.
    """

    id: int
    poll: Poll
    source: str
    key: str
    contract: str
    participant: str
    errors: Sequence[BrokenRule]
    first_at: datetime
    tried_at: datetime


def put_aside(transaction: Transaction, rows: Iterable[Aside], at: int) -> None:
    """Set rows aside, in the transaction that keeps their poll's cursor. An earlier attempt of a row is replaced.

    Args:
        at: now, in microseconds since 1970.
    """
    values = [_make_values(row, at) for row in rows]
    if values:
        transaction.execute(_PUT, values)


def drop_asides(transaction: Transaction, poll: Poll, names: Iterable[tuple[str, str]]) -> None:
    """Take rows from the list: they were published, or are no more.

    Args:
        names: sources and keys; what is not in the list is ignored.
    """
    by_source: dict[str, list[str]] = {}
    for source, key in names:
        by_source.setdefault(source, []).append(key)
    for source, keys in by_source.items():
        for first in range(0, len(keys), _STEP):
            some = keys[first : first + _STEP]
            transaction.execute(sa.delete(TABLE).where(_is_of(poll), TABLE.c.source == source, TABLE.c.key.in_(some)))


def find_attempts(transaction: Transaction, poll: Poll) -> dict[tuple[str, str], Attempt]:
    """The rows of a poll that are set aside: source and key to the last attempt."""
    wanted = sa.select(TABLE.c.source, TABLE.c.key, TABLE.c.digest, TABLE.c.under).where(_is_of(poll))
    return {(row.source, row.key): Attempt(row.digest, row.under) for row in transaction.rows(wanted)}


def find_kept(transaction: Transaction, poll: Poll, under: str, limit: int) -> list[tuple[str, str, str, Any]]:
    """Kept events that other versions refused: source, key, digest and event, the oldest first.

    Args:
        under: names the versions that are in force now.
        limit: the most events.
    """
    wanted = (
        sa.select(TABLE.c.source, TABLE.c.key, TABLE.c.digest, TABLE.c.body)
        .where(_is_of(poll), TABLE.c.body.is_not(None), TABLE.c.under != under)
        .order_by(TABLE.c.id)
        .limit(limit)
    )
    return [(row.source, row.key, row.digest, json.loads(row.body)) for row in transaction.rows(wanted)]


def is_due(transaction: Transaction, poll: Poll, under: str) -> bool:
    """Whether a row of the poll was refused by other versions than those in force now, which `under` names."""
    wanted = sa.select(TABLE.c.id).where(_is_of(poll), TABLE.c.under != under).limit(1)
    return transaction.value(wanted) is not None


def count_asides(transaction: Transaction, poll: Poll) -> int:
    """How many rows of the poll are set aside."""
    return int(transaction.value(sa.select(sa.func.count()).select_from(TABLE).where(_is_of(poll))))


class SetAside:
    """The list of rows set aside. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def search(
        self,
        contract: str | None = None,
        reader: str | None = None,
        *,
        since: datetime | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[ListedAside]:
        """At most `limit` rows, the newest first. A participant sees its own, and those under the contracts that it owns.

        Args:
            contract: the contract's name; None: all contracts.
            reader: the participant that reads; None: the operator.
            since: only rows that were refused at this moment or later.
            before: only rows with a lower id, for the next page. None: the first page.
            limit: the most rows.
        """
        statement = select_newest(TABLE.c.tried_at, contract, reader, since=since, before=before, limit=limit)
        with self._storage.read() as transaction:
            return [_make_found(row) for row in transaction.rows(statement)]

    def count(self) -> Mapping[Poll, int]:
        """How many rows each poll has set aside; a poll without any is absent."""
        table = TABLE.c
        wanted = sa.select(table.adapter, table.operation, sa.func.count()).group_by(table.adapter, table.operation)
        with self._storage.read() as transaction:
            return {Poll(adapter, operation): int(count) for adapter, operation, count in transaction.rows(wanted)}


def _is_of(poll: Poll) -> sa.ColumnElement[bool]:
    return sa.and_(TABLE.c.adapter == poll.adapter, TABLE.c.operation == poll.operation)


def _make_values(row: Aside, at: int) -> dict[str, Any]:
    return {
        "adapter": row.poll.adapter,
        "operation": row.poll.operation,
        "source": row.source,
        "key": row.key,
        "contract": row.contract,
        "owner": row.owner,
        "participant": row.participant,
        "digest": row.digest,
        "under": row.under,
        "errors": json.dumps([[one.rule, one.pointer] for one in row.errors]).decode(),
        "body": row.body,
        "at": at,
    }


def _make_found(row: Any) -> ListedAside:
    return ListedAside(
        row.id,
        Poll(row.adapter, row.operation),
        row.source,
        row.key,
        row.contract,
        row.participant,
        tuple(BrokenRule(*one) for one in json.loads(row.errors)),
        clock.moment(row.first_at),
        clock.moment(row.tried_at),
    )


def list_broken(refusals: Collection[tuple[str, str]], slug: str) -> tuple[BrokenRule, ...]:
    """The rules of a refused row with their places; the problem's slug where no rule was noted."""
    return tuple(BrokenRule(*one) for one in dict.fromkeys(refusals)) or (BrokenRule(slug, ""),)
