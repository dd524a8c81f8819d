"""Batches of events: read, checked event by event in slices that let the event loop go on, and appended together."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from bus import json
from bus.heavy import Slice, TooHeavy
from bus.http.apart import LARGE, Apart
from bus.http.rooms import Rooms
from bus.identity.tokens import Principal
from bus.journal import EventConflict, Receipt, Submission
from bus.journal.apart import found_apart
from bus.journal.checking import Findings, check_batch, check_members, is_deeper, parsed, read_batch, too_deep
from bus.journal.gate import Agreed, NeedsTime
from bus.problem import FieldError, Refused

Event = tuple[bytes, Any]
"""An event as `json.dumps` writes it; and parsed, where that was done already."""

_LARGE_BATCH: Final = 512 * 1024
"""Bytes of a batch that the event loop reads itself, which takes it some milliseconds, whatever they hold."""
_MOST_TOLD: Final = 1000
"""After so many errors of a batch, each further event is told one: finding all of them is what takes the time."""
_MOST_VERSIONS: Final = 8
"""Contract versions of the events of a batch that are checked apart."""
_CONFLICT: Final = (FieldError("/id", "this source already sent another event with this id"),)


class BatchRefused(Refused):
    """Some events of the batch are refused, so none was stored; mend them or send with ?partial=true."""

    status = 422
    slug = "batch-refused"


class BatchConflict(EventConflict):
    """Some events of the batch have the ids of others that were sent before, so none was stored."""


class Taken(NamedTuple):
    """A batch that was appended: the submissions, and the answer's body."""

    submissions: Sequence[Submission]
    body: bytes


class Judged:
    """What the gate said so far to the events of a batch.

    Attributes:
        admitted: events that passed, by their index in the batch.
        rejected: what is wrong with others.
        large: events that a worker process has yet to read, by their index.
        heavy: events whose data a worker process has yet to check.
    """

    def __init__(self) -> None:
        self.admitted: list[tuple[int, Submission]] = []
        self.rejected: dict[int, Sequence[FieldError]] = {}
        self.large: dict[int, bytes] = {}
        self.heavy: list[tuple[int, Agreed]] = []
        self._told = 0

    @property
    def is_told_enough(self) -> bool:
        """Whether one error is enough of each further event."""
        return self._told >= _MOST_TOLD

    def admit(self, index: int, submission: Submission) -> None:
        """An event passed."""
        self.admitted.append((index, submission))

    def reject(self, index: int, refusal: Refused) -> None:
        """An event did not."""
        self.rejected[index] = refusal.errors or (FieldError("", refusal.detail),)
        self._told += len(self.rejected[index])


class Batches:
    """Publishes batches, bound to the rooms that it calls."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._apart = Apart(rooms)

    async def take(self, text: bytes, principal: Principal, *, partial: bool) -> Taken:
        """Append a batch.

        Args:
            partial: some of its events may be refused, and the others are stored.

        Raises:
            Refused: what is wrong with it as a whole; without `partial`, also what is wrong with any of its events.
        """
        judged = await self._judged(text, principal)
        del text
        admitted, rejected = judged.admitted, judged.rejected
        if rejected and not partial:
            raise _refused(rejected)
        receipts = await self._rooms.appender.append([s for _, s in admitted], atomic=not partial) if admitted else []
        conflicts = {i: s for (i, s), receipt in zip(admitted, receipts, strict=True) if receipt.conflict}
        await self._note(conflicts.values(), principal)
        if conflicts and not partial:
            raise conflict(BatchConflict, *(f"/{index}/id" for index in conflicts))
        rejected |= dict.fromkeys(conflicts, _CONFLICT)
        return Taken([submission for _, submission in admitted], _answer(receipts, rejected))

    async def _judged(self, text: bytes, principal: Principal) -> Judged:
        """What the gate says to a batch, event by event.

        The batch has its turn of the event loop while it is read and judged, and leaves nothing of the parsed events behind:
        those of several batches together would come out of no cache.
        """
        judged = Judged()
        async with self._rooms.slices.begin(principal.participant) as piece:
            events = await self._read(text, piece) if _is_read_soon(text) else None
            if events is not None:
                await self._judge_here(judged, events, principal, piece)
        if events is None:
            events = await self._read_apart(text, principal)
            async with self._rooms.slices.begin(principal.participant) as piece:
                await self._judge_here(judged, events, principal, piece)
        del events
        # Not within a turn: a worker's answer may take long.
        if judged.large:
            judged.heavy += await self._agreed(judged, principal)
        if judged.heavy:
            await self._judge_apart(judged, principal)
            judged.admitted.sort(key=itemgetter(0))
        return judged

    async def _read(self, text: bytes, piece: Slice) -> list[Event] | None:
        """The events of a batch; None where it takes long to find which of its objects names a member twice."""
        documents = parsed(text)
        check_batch(documents, self._rooms.settings.max_batch_events)
        bodies = await self._written(documents, piece)
        written = b"[%b]" % b",".join(bodies)
        if len(text) > LARGE and json.repeats(text, written):
            return None
        check_members(text, written)
        return list(zip(bodies, documents, strict=True))

    async def _read_apart(self, text: bytes, principal: Principal) -> list[Event]:
        settings = self._rooms.settings
        levels, most = b"%d" % settings.max_depth, b"%d" % settings.max_batch_events
        given = await self._rooms.heavy.run(read_batch, text, levels, most, who=principal.participant)
        return [(body, None) for body in given.split(b"\n")] if given else []

    async def _written(self, documents: Sequence[Any], piece: Slice) -> list[bytes]:
        """The events as JSON, none nested deeper than allowed with the array around them."""
        most = self._rooms.settings.max_depth
        bodies: list[bytes] = []
        for document in documents:
            try:
                bodies.append(json.dumps(document))
            except TypeError:
                # It writes fewer levels than it reads.
                raise too_deep(most) from None
            if is_deeper(document, bodies[-1], most - 1):
                raise too_deep(most)
            await piece.breathe()
        return bodies

    async def _judge_here(self, judged: Judged, events: Sequence[Event], principal: Principal, piece: Slice) -> None:
        # The request itself was charged as one event.
        self._rooms.limits.of(principal.participant).publish.charge(max(0, len(events) - 1))
        for index, (body, document) in enumerate(events):
            if document is None and len(body) > LARGE:
                judged.large[index] = body
                continue
            try:
                self._judge(judged, index, body, document, principal)
            except NeedsTime as needs:
                judged.heavy.append((index, needs.agreed))
            await piece.breathe()

    async def _agreed(self, judged: Judged, principal: Principal) -> list[tuple[int, Agreed]]:
        """Large events whose attributes are right, by their indexes."""
        agreed: list[tuple[int, Agreed]] = []
        heads = await self._apart.heads(list(judged.large.values()), principal)
        for (index, body), event in zip(judged.large.items(), heads, strict=True):
            try:
                agreed.append((index, self._apart.agreed(event, body, principal)))
            except Refused as refusal:
                self._reject(judged, index, refusal, event, principal)
        return agreed

    async def _judge_apart(self, judged: Judged, principal: Principal) -> None:
        """What the gate says to heavy events: those of one contract version in one job.

        Raises:
            TooHeavy: they take too long together, or are of many versions.
        """
        of: dict[int, list[tuple[int, Agreed]]] = {}
        for index, agreed in judged.heavy:
            of.setdefault(agreed.version.id, []).append((index, agreed))
        if len(of) > _MOST_VERSIONS:
            raise TooHeavy(f"Large events of more than {_MOST_VERSIONS} contracts are too much for one batch.")
        for group in of.values():
            version = group[0][1].version
            found = await found_apart(
                self._rooms.heavy, version, [agreed for _, agreed in group], principal, _MOST_TOLD
            )
            await self._judge_found(judged, group, found, principal)

    async def _judge_found(
        self, judged: Judged, group: Sequence[tuple[int, Agreed]], found: Sequence[Findings], principal: Principal
    ) -> None:
        async with self._rooms.slices.begin(principal.participant) as piece:
            for (index, agreed), findings in zip(group, found, strict=True):
                try:
                    judged.admit(index, self._rooms.gate.submission(agreed, principal, findings))
                except Refused as refusal:
                    self._reject(judged, index, refusal, agreed.event, principal)
                await piece.breathe()

    def _judge(self, judged: Judged, index: int, body: bytes, document: Any, principal: Principal) -> None:
        event = json.loads(body) if document is None else document
        brief = judged.is_told_enough
        try:
            judged.admit(index, self._rooms.gate.admit(event, principal, body=body, brief=brief, hurries=True))
        except Refused as refusal:
            self._reject(judged, index, refusal, event, principal)

    def _reject(self, judged: Judged, index: int, refusal: Refused, event: Any, principal: Principal) -> None:
        self._rooms.recorder.note(refusal, principal, event)
        judged.reject(index, refusal)

    async def _note(self, conflicts: Iterable[Submission], principal: Principal) -> None:
        piece = Slice()
        for submission in conflicts:
            self._rooms.recorder.note(conflict(EventConflict, "/id"), principal, json.loads(submission.body))
            await piece.breathe()


def _is_read_soon(text: bytes) -> bool:
    """Whether the event loop may read a batch itself."""
    return len(text) <= _LARGE_BATCH and (len(text) <= LARGE or not json.hides_colons(text))


def conflict(kind: type[EventConflict], *pointers: str) -> EventConflict:
    """The refusal of an event whose source sent another one with its id."""
    return kind(
        "This source already sent another event with this id.",
        errors=[FieldError(pointer, _CONFLICT[0].detail) for pointer in pointers],
    )


def _refused(rejected: Mapping[int, Sequence[FieldError]]) -> BatchRefused:
    return BatchRefused(
        f"{len(rejected)} events are refused; none was stored.",
        errors=[
            FieldError(f"/{index}{wrong.pointer}", wrong.detail)
            for index, errors in sorted(rejected.items())
            for wrong in errors
        ],
    )


def _answer(receipts: Sequence[Receipt], rejected: Mapping[int, Sequence[FieldError]]) -> bytes:
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
