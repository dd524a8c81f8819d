"""Batches of events: reads them, checks event by event in short slices of the event loop, and appends them together."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from bus import json
from bus.contracts import refuse_numbers
from bus.heavy import Slice, TooHeavy
from bus.http.rooms import Rooms
from bus.identity import Principal
from bus.journal import (
    LARGE,
    ChangedNumbers,
    EventConflict,
    Findings,
    Receipt,
    Submission,
    UncheckedEvent,
    check_batch,
    check_members,
    find_in_data_apart,
    find_numbers_in_batch,
    is_deeper,
    parse_batch,
    read_attributes_apart,
    read_batch_apart,
    refuse_depth,
)
from bus.problem import FieldError, Refused

BatchEvent = tuple[Any, bytes]
"""An event of a batch, and its body. An event of None: the body is not parsed yet."""

ReadBatch = tuple[Sequence[BatchEvent], ChangedNumbers]
"""A batch's events, and their numbers that the bus would change."""

_LARGE_BATCH: Final = 512 * 1024
"""Bytes of the largest batch that the event loop reads itself. It takes some milliseconds, whatever the batch holds."""
_MOST_LONG_NUMBERS: Final = 2000
"""Long numbers of a batch that the event loop checks itself. It takes some milliseconds."""
_MOST_TOLD: Final = 1000
"""Errors of a batch after which each further event gets one error: to find all errors takes long."""
_MOST_VERSIONS: Final = 8
"""Contract versions of one batch whose events may be checked in worker processes."""
_CONFLICT: Final = (FieldError("/id", "this source already sent another event with this id"),)


class BatchRefused(Refused):
    """Some events of the batch are refused, so none was stored; correct them, or send with ?partial=true."""

    status = 422
    slug = "batch-refused"


class BatchConflict(EventConflict):
    """Some events of the batch have ids that earlier events have, so none was stored."""


class AppendedBatch(NamedTuple):
    """An appended batch: its submissions, and the body of the answer."""

    submissions: Sequence[Submission]
    body: bytes


class Judgement:
    """The gate's judgement of a batch's events, by their index in the batch.

    Attributes:
        admitted: the submissions of events that passed.
        rejected: the errors of refused events.
        large: the bodies of events that a worker process must still read.
        unchecked: events whose data a worker process must still check.
    """

    def __init__(self) -> None:
        self.admitted: list[tuple[int, Submission]] = []
        self.rejected: dict[int, Sequence[FieldError]] = {}
        self.large: dict[int, bytes] = {}
        self.unchecked: list[tuple[int, UncheckedEvent]] = []
        self._errors = 0

    @property
    def is_brief(self) -> bool:
        """Whether one error is enough for each further event."""
        return self._errors >= _MOST_TOLD

    def admit(self, index: int, submission: Submission) -> None:
        """Keep the submission of an event that passed."""
        self.admitted.append((index, submission))

    def reject(self, index: int, refusal: Refused) -> None:
        """Keep the errors of an event that did not pass."""
        self.rejected[index] = refusal.errors or (FieldError("", refusal.detail),)
        self._errors += len(self.rejected[index])


class Batches:
    """Publishes batches."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def publish(self, text: bytes, principal: Principal, *, partial: bool) -> AppendedBatch:
        """A batch's submissions and its answer, once its events are appended.

        Args:
            partial: store the valid events although others are refused.

        Raises:
            Refused: the whole batch is wrong. Without `partial`, also if one of its events is.
        """
        judgement = await self._judge(text, principal)
        del text
        admitted, rejected = judgement.admitted, judgement.rejected
        if rejected and not partial:
            raise _refuse_batch(rejected)
        receipts = await self._rooms.appender.append([s for _, s in admitted], atomic=not partial) if admitted else []
        conflicts = {i: s for (i, s), receipt in zip(admitted, receipts, strict=True) if receipt.conflict}
        await self._note_conflicts(conflicts.values(), principal)
        if conflicts and not partial:
            raise refuse_conflict(BatchConflict, *(f"/{index}/id" for index in conflicts))
        rejected |= dict.fromkeys(conflicts, _CONFLICT)
        return AppendedBatch([submission for _, submission in admitted], _write_answer(receipts, rejected))

    async def _judge(self, text: bytes, principal: Principal) -> Judgement:
        """The gate's judgement of a batch, event by event.

        The batch has its turn of the event loop while it is read and judged. It leaves no parsed events behind: the parsed
        events of several batches would not fit in the processor's cache.
        """
        judgement = Judgement()
        async with self._rooms.slices.begin(principal.participant) as piece:
            batch = await self._read(text, piece) if _is_read_soon(text) else None
            if batch is not None:
                await self._judge_here(judgement, batch, principal, piece)
        if batch is None:
            batch = await self._read_apart(text, principal)
            async with self._rooms.slices.begin(principal.participant) as piece:
                await self._judge_here(judgement, batch, principal, piece)
        del batch
        # Not within a turn: the answer of a worker process may take long.
        if judgement.large:
            await self._identify_large(judgement, principal)
        if judgement.unchecked:
            await self._check_apart(judgement, principal)
            judgement.admitted.sort(key=itemgetter(0))
        return judgement

    async def _read(self, text: bytes, piece: Slice) -> ReadBatch | None:
        """A batch's events; None: to find what is wrong with the text would take long."""
        changed: ChangedNumbers = {}
        try:
            events = json.loads(text)
        except ValueError:
            if len(text) > LARGE:
                return None
            events, changed = parse_batch(text)
        check_batch(events, self._rooms.settings.max_batch_events)
        bodies = await self._write_bodies(events, piece)
        written = b"[%b]" % b",".join(bodies)
        if len(text) > LARGE and text != written and _is_slow_to_check(text, written):
            return None
        check_members(text, written)
        changed = changed or find_numbers_in_batch(text, written)
        return list(zip(events, bodies, strict=True)), changed

    async def _read_apart(self, text: bytes, principal: Principal) -> ReadBatch:
        settings, who = self._rooms.settings, principal.participant
        bodies, changed = await read_batch_apart(
            self._rooms.heavy, text, settings.max_depth, settings.max_batch_events, who
        )
        return [(None, body) for body in bodies], changed

    async def _write_bodies(self, events: Sequence[Any], piece: Slice) -> list[bytes]:
        """The bodies of events, none nested deeper than allowed with the array around them."""
        most = self._rooms.settings.max_depth
        bodies: list[bytes] = []
        for event in events:
            try:
                bodies.append(json.dumps(event))
            except TypeError:
                # It writes fewer levels than it reads.
                raise refuse_depth(most) from None
            if is_deeper(event, bodies[-1], most - 1):
                raise refuse_depth(most)
            await piece.breathe()
        return bodies

    async def _judge_here(self, judgement: Judgement, batch: ReadBatch, principal: Principal, piece: Slice) -> None:
        events, changed = batch
        # The request itself was charged as one event.
        self._rooms.limits.get(principal.participant).publish.charge(max(0, len(events) - 1))
        for index, (event, body) in enumerate(events):
            if event is None and len(body) > LARGE and index not in changed:
                judgement.large[index] = body
                continue
            value = json.loads(body) if event is None else event
            if index in changed:
                self._reject(judgement, index, refuse_numbers(changed[index]), value, principal)
            else:
                self._admit(judgement, index, value, body, principal)
            await piece.breathe()

    def _admit(self, judgement: Judgement, index: int, event: Any, body: bytes, principal: Principal) -> None:
        try:
            admitted = self._rooms.gate.admit_quickly(event, principal, body, brief=judgement.is_brief)
        except Refused as refusal:
            self._reject(judgement, index, refusal, event, principal)
            return
        if isinstance(admitted, UncheckedEvent):
            judgement.unchecked.append((index, admitted))
        else:
            judgement.admit(index, admitted)

    async def _identify_large(self, judgement: Judgement, principal: Principal) -> None:
        """Find the versions of large events. An event whose attributes are right becomes `unchecked`."""
        bodies = judgement.large
        found = await read_attributes_apart(self._rooms.heavy, list(bodies.values()), principal.participant)
        for (index, body), attributes in zip(bodies.items(), found, strict=True):
            try:
                judgement.unchecked.append((index, self._rooms.gate.identify(attributes, principal, body)))
            except Refused as refusal:
                self._reject(judgement, index, refusal, attributes, principal)

    async def _check_apart(self, judgement: Judgement, principal: Principal) -> None:
        """Judge events whose data worker processes check: one job for the events of one contract version.

        Raises:
            TooHeavy: the events together take too long, or have too many versions.
        """
        by_version: dict[int, list[tuple[int, UncheckedEvent]]] = {}
        for index, event in judgement.unchecked:
            by_version.setdefault(event.version.id, []).append((index, event))
        if len(by_version) > _MOST_VERSIONS:
            raise TooHeavy(f"Large events of more than {_MOST_VERSIONS} contracts are too much for one batch.")
        for group in by_version.values():
            unchecked = [event for _, event in group]
            found = await find_in_data_apart(self._rooms.heavy, unchecked[0].version, unchecked, _MOST_TOLD)
            await self._accept(judgement, group, found, principal)

    async def _accept(
        self,
        judgement: Judgement,
        group: Sequence[tuple[int, UncheckedEvent]],
        found: Sequence[Findings],
        principal: Principal,
    ) -> None:
        async with self._rooms.slices.begin(principal.participant) as piece:
            for (index, event), findings in zip(group, found, strict=True):
                try:
                    judgement.admit(index, self._rooms.gate.accept(event, findings))
                except Refused as refusal:
                    self._reject(judgement, index, refusal, event.event, principal)
                await piece.breathe()

    def _reject(self, judgement: Judgement, index: int, refusal: Refused, event: Any, principal: Principal) -> None:
        self._rooms.recorder.note(refusal, principal, event)
        judgement.reject(index, refusal)

    async def _note_conflicts(self, conflicts: Iterable[Submission], principal: Principal) -> None:
        piece = Slice()
        for submission in conflicts:
            self._rooms.recorder.note(refuse_conflict(EventConflict, "/id"), principal, json.loads(submission.body))
            await piece.breathe()


def _is_read_soon(text: bytes) -> bool:
    """Whether the event loop may read a batch itself."""
    return len(text) <= _LARGE_BATCH and (len(text) <= LARGE or not json.may_escape_colons(text))


def _is_slow_to_check(text: bytes, written: bytes) -> bool:
    """Whether the check of a large batch takes long."""
    return (
        json.count_long_numbers(text) > _MOST_LONG_NUMBERS
        or json.changes_number(text, written)
        or json.has_repeated_names(text, written)
    )


def refuse_conflict(kind: type[EventConflict], *pointers: str) -> EventConflict:
    """The refusal of an event whose source sent another event with the same id."""
    return kind(
        "This source already sent another event with this id.",
        errors=[FieldError(pointer, _CONFLICT[0].detail) for pointer in pointers],
    )


def _refuse_batch(rejected: Mapping[int, Sequence[FieldError]]) -> BatchRefused:
    return BatchRefused(
        f"{len(rejected)} events are refused; none was stored.",
        errors=[
            FieldError(f"/{index}{wrong.pointer}", wrong.detail)
            for index, errors in sorted(rejected.items())
            for wrong in errors
        ],
    )


def _write_answer(receipts: Sequence[Receipt], rejected: Mapping[int, Sequence[FieldError]]) -> bytes:
    fresh = sum(not receipt.duplicate for receipt in receipts)
    duplicates = sum(receipt.duplicate and not receipt.conflict for receipt in receipts)
    return json.dumps(
        {
            "accepted": fresh,
            "duplicates": duplicates,
            "last_position": max((receipt.position for receipt in receipts), default=0),
            "rejected": [
                {"index": index, "errors": [{"pointer": wrong.pointer, "detail": wrong.detail} for wrong in errors]}
                for index, errors in sorted(rejected.items())
            ],
        }
    )
