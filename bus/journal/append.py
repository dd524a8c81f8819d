"""The append: it commits concurrent requests together. Each request gets its answer once the commit is on disk."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

import structlog

from bus import clock
from bus.contracts import Notice
from bus.journal import statements
from bus.journal.beside import Beside, NothingBeside, Take
from bus.journal.epochs import Epochs, join_place
from bus.journal.identity import say_the_same
from bus.journal.projection import Projection
from bus.journal.statements import Known, Row
from bus.problem import Conflict, Unavailable
from bus.storage import Answer, GroupCommit, Storage, Transaction
from bus.telemetry import ACCEPTED, DUPLICATES, UNEXPECTED

log = structlog.get_logger(__name__)


class EventConflict(Conflict):
    """This source already sent another event with this id; give the new one an id of its own."""

    slug = "event-conflict"


class Overloaded(Unavailable):
    """More events are waiting for the disk than the bus takes; try again in a second."""

    slug = "overloaded"
    is_overload = True


class Submission(NamedTuple):
    """An event that passed the gate; the fields are the journal's columns.

    Attributes:
        person: whom the event is about, as `persons.write_persons` writes it.
        body: the CloudEvent as a JSON object that is not empty. `sequence` and `recordedtime` are missing: the append adds them.
        notice: tells the publisher that the contract version is deprecated; not stored.
    """

    contract_id: int
    version_id: int
    participant: str
    identity: bytes
    key: str | None
    person: str | None
    body: bytes
    notice: Notice | None = None


class Receipt(NamedTuple):
    """What became of a submission.

    Attributes:
        position: the event's place in the journal. A duplicate or a conflict gets the place of the earlier event.
        duplicate: the journal had the event already.
        conflict: the journal has another event with the same identity; nothing was stored.
    """

    position: int
    duplicate: bool = False
    conflict: bool = False


Also = Callable[[Transaction, Sequence[Receipt]], None]
"""Writes what belongs to events into their transaction, given their receipts. It runs again if the transaction does."""


class _Request(NamedTuple):
    submissions: Sequence[Submission]
    atomic: bool
    also: Also | None = None


@dataclass(slots=True)
class _Group:
    """What one transaction will write.

    Attributes:
        position: the last position that is given away.
        known: events that the journal has already, and those that the group appends, by their identities.
        accepted: events to append, each with its position.
    """

    position: int
    known: dict[bytes, Known]
    accepted: list[tuple[int, Submission]] = field(default_factory=list)


# Byte arrays: for each `bytes`, sqlite3 looks for an adapter, and that takes longer than a copy.
_WHOLE: Final = bytearray(b'%b,"sequence":"%020d%b')


_NOTHING_BESIDE: Final = NothingBeside()
_LARGE: Final = 100
"""Events of a request. From this size on, the commit costs less than a tenth of the events."""


class _Repeated(Exception):
    """The journal has some of the group's events already."""


class _BesideFailed(Exception):
    """Another room failed to write beside the group's events."""


class Appender:
    """Appends to the journal, a group of requests in each transaction.

    Promise: an answer means that the events are committed and fsynced. Belongs to one event loop.
    """

    def __init__(
        self,
        storage: Storage,
        appended: Callable[[int], None],
        beside: Beside = _NOTHING_BESIDE,
        most_waiting: int = 5_000,
        epochs: Epochs | None = None,
    ) -> None:
        """Create an appender to the journal in a database.

        Args:
            appended: called in the event loop after each commit, with a position that the journal has reached.
            beside: writes in the transactions of small groups too.
            most_waiting: number of waiting requests. The appender refuses further requests.
            epochs: kept up to date by the caller; None: the first epoch never ends.
        """
        self._storage = storage
        self._projection = Projection(storage)
        self._newest = 0
        self._most_waiting = most_waiting
        self._epochs = epochs
        self._repeats = False
        self._epoch = 0
        self._beside = beside
        self._group: GroupCommit[_Request, list[Receipt]] = GroupCommit(
            "journal", self._commit, committed=lambda: appended(self._newest)
        )

    def append(
        self, submissions: Sequence[Submission], *, atomic: bool = True, also: Also | None = None
    ) -> asyncio.Future[list[Receipt]]:
        """Append events; the future gives one receipt for each, in order.

        Args:
            atomic: if one of the events conflicts, none of them is stored.
            also: writes more in the same transaction, in the commit's thread.

        Raises:
            Overloaded: too many requests are waiting.
            StorageFull, StorageUnavailable: through the future; nothing of the group was stored.
        """
        self._check_load()
        return self._group.submit(_Request(submissions, atomic, also), is_large=len(submissions) >= _LARGE)

    def append_for(self, submission: Submission, answer: Answer[list[Receipt]]) -> None:
        """Append one event and tell `answer` in the event loop. Otherwise as `append`."""
        self._check_load()
        self._group.submit_for(_Request((submission,), True), answer)

    def _check_load(self) -> None:
        if self._group.waiting >= self._most_waiting:
            raise Overloaded("Too many events are waiting; send again.", headers={"retry-after": "1"})

    async def close(self) -> None:
        """Commit what is waiting, then stop."""
        await self._group.close()

    def _commit(self, requests: Sequence[_Request]) -> list[list[Receipt]]:
        """Write a group of requests. Looks for known events only once the database has met one.

        Most groups hold no known event, and the database's unique index checks each event anyway.
        """
        self._epoch = self._epochs.current if self._epochs is not None else 0
        try:
            return self._write_once_each(requests, self._beside)
        except _BesideFailed as failure:
            UNEXPECTED.labels("append").inc()
            log.error("append.beside_failed", exc_info=failure.__cause__)
            return self._write_once_each(requests, _NOTHING_BESIDE)

    def _write_once_each(self, requests: Sequence[_Request], beside: Beside) -> list[list[Receipt]]:
        if not self._repeats:
            try:
                return self._write_group(requests, beside, look=False)
            except _Repeated:
                pass
        return self._write_group(requests, beside, look=True)

    def _write_group(self, requests: Sequence[_Request], beside: Beside, *, look: bool) -> list[list[Receipt]]:
        is_large = any(len(request.submissions) >= _LARGE for request in requests)
        beside = _NOTHING_BESIDE if is_large else beside
        with beside.take_part() as take, self._storage.write() as transaction:
            transaction.hold(*statements.APPENDS)
            known = _read_known(transaction, requests) if look else {}
            group = _Group(int(transaction.value(statements.LAST)), known)
            self._repeats = bool(known)
            receipts = (
                [_place(request.submissions, request.atomic, group) for request in requests]
                if look
                else _place_new(requests, group)
            )
            if group.accepted:
                self._write(transaction, group.accepted, take)
                if is_large:
                    self._projection.take_along(transaction, len(group.accepted))
            for request, placed in zip(requests, receipts, strict=True):
                if request.also is not None:
                    request.also(transaction, placed)
            if not is_large:
                self._group.foretell(receipts)
        ACCEPTED.inc(len(group.accepted))
        if look:
            DUPLICATES.inc(sum(one.duplicate and not one.conflict for some in receipts for one in some))
        self._newest = group.position
        return receipts

    def _write(self, transaction: Transaction, accepted: Sequence[tuple[int, Submission]], take: Take | None) -> None:
        rows = _make_rows(accepted, clock.micros(clock.now()), join_place(self._epoch, 0))
        if transaction.insert(statements.EVENTS, rows) < len(rows):
            raise _Repeated
        if take is None:
            return
        try:
            take(transaction, rows)
        except Exception as error:
            # No publisher is refused for this failure: only the events are promised.
            raise _BesideFailed from error


def _read_known(transaction: Transaction, requests: Sequence[_Request]) -> dict[bytes, Known]:
    identities = [submission.identity for request in requests for submission in request.submissions]
    return statements.known(transaction, identities)


def _place_new(requests: Sequence[_Request], group: _Group) -> list[list[Receipt]]:
    """Give all events of a group the next positions. The database refuses known and repeated events."""
    submissions = [submission for request in requests for submission in request.submissions]
    first = group.position + 1
    group.position += len(submissions)
    group.accepted = list(enumerate(submissions, first))
    receipts = map(Receipt, range(first, group.position + 1))
    return [list(islice(receipts, len(request.submissions))) for request in requests]


def _place(submissions: Sequence[Submission], atomic: bool, group: _Group) -> list[Receipt]:
    """Give each new event the next position. A known event keeps its position."""
    known, accepted, before = group.known, group.accepted, len(group.accepted)
    refused = False
    receipts: list[Receipt] = []
    for submission in submissions:
        first = known.get(submission.identity)
        if first is None:
            group.position += 1
            known[submission.identity] = (group.position, submission.body)
            accepted.append((group.position, submission))
            receipts.append(Receipt(group.position))
        else:
            conflict = not say_the_same(first[1], submission.body)
            refused = refused or conflict
            receipts.append(Receipt(first[0], duplicate=True, conflict=conflict))
    if refused and atomic:
        _take_back(group, before)
    return receipts


def _take_back(group: _Group, before: int) -> None:
    """Remove the accepted events of a group, except the first `before` ones."""
    for _, submission in group.accepted[before:]:
        del group.known[submission.identity]
    group.position -= len(group.accepted) - before
    del group.accepted[before:]


def _make_rows(accepted: Sequence[tuple[int, Submission]], recorded_at: int, before: int) -> list[Row]:
    """The rows of events. `before`: the number of the place before the first position, in this epoch."""
    end = b'","recordedtime":"%b"}' % clock.format_micros(recorded_at)
    return [
        (
            position, contract, version, participant, bytearray(identity), key, person, recorded_at,
            _WHOLE % (body[:-1], before + position, end),
        )
        for position, (contract, version, participant, identity, key, person, body, _) in accepted
    ]  # fmt: skip
