"""The memory of recipients, in the database: durable, so that nobody is told twice after a restart."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from bus import clock
from bus.notices.due import Bundle, Memory, Told, begin, fail, succeed
from bus.notices.recipients import Recipient
from bus.notices.tables import RECIPIENTS, TOLD
from bus.storage import RowConflict, Storage, Transaction

_FORGOTTEN: Final = timedelta(days=30)
"""How long the memory of a recipient is kept that gets no messages any more."""


@dataclass(frozen=True, slots=True)
class FailingRecipient:
    """A recipient that takes no messages.

    Attributes:
        name: its way and whom it stands for, without an address.
        failure: how the last attempt failed.
    """

    name: str
    since: datetime
    failure: str


class Memories:
    """Reads and writes what recipients know. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def read(self) -> dict[str, Memory]:
        """The memory of each recipient that was ever sent something, by its key."""
        with self._storage.read() as transaction:
            told: dict[str, dict[str, Told]] = {}
            for row in transaction.rows(sa.select(TOLD)):
                told.setdefault(row.recipient, {})[row.notice] = Told(
                    row.title, row.participant, clock.moment(row.told_at)
                )
            rows = transaction.rows(sa.select(RECIPIENTS))
        return {row.recipient: _make_memory(row, told.get(row.recipient, {})) for row in rows}

    def claim(self, recipient: Recipient, memory: Memory, now: datetime) -> bool:
        """Note, before a message leaves, that it is under way.

        Returns:
            False: another process sent something meanwhile, so this one must not.
        """
        begun = begin(memory, now)
        values = {"next_at": clock.micros(begun.next_at), "name": recipient.name}
        unchanged = (RECIPIENTS.c.recipient == recipient.key) & (RECIPIENTS.c.next_at == clock.micros(memory.next_at))
        try:
            with self._storage.write() as transaction:
                if transaction.execute(sa.update(RECIPIENTS).where(unchanged).values(**values)):
                    return True
                transaction.execute(sa.insert(RECIPIENTS).values(recipient=recipient.key, failures=0, **values))
        except RowConflict:
            return False
        return True

    def note_success(self, recipient: Recipient, memory: Memory, bundle: Bundle, now: datetime) -> None:
        """Note that a recipient took a message."""
        after = succeed(memory, bundle, now)
        keys = [*bundle.ended, *(one.key for one in (*bundle.fresh, *bundle.standing))]
        rows = [
            {
                "recipient": recipient.key,
                "notice": one.key,
                "title": one.title,
                "participant": one.participant,
                "told_at": clock.micros(now),
            }
            for one in (*bundle.fresh, *bundle.standing)
        ]
        with self._storage.write() as transaction:
            _write(transaction, recipient, after)
            transaction.execute(sa.delete(TOLD).where(TOLD.c.recipient == recipient.key, TOLD.c.notice.in_(keys)))
            if rows:
                transaction.execute(sa.insert(TOLD), rows)

    def note_failure(self, recipient: Recipient, memory: Memory, failure: str, now: datetime) -> Memory:
        """Note that a message did not reach a recipient, and return what is known of it now."""
        after = fail(memory, failure, now)
        with self._storage.write() as transaction:
            _write(transaction, recipient, after)
        return after

    def forget(self, recipients: Iterable[Recipient], now: datetime) -> None:
        """Forget those who have got no messages for thirty days, since no setting and no contact names them."""
        kept = [one.key for one in recipients]
        old = RECIPIENTS.c.recipient.not_in(kept) & (RECIPIENTS.c.next_at < clock.micros(now - _FORGOTTEN))
        with self._storage.read() as transaction:
            gone = [row.recipient for row in transaction.rows(sa.select(RECIPIENTS.c.recipient).where(old))]
        if gone:
            with self._storage.write() as transaction:
                transaction.execute(sa.delete(TOLD).where(TOLD.c.recipient.in_(gone)))
                transaction.execute(sa.delete(RECIPIENTS).where(RECIPIENTS.c.recipient.in_(gone)))


def find_failing_recipients(storage: Storage, recipients: Iterable[Recipient]) -> list[FailingRecipient]:
    """Those of the recipients that take no messages, those first that have failed longest."""
    keys = {one.key for one in recipients}
    failing = sa.select(RECIPIENTS).where(RECIPIENTS.c.failing_since.is_not(None)).order_by(RECIPIENTS.c.failing_since)
    with storage.read() as transaction:
        return [
            FailingRecipient(row.name, clock.moment(row.failing_since), row.failure or "")
            for row in transaction.rows(failing)
            if row.recipient in keys
        ]


def _write(transaction: Transaction, recipient: Recipient, memory: Memory) -> None:
    values = {
        "name": recipient.name,
        "next_at": clock.micros(memory.next_at),
        "sent_at": None if memory.sent_at is None else clock.micros(memory.sent_at),
        "failures": memory.failures,
        "failing_since": None if memory.failing_since is None else clock.micros(memory.failing_since),
        "failure": memory.failure,
    }
    transaction.execute(sa.update(RECIPIENTS).where(RECIPIENTS.c.recipient == recipient.key).values(**values))


def _make_memory(row: Any, told: dict[str, Told]) -> Memory:
    return Memory(
        next_at=clock.moment(row.next_at),
        sent_at=None if row.sent_at is None else clock.moment(row.sent_at),
        failures=row.failures,
        failing_since=None if row.failing_since is None else clock.moment(row.failing_since),
        failure=row.failure,
        told=told,
    )
