"""The counter: follows what is committed, and adds it to the counts of minutes and hours.

Promise: each accepted event, each refused event and each result of a delivery counts once. That holds when processes are
killed, and when several processes count. Nothing is counted on the way of an event. The counts are a few seconds old.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bus import clock
from bus.delivery import Result, TakenNote, delete_results, read_results
from bus.journal import MINUTE, Origin, count_accepted, find_origins
from bus.problem import Refused
from bus.refusals import sum_refused
from bus.rollups import statements
from bus.rollups.flow import Counts, Flow, Span
from bus.rollups.retention import forget_some
from bus.rollups.writing import add_counts, number_flows
from bus.storage import Storage, Transaction

FindName = Callable[[int], str | None]
"""The name of the contract with a number; None: there is none."""

_NOTES: Final = 200
"""Notes of results in a step. A note has up to some hundred events."""
_LOOK_SECONDS: Final = 2.0
_FORGET_SECONDS: Final = 60.0
_REFUSED_HOURS: Final = 2
"""Refusals are written a second after they happen, so only the newest hours of their log still grow."""


class _Overtaken(Exception):
    """Another process counted the same meanwhile."""


@dataclass(slots=True)
class _Step:
    """What one step adds.

    Attributes:
        number: of the last step before.
        position: events up to here are counted with this step.
        is_moved: whether the position changed, even over nothing but deleted events.
        notes: the notes of results that are counted.
        counts: by span, its number since 1970, and flow.
    """

    number: int
    position: int = 0
    is_moved: bool = False
    notes: list[int] = field(default_factory=list)
    counts: dict[Span, dict[tuple[int, Flow], Counts]] = field(
        default_factory=lambda: {span: defaultdict(Counts) for span in Span}
    )
    is_more: bool = False

    def add(self, minute: int, flow: Flow, counts: Counts) -> None:
        """Add to a minute and its hour."""
        self.add_at(Span.MINUTE, minute, flow, counts)
        self.add_at(Span.HOUR, minute // 60, flow, counts)

    def add_at(self, span: Span, at: int, flow: Flow, counts: Counts) -> None:
        """Add to one span."""
        self.counts[span][at, flow] += counts

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.is_moved and not self.notes and not any(self.counts.values())


class Counter:
    """Adds to the counts. Synchronous, except `follow`: call it from one thread at a time."""

    def __init__(self, storage: Storage, find_name: FindName) -> None:
        self._storage = storage
        self._find_name = find_name
        self._numbers: dict[Flow, int] = {}

    async def follow(self) -> None:
        """Count, and delete old counts, until cancelled. It leaves half of the time to others."""
        forgets_at = 0.0
        while True:
            # A database that is away or full is told by whoever must write to it. The next round tries again.
            with contextlib.suppress(Refused):
                await _repeat(self.take_step)
                if time.monotonic() >= forgets_at:
                    forgets_at = time.monotonic() + _FORGET_SECONDS
                    await _repeat(lambda: forget_some(self._storage, clock.now()))
            await asyncio.sleep(_LOOK_SECONDS)

    def catch_up(self) -> None:
        """Count all that is committed."""
        while self.take_step():
            pass

    def take_step(self) -> bool:
        """Count a part of what is not counted. Returns whether there is more."""
        step = self._read_step(clock.now_micros())
        if step.is_empty:
            return step.is_more
        try:
            self._write_step(step)
        except _Overtaken:
            return True
        return step.is_more

    def _read_step(self, now: int) -> _Step:
        """What is not counted, read without holding up a writer."""
        with self._storage.read() as transaction:
            row = transaction.one(statements.REACHED)
            position, number = (0, 0) if row is None else row
            step = _Step(number, position)
            self._add_accepted(transaction, step)
            self._add_results(transaction, step)
            _add_refused(transaction, step, now // MINUTE)
        return step

    def _add_accepted(self, transaction: Transaction, step: _Step) -> None:
        accepted, until = count_accepted(transaction, step.position)
        for one in accepted:
            flow = Flow(self._find_name(one.contract_id) or "", one.sender)
            step.add(one.minute, flow, Counts(published=one.events))
        step.is_moved = step.is_more = until > step.position
        step.position = until

    def _add_results(self, transaction: Transaction, step: _Step) -> None:
        taken = read_results(transaction, _NOTES)
        wanted = {position for one in taken for position in one.positions}
        origins = find_origins(transaction, sorted(wanted)) if wanted else {}
        for one in taken:
            step.notes.append(one.id)
            for place, positions in _group_by_origin(one.positions, origins).items():
                flow = self._make_flow(place, one.receiver)
                step.add(one.at // MINUTE, flow, _count_results(one, positions, origins))
        step.is_more = step.is_more or len(taken) == _NOTES

    def _make_flow(self, place: "_Place | None", receiver: str) -> Flow:
        if place is None:
            return Flow("", "", receiver)
        contract_id, sender = place
        return Flow(self._find_name(contract_id) or "", sender, receiver)

    def _write_step(self, step: _Step) -> None:
        # A power failure may undo the last steps as a whole; they are then made again.
        with self._storage.write(durable=False) as transaction:
            if not transaction.execute(statements.MOVE, {"position": step.position, "step": step.number}):
                if step.number or not transaction.execute(statements.BEGIN):
                    raise _Overtaken
                transaction.execute(statements.MOVE, {"position": step.position, "step": 0})
            if step.notes:
                delete_results(transaction, step.notes)
            flows = {flow for counts in step.counts.values() for _, flow in counts}
            numbers = number_flows(transaction, flows, self._numbers)
            for span, counts in step.counts.items():
                add_counts(transaction, span, counts, numbers)
        self._numbers = numbers


async def _repeat(work: Callable[[], int]) -> None:
    """Do a piece of work in a thread until nothing is left."""
    begun = time.monotonic()
    while await asyncio.to_thread(work):
        await asyncio.sleep(time.monotonic() - begun)
        begun = time.monotonic()


_Place = tuple[int, str]
"""Where events are from: the contract's number, and the sender."""


def _group_by_origin(positions: Sequence[int], origins: Mapping[int, Origin]) -> dict[_Place | None, list[int]]:
    """Positions by contract and sender; None: the events are deleted."""
    groups: dict[_Place | None, list[int]] = {}
    for position in positions:
        origin = origins.get(position)
        groups.setdefault(origin and origin[:2], []).append(position)
    return groups


def _count_results(taken: TakenNote, positions: Sequence[int], origins: Mapping[int, Origin]) -> Counts:
    match taken.result:
        case Result.DELIVERED:
            known = [origins[one].recorded_at for one in positions if one in origins]
            return Counts(delivered=len(positions), delay_ms=sum(max(0, taken.at - at) for at in known) // 1000)
        case Result.FAILED:
            return Counts(failed=len(positions))
        case Result.DEAD:
            return Counts(dead=len(positions))


def _add_refused(transaction: Transaction, step: _Step, minute: int) -> None:
    """Add by how much the log of refusals has grown. Its sums of an hour only grow."""
    since = minute // 60 - _REFUSED_HOURS
    counted = {
        (at, Flow(contract, sender)): refused
        for at, contract, sender, refused in transaction.rows(statements.REFUSED, {"since": since})
    }
    for one in sum_refused(transaction, since * 60 * MINUTE):
        hour, flow = one.hour // (60 * MINUTE), Flow(one.contract, one.sender)
        if (new := one.events - counted.get((hour, flow), 0)) > 0:
            step.add_at(Span.HOUR, hour, flow, Counts(refused=new))
            step.add_at(Span.MINUTE, min(minute, hour * 60 + 59), flow, Counts(refused=new))
