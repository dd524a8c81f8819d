"""The poller: fetches what is new at agencies, and publishes it through the gate.

Promise: a step's cursor is kept in the transaction that has its events. A row that the gate refuses is set aside, and tried again
once the row or its contract changes. A poll that fails is tried again with backoff, and delays no other poll.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Final

import structlog

from bus import clock
from bus.agencies.changes import Change, Changes, find_changes, is_storable, name_event
from bus.agencies.memory import Held, PollState, read_held_of, read_state, read_taken
from bus.agencies.pauses import AgencyPaused
from bus.agencies.poll_failure import (
    PollFailureKind,
    end_failure,
    explain_failure,
    forget_failure,
    forget_failures,
    note_failure,
)
from bus.agencies.publication import Found, Publication, Run
from bus.agencies.registry import Agencies
from bus.agencies.round import PollPolicy, Round
from bus.agencies.run import make_run, name_versions
from bus.heavy import Heavy
from bus.journal import Appender, Gate
from bus.kit import MOST_ROWS, AgencyFault, Does, Event, Failure, Operation, Polled, Rows
from bus.problem import Unavailable
from bus.refusals import MOST_SET_ASIDE, Attempt, Poll, Recorder, count_asides, find_attempts, find_kept, is_due
from bus.storage import Leadership, Storage, StorageFull, Transaction
from bus.telemetry import DELETIONS_HELD, ROWS_SET_ASIDE

log = structlog.get_logger(__name__)

_LONGEST_BACKOFF: Final = 300.0
_STEP_SECONDS: Final = 60.0
_KEPT_AT_ONCE: Final = 500


class TooManySetAside(Unavailable):
    """The poll has set as many rows aside as the bus keeps; mend their contract, and the poll goes on."""

    slug = "too-many-set-aside"


class Poller:
    """Polls every agency that has an adapter, while this process leads. Belongs to one event loop."""

    def __init__(
        self,
        storage: Storage,
        agencies: Agencies,
        gate: Gate,
        recorder: Recorder,
        appender: Appender,
        leadership: Leadership,
        heavy: Heavy,
        policy: PollPolicy | None = None,
    ) -> None:
        self._storage = storage
        self._agencies = agencies
        self._gate = gate
        self._publication = Publication(storage, gate, recorder, appender, heavy)
        self._leadership = leadership
        self._policy = policy or PollPolicy()
        self._random = Random()  # noqa: S311 - jitter
        self._bells: dict[Poll, asyncio.Event] = {}
        self._sound: set[Poll] = set()
        """The polls that do not fail, as the database knows."""
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Poll until cancelled."""
        self._agencies.listen(self._changed.set)
        while not any(True for _ in self._agencies.list_polls()):
            await self._wait_for_change()
        while not await asyncio.to_thread(self._leadership.acquire):  # noqa: ASYNC110 - another process holds it
            await asyncio.sleep(1.0)
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    for adapter, operation in self._agencies.list_polls():
                        if Poll(adapter, operation.name) not in self._bells:
                            self._bells[Poll(adapter, operation.name)] = asyncio.Event()
                            group.create_task(self._keep_polling(adapter, operation.name))
                    await self._forget_others()
                    await self._wait_for_change()
                    # A poll whose operation changed need not wait for its interval.
                    self._ring()
        finally:
            self._loop = None
            self._leadership.release()

    async def _wait_for_change(self) -> None:
        """Wait until adapters come, go or change."""
        await self._changed.wait()
        self._changed.clear()

    def look_again(self) -> None:
        """Have each poll look now for rows to try again, and for deletions that were released. Any thread may call this."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._ring)

    def _ring(self) -> None:
        for bell in self._bells.values():
            bell.set()

    async def _keep_polling(self, adapter: str, name: str) -> None:
        """Poll until no adapter has the operation any more. Each step is by the version in force when it begins."""
        poll, failures, steps = Poll(adapter, name), 0, Round()
        last: PollFailureKind | None = None
        while (operation := self._agencies.find_operation(adapter, name, Does.POLL)) is not None:
            interval = self._agencies.find_interval(adapter, operation)
            try:
                more = await self.step(adapter, operation, steps)
                pause = 0.0 if more and not steps.is_full(self._policy) else interval
                if pause:
                    steps.check()
                    await self._end_failure(poll, end_failure)
                failures, last = 0, None
            except AgencyPaused:
                # The step sent no request, so another look soon is cheap. Nobody has to look at a failure from before the pause.
                pause = self._draw_pause(0, interval)
                await self._end_failure(poll, forget_failure)
            except Exception as error:  # noqa: BLE001 - a defect of one adapter must not stop the other polls
                failures += 1
                kind, detail = explain_failure(error)
                is_bound = kind not in (PollFailureKind.UNBOUND, PollFailureKind.CONTRACT)
                # An unbound step sent no request. Whoever mends the contract soon sees that it works.
                pause = _find_wait(error) or self._draw_pause(failures if is_bound else 0, interval)
                if is_bound or kind is not last:
                    _log_failure(poll, kind, detail, error)
                    await self._note_failure(poll, kind, detail)
                last = kind
            if pause:
                _report_refused(adapter, operation, steps)
                steps = Round()
            await self._pause(poll, operation, pause)
        del self._bells[poll]

    async def _note_failure(self, poll: Poll, kind: PollFailureKind, detail: str) -> None:
        self._sound.discard(poll)
        await self._write(lambda transaction: note_failure(transaction, poll, kind, detail, clock.now_micros()))

    async def _end_failure(self, poll: Poll, end: Callable[[Transaction, Poll], None]) -> None:
        """Have the database know that the poll does not fail now."""
        if poll not in self._sound and await self._write(lambda transaction: end(transaction, poll)):
            self._sound.add(poll)

    async def _forget_others(self) -> None:
        """Forget the failures of polls that no adapter has any more."""
        polls = {Poll(adapter, operation.name) for adapter, operation in self._agencies.list_polls()}
        await self._write(lambda transaction: forget_failures(transaction, polls))

    async def _write(self, work: Callable[[Transaction], None]) -> bool:
        """Whether the database took it. A database that takes nothing is told elsewhere, and the next round writes again."""

        def write() -> None:
            with self._storage.write() as transaction:
                work(transaction)

        try:
            await asyncio.to_thread(write)
        except (Unavailable, StorageFull):
            return False
        return True

    def _draw_pause(self, failures: int, interval: float) -> float:
        return self._random.uniform(0.5, 1.0) * min(_LONGEST_BACKOFF, min(interval, 5.0) * 2.0 ** min(failures, 16))

    async def _pause(self, poll: Poll, operation: Operation, seconds: float) -> None:
        """Wait so long, or until there is something to try again."""
        bell = self._bells[poll]
        if not seconds:
            await asyncio.sleep(0)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await bell.wait()
                    bell.clear()
                    if self._agencies.find_operation(poll.adapter, poll.operation, Does.POLL) is not operation:
                        return
                    if await self._has_work(poll, operation):
                        return

    async def _has_work(self, poll: Poll, operation: Operation) -> bool:
        under = name_versions(self._gate.catalogue, operation)

        def look() -> bool:
            with self._storage.read() as transaction:
                if is_due(transaction, poll, under):
                    return True
                return any(held.released is not None for held in read_held_of(transaction, poll))

        try:
            return await asyncio.to_thread(look)
        except Unavailable:
            # The poll looks anyway after its interval.
            return False

    async def step(self, adapter: str, operation: Operation, steps: Round | None = None) -> bool:
        """Run one step of one poll, and publish its events.

        Args:
            adapter: the adapter's name.
            operation: the poll.
            steps: the round to which the step belongs; None: a round of this step alone.

        Returns:
            Whether the agency has more, to be fetched at once.

        Raises:
            AgencyFault: the agency gave no answer that can be read.
            NoSuchContract, NotBound, ContractSaysLess: no version in force lets the operation publish.
            StorageFull, Unavailable, TooMuchAtOnce, TimeoutError: try again later.
        """
        run = self._make_run(adapter, operation, steps or Round())
        await self._try_kept(run)
        state, attempts, held = await asyncio.to_thread(self._read, run.poll)
        agency, _ = self._agencies.find_poll(adapter, operation.name)
        async with asyncio.timeout(_STEP_SECONDS):
            polled = await agency.poll(operation.name, state.cursor)
        found = await self._find(run, polled, state, attempts, held)
        await self._publication.publish(run, found, state, polled.cursor)
        await asyncio.to_thread(self._count, run.poll)
        run.steps.fault = polled.fault or run.steps.fault
        return polled.more

    def _make_run(self, adapter: str, operation: Operation, steps: Round) -> Run:
        """The step, if the newest version lets the operation publish; else the bus fetches nothing.

        Raises:
            NoSuchContract, NotBound, ContractSaysLess: it does not.
            AgencyPaused: the operator paused the poll.
        """
        return make_run(self._gate.catalogue, self._agencies, adapter, operation, steps)

    async def _try_kept(self, run: Run) -> None:
        """Try the kept events again that other versions of the contract refused."""
        while kept := await asyncio.to_thread(self._read_kept, run):
            state, attempts, _ = await asyncio.to_thread(self._read, run.poll)
            changes = [
                Change(source, key, mark, Event.from_document(document), is_listed=False)
                for source, key, mark, document in kept
            ]
            await self._publication.publish(run, Found(changes, attempts), state, state.cursor)

    def _read_kept(self, run: Run) -> list[tuple[str, str, str, dict[str, object]]]:
        with self._storage.read() as transaction:
            return find_kept(transaction, run.poll, run.under, _KEPT_AT_ONCE)

    def _read(self, poll: Poll) -> tuple[PollState, Mapping[tuple[str, str], Attempt], list[Held]]:
        with self._storage.read() as transaction:
            return read_state(transaction, poll), find_attempts(transaction, poll), read_held_of(transaction, poll)

    async def _find(
        self,
        run: Run,
        polled: Polled,
        state: PollState,
        attempts: Mapping[tuple[str, str], Attempt],
        held: list[Held],
    ) -> Found:
        told = [name_event(event, run.newest) for event in polled.events]
        if told and len(attempts) >= MOST_SET_ASIDE:
            raise TooManySetAside(f"The poll {run.operation.name} has set {len(attempts)} rows aside.")
        if polled.rows is None:
            return Found(told, attempts)
        listed = polled.rows
        if len(listed.rows) > MOST_ROWS:
            raise AgencyFault(Failure.TRANSIENT, f"a list of {len(listed.rows)} rows, more than {MOST_ROWS}")
        taken = await asyncio.to_thread(self._read_taken, run.poll, listed)
        changes = await asyncio.to_thread(
            find_changes, listed, taken, run.operation.contract or "", lambda _: state.steps, run.steps.seen
        )
        before = next((one for one in held if one.source == listed.source), None)
        waiting = self._judge_deletions(run, listed, changes, len(taken), before)
        refused = {change.key for change in changes.changed if change.fault is not None}
        settled = [key for key in changes.same if key not in refused]
        if listed.is_whole:
            settled += [key for source, key in attempts if source == listed.source and key not in changes.present]
        return Found(
            changes=[*told, *changes.changed, *(() if waiting else changes.gone)],
            attempts=attempts,
            settled=[(listed.source, key) for key in settled],
            unchanged=len(changes.same),
            held=waiting,
            not_held=listed.source if before and not waiting else None,
        )

    def _read_taken(self, poll: Poll, listed: Rows) -> dict[str, str]:
        keys = None if listed.is_whole else {row.key for row in listed.rows if is_storable(row.key)}
        with self._storage.read() as transaction:
            return read_taken(transaction, poll, listed.source, keys)

    def _judge_deletions(
        self, run: Run, listed: Rows, changes: Changes, known: int, before: Held | None
    ) -> Held | None:
        """The deletions to hold back; None: what is gone may be deleted."""
        deletions = len(changes.gone)
        plausibility = self._agencies.find_plausibility(run.poll.adapter)
        if plausibility.judge(deletions, known, len(changes.present)):
            return None
        if before is not None and before.released is not None and deletions <= before.released:
            return None
        held = Held(run.poll, listed.source, deletions, known, clock.micros(clock.now()))
        if before is None or before.deletions != deletions:
            log.warning(
                "poll.deletions_held",
                adapter=run.poll.adapter,
                operation=run.operation.name,
                deletions=deletions,
                known=known,
                detail="rows are gone from the agency's list; compare it, then run `bus agency release`",
            )
        return held

    def _count(self, poll: Poll) -> None:
        with self._storage.read() as transaction:
            asides, held = count_asides(transaction, poll), read_held_of(transaction, poll)
        ROWS_SET_ASIDE.labels(poll.adapter, poll.operation).set(asides)
        DELETIONS_HELD.labels(poll.adapter, poll.operation).set(sum(one.deletions for one in held))


def _find_wait(error: Exception) -> float | None:
    """Seconds that the agency asks the bus to wait; None: it did not say."""
    return error.retry_after if isinstance(error, AgencyFault) else None


def _log_failure(poll: Poll, kind: PollFailureKind, detail: str, error: Exception) -> None:
    names = {"adapter": poll.adapter, "operation": poll.operation}
    if kind is PollFailureKind.DEFECT:
        log.error("adapter.defect", **names, error=type(error).__name__)
    elif kind in (PollFailureKind.UNBOUND, PollFailureKind.CONTRACT):
        log.warning("poll.unbound", **names, detail=detail)
    else:
        log.warning("poll.failed", **names, failure=kind.value, detail=detail)


def _report_refused(adapter: str, operation: Operation, steps: Round) -> None:
    """Log the number of a round's refused events. The first one has a log line already."""
    if steps.refused.total() > 1:
        log.warning(
            "poll.events_refused",
            adapter=adapter,
            operation=operation.name,
            count=steps.refused.total(),
            reasons=dict(steps.refused),
        )
