"""The publication of what a poll found: through the gate into the journal, or to the rows set aside.

Promise: events, published rows, rows set aside and the poll's cursor are committed in one transaction. So a crash neither loses
a change nor publishes it twice, and no row is passed by.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from bus import clock, json
from bus.agencies.changes import Change, write_body
from bus.agencies.memory import Held, PollState, count_rows, end_hold, hold_deletions, keep_state, take_rows
from bus.agencies.round import Round
from bus.contracts import ContractVersion, NotBound
from bus.heavy import Heavy, HeavyWorkWaits, Slice, TooMuchAtOnce
from bus.identity import Principal
from bus.journal import Appender, EventConflict, Gate, Receipt, Submission, UncheckedEvent, check_apart
from bus.kit import Does, Operation
from bus.problem import FieldError, Refused
from bus.refusals import Aside, Attempt, Poll, Recorder, drop_asides, list_broken, put_aside
from bus.storage import Storage, StorageFull, StorageUnavailable, Transaction
from bus.telemetry import POLLED

log = structlog.get_logger(__name__)

_CHUNK: Final = 500
"""Events that one transaction publishes."""
_LARGEST_KEPT: Final = 1024 * 1024
"""Characters of a refused event that is kept. No contract takes a larger one."""


@dataclass(frozen=True, slots=True)
class Run:
    """One step of one poll.

    Attributes:
        poll: the poll.
        operation: the poll's operation.
        participant: the adapter's participant.
        newest: the newest version in force.
        under: names the versions in force.
        check_version: raises if a version does not let the operation publish.
        steps: the round to which the step belongs.
    """

    poll: Poll
    operation: Operation
    participant: str
    newest: ContractVersion
    under: str
    check_version: Callable[[int], None]
    steps: Round

    @property
    def principal(self) -> Principal:
        """Who publishes."""
        return Principal(self.participant, f"adapter:{self.poll.adapter}", frozenset(), 0.0, "")


@dataclass(frozen=True, slots=True)
class Found:
    """What a step found.

    Attributes:
        changes: to be published, or set aside.
        attempts: the rows that are set aside already.
        settled: sources and keys of rows that need no attempt any more.
        unchanged: how many rows there is nothing to do for.
        held: the list whose deletions wait; None: none do.
        not_held: the source of a list whose deletions do not wait; None: there is no whole list.
    """

    changes: Sequence[Change]
    attempts: Mapping[tuple[str, str], Attempt]
    settled: Sequence[tuple[str, str]] = ()
    unchanged: int = 0
    held: Held | None = None
    not_held: str | None = None


@dataclass(slots=True)
class _Judged:
    """A piece of the changes, judged by the gate."""

    admitted: list[tuple[Change, Submission]] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)


class Publication:
    """Publishes changes. Belongs to one event loop."""

    def __init__(self, storage: Storage, gate: Gate, recorder: Recorder, appender: Appender, heavy: Heavy) -> None:
        self._storage = storage
        self._gate = gate
        self._recorder = recorder
        self._appender = appender
        self._heavy = heavy

    async def publish(self, run: Run, found: Found, before: PollState, cursor: str | None) -> int:
        """Publish what a step found, and keep its cursor with the last of it.

        Returns:
            How many of the changes were refused, now or before.

        Args:
            run: the step.
            found: what it found.
            before: where the poll stood.
            cursor: where the next step goes on.

        Raises:
            StorageFull, Unavailable, TooMuchAtOnce: try again later; what was committed will not be published again.
        """
        changes = [change for change in found.changes if not _is_still_aside(run, change, found.attempts)]
        pieces = [changes[first : first + _CHUNK] for first in range(0, len(changes), _CHUNK)] or [[]]
        refused = len(found.changes) - len(changes)
        run.steps.count_step(found.unchanged + refused)
        for number, piece in enumerate(pieces, start=1):
            judged = await self._judge(run, piece)
            is_last = number == len(pieces)
            after = PollState(cursor if is_last else before.cursor, before.steps + number)
            refused += len(judged.asides) + await self._commit(run, judged, found, after, is_last=is_last)
        return refused

    async def _judge(self, run: Run, changes: Sequence[Change]) -> _Judged:
        judged, sizes, piece = _Judged(), [], Slice()
        for change in changes:
            await piece.breathe()
            document = change.event.to_document() if change.event else {"type": run.operation.contract}
            try:
                submission = await self._admit(run, change, document)
            except (HeavyWorkWaits, TooMuchAtOnce, StorageFull, StorageUnavailable):
                # Nothing is wrong with the event: the poller tries again later.
                raise
            except Refused as refusal:
                # The event cannot be published. The other events must not wait until somebody mends it.
                judged.asides.append(self._refuse(run, change, refusal, document))
                sizes.append(_measure(document))
            else:
                judged.admitted.append((change, submission))
                sizes.append(len(submission.body))
        run.steps.count_events(sizes)
        return judged

    async def _admit(self, run: Run, change: Change, document: Any) -> Submission:
        if change.fault is not None:
            raise change.fault
        _check_contract(document, run.operation)
        admitted = self._gate.admit_quickly(document, run.principal)
        if isinstance(admitted, UncheckedEvent):
            admitted = await check_apart(self._gate, self._heavy, admitted)
        run.check_version(admitted.version_id)
        return admitted

    async def _commit(self, run: Run, judged: _Judged, found: Found, after: PollState, *, is_last: bool) -> int:
        """Commit a piece of the changes; return how many of them are in conflict with earlier events."""

        def write(transaction: Transaction, receipts: Sequence[Receipt]) -> None:
            at = clock.micros(clock.now())
            pairs = list(zip((change for change, _ in judged.admitted), receipts, strict=True))
            taken = [change for change, receipt in pairs if not receipt.conflict]
            refused = [_make_aside(run, change, _make_conflict(), ()) for change, receipt in pairs if receipt.conflict]
            if run.operation.does is Does.PUSH:
                # A repeated event may be older than the row's newest one, so it says nothing of the present row.
                fresh = [change for change, receipt in pairs if not receipt.duplicate]
                count_rows(transaction, run.poll, [(one.source, one.key, one.digest or "") for one in fresh])
            else:
                take_rows(transaction, run.poll, [(one.source, one.key, one.digest) for one in taken if one.is_listed])
            done = [(one.source, one.key) for one in taken] + (list(found.settled) if is_last else [])
            drop_asides(transaction, run.poll, [name for name in done if name in found.attempts])
            put_aside(transaction, [*judged.asides, *refused], at)
            keep_state(transaction, run.poll, after, at)
            if is_last:
                _keep_hold(transaction, run.poll, found)

        submissions = [submission for _, submission in judged.admitted]
        if not submissions:
            await asyncio.to_thread(self._write_alone, write)
            return 0
        receipts = await self._appender.append(submissions, atomic=False, also=write)
        for (change, _), receipt in zip(judged.admitted, receipts, strict=True):
            if receipt.conflict:
                document = change.event.to_document() if change.event else {}
                self._note(run, _make_conflict(), document)
            else:
                outcome = "duplicate" if receipt.duplicate else "accepted"
                POLLED.labels(run.poll.adapter, run.operation.name, outcome).inc()
        return sum(receipt.conflict for receipt in receipts)

    def _write_alone(self, write: Callable[[Transaction, Sequence[Receipt]], None]) -> None:
        with self._storage.write() as transaction:
            write(transaction, ())

    def _refuse(self, run: Run, change: Change, refusal: Refused, document: Any) -> Aside:
        return _make_aside(run, change, refusal, self._note(run, refusal, document))

    def _note(self, run: Run, refusal: Refused, document: Any) -> Sequence[tuple[str, str]]:
        """Count a refusal, and log the round's first; return the broken rules and their places."""
        POLLED.labels(run.poll.adapter, run.operation.name, "refused").inc()
        noted = self._recorder.note(refusal, run.principal, document)
        # The agency chooses how many events it sends: a line for each could fill the log.
        if run.steps.count_refusal(refusal.slug):
            log.warning(
                "poll.event_refused",
                adapter=run.poll.adapter,
                operation=run.operation.name,
                reason=refusal.slug,
                at=sorted({one.pointer for one in noted}),
            )
        return [(one.rule, one.pointer) for one in noted]


def _is_still_aside(run: Run, change: Change, attempts: Mapping[tuple[str, str], Attempt]) -> bool:
    """Whether a row was refused before, and neither the row nor the contract changed since."""
    return attempts.get((change.source, change.key)) == Attempt(change.digest or "", run.under)


def _make_aside(run: Run, change: Change, refusal: Refused, noted: Sequence[tuple[str, str]]) -> Aside:
    body = None if change.is_listed or change.event is None else write_body(change.event.to_document())
    contract = run.newest.contract
    return Aside(
        poll=run.poll,
        source=change.source,
        key=change.key,
        contract=contract.name,
        owner=contract.owner,
        participant=run.participant,
        digest=change.digest or "",
        under=run.under,
        errors=list_broken(noted, refusal.slug),
        body=body if body is None or len(body) <= _LARGEST_KEPT else None,
    )


def _keep_hold(transaction: Transaction, poll: Poll, found: Found) -> None:
    if found.held is not None:
        hold_deletions(transaction, found.held)
    if found.not_held is not None:
        end_hold(transaction, poll, found.not_held)


def _measure(document: Any) -> int:
    """Bytes of a refused event's JSON; 0 if no JSON can hold the event."""
    try:
        return len(json.dumps(document))
    except TypeError:
        return 0


def _check_contract(document: Mapping[str, Any], operation: Operation) -> None:
    if document.get("type") != operation.contract:
        detail = f"The operation may publish under {operation.contract} alone."
        raise NotBound(detail, errors=[FieldError("/type", "must be the contract that the operation declares")])


def _make_conflict() -> EventConflict:
    detail = "The agency sent a different event with this id before."
    return EventConflict(detail, errors=[FieldError("/id", "is the id of a different event")])
