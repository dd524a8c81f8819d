"""The poller: fetches new rows from agencies, and publishes them through the gate.

Promise: the poller keeps a cursor only after the journal has the events before it. After a crash it polls again, and
the journal recognises the duplicates. A poll that fails is tried again with backoff, and delays no other poll.
"""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

import sqlalchemy as sa
import structlog

from bus import clock, json
from bus.agencies.registry import Agencies
from bus.agencies.round import PollPolicy, Round
from bus.agencies.tables import POLLS
from bus.contracts import ContractSaysLess, NoSuchContract, NotBound
from bus.heavy import Heavy, HeavyWorkWaits, Slice, TooMuchAtOnce
from bus.identity import Principal
from bus.journal import Appender, EventConflict, Gate, Submission, UncheckedEvent, check_apart
from bus.kit import AgencyFault, Event, Operation
from bus.problem import FieldError, Refused, Unavailable
from bus.refusals import Recorder
from bus.storage import Leadership, Storage
from bus.telemetry import POLLED

log = structlog.get_logger(__name__)

_LONGEST_BACKOFF = 300.0
_STEP_SECONDS = 60.0


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
        self._recorder = recorder
        self._appender = appender
        self._leadership = leadership
        self._heavy = heavy
        self._policy = policy or PollPolicy()
        self._random = Random()  # noqa: S311 - jitter

    async def run(self) -> None:
        """Poll until cancelled."""
        polls = list(self._agencies.list_polls())
        if not polls:
            return
        while not await asyncio.to_thread(self._leadership.acquire):  # noqa: ASYNC110 - another process holds it
            await asyncio.sleep(1.0)
        try:
            async with asyncio.TaskGroup() as group:
                for adapter, operation in polls:
                    group.create_task(self._keep_polling(adapter, operation))
        finally:
            self._leadership.release()

    async def _keep_polling(self, adapter: str, operation: Operation) -> None:
        failures = 0
        interval = self._agencies.find_interval(adapter, operation)
        steps = Round()
        while True:
            try:
                more = await self.step(adapter, operation, steps)
                failures = 0
                pause = 0.0 if more and not steps.is_full(self._policy) else interval
            except AgencyFault as fault:
                failures += 1
                pause = fault.retry_after or self._draw_pause(failures, interval)
                log.warning("poll.failed", adapter=adapter, operation=operation.name, failure=fault.failure.value)
            except (ContractSaysLess, NotBound, NoSuchContract) as refusal:
                # The step sent no request, so another look soon is cheap. Whoever mends the contract soon sees that it works.
                pause = self._draw_pause(0, interval)
                failures += 1
                if failures == 1:
                    log.warning("poll.unbound", adapter=adapter, operation=operation.name, detail=refusal.detail)
            except (Unavailable, TooMuchAtOnce, TimeoutError) as error:
                failures += 1
                pause = self._draw_pause(failures, interval)
                log.warning("poll.failed", adapter=adapter, operation=operation.name, failure=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - a defect of one adapter must not stop the other polls
                failures += 1
                pause = self._draw_pause(failures, interval)
                log.error("adapter.defect", adapter=adapter, operation=operation.name, error=type(error).__name__)
            if pause:
                _report_refused(adapter, operation, steps)
                steps = Round()
            await asyncio.sleep(pause)

    def _draw_pause(self, failures: int, interval: float) -> float:
        return self._random.uniform(0.5, 1.0) * min(_LONGEST_BACKOFF, min(interval, 5.0) * 2.0 ** min(failures, 16))

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
            Unavailable, TooMuchAtOnce, TimeoutError: try again later.
        """
        steps = steps or Round()
        self._check_bound(adapter, operation)
        cursor = await asyncio.to_thread(self._read_cursor, adapter, operation.name)
        agency, _ = self._agencies.find_poll(adapter, operation.name)
        async with asyncio.timeout(_STEP_SECONDS):
            polled = await agency.poll(operation.name, cursor)
        await self._publish(adapter, operation, polled.events, steps)
        await asyncio.to_thread(self._keep_cursor, adapter, operation.name, polled.cursor)
        return polled.more

    async def _publish(self, adapter: str, operation: Operation, events: Sequence[Event], steps: Round) -> None:
        sizes: list[int] = []
        admitted: list[tuple[Any, Submission]] = []
        principal = Principal(self._agencies.find_participant(adapter), f"adapter:{adapter}", frozenset(), 0.0, "")
        piece = Slice()
        for event in events:
            await piece.breathe()
            document = event.to_document()
            try:
                _check_contract(event, operation)
                submission = await self._admit(document, principal)
                self._check_version(submission.version_id, adapter, operation)
                admitted.append((document, submission))
                sizes.append(len(submission.body))
            except (HeavyWorkWaits, TooMuchAtOnce):
                # Nothing is wrong with the event: the poller tries again later.
                raise
            except Refused as refusal:
                # The contract does not allow this event. The other events must not wait until somebody mends it.
                self._note_refusal(adapter, operation, refusal, principal, document, steps)
                sizes.append(_measure(document))
        steps.count_step(sizes)
        receipts = await self._appender.append([s for _, s in admitted], atomic=False) if admitted else []
        for (document, _), receipt in zip(admitted, receipts, strict=True):
            if receipt.conflict:
                self._note_refusal(adapter, operation, _make_conflict(), principal, document, steps)
            else:
                POLLED.labels(adapter, operation.name, "duplicate" if receipt.duplicate else "accepted").inc()

    async def _admit(self, document: Any, principal: Principal) -> Submission:
        admitted = self._gate.admit_quickly(document, principal)
        if isinstance(admitted, UncheckedEvent):
            return await check_apart(self._gate, self._heavy, admitted)
        return admitted

    def _note_refusal(
        self,
        adapter: str,
        operation: Operation,
        refusal: Refused,
        principal: Principal,
        document: Any,
        steps: Round,
    ) -> None:
        POLLED.labels(adapter, operation.name, "refused").inc()
        noted = self._recorder.note(refusal, principal, document)
        # The agency chooses how many events it sends: a line for each could fill the log.
        if steps.count_refusal(refusal.slug):
            log.warning(
                "poll.event_refused",
                adapter=adapter,
                operation=operation.name,
                reason=refusal.slug,
                at=sorted({one.pointer for one in noted}),
            )

    def _check_bound(self, adapter: str, operation: Operation) -> None:
        """Check the newest version before the bus fetches anything.

        Raises:
            NoSuchContract, NotBound, ContractSaysLess: this version does not let the operation publish.
        """
        newest = self._gate.catalogue.newest(operation.contract or "")
        self._check_version(newest.id, adapter, operation)

    def _check_version(self, version_id: int, adapter: str, operation: Operation) -> None:
        catalogue = self._gate.catalogue
        contract = catalogue.version_numbered(version_id).contract
        in_force = [one.contract for one in catalogue.in_force(contract.name)]
        self._agencies.check_serves(contract, in_force, adapter, operation.name)

    def _read_cursor(self, adapter: str, operation: str) -> str | None:
        wanted = sa.select(POLLS.c.cursor).where(POLLS.c.adapter == adapter, POLLS.c.operation == operation)
        with self._storage.read() as transaction:
            cursor = transaction.value(wanted)
        return None if cursor is None else str(cursor)

    def _keep_cursor(self, adapter: str, operation: str, cursor: str | None) -> None:
        row = {"cursor": cursor, "polled_at": clock.micros(clock.now())}
        with self._storage.write() as transaction:
            changed = transaction.execute(
                sa.update(POLLS).where(POLLS.c.adapter == adapter, POLLS.c.operation == operation).values(row)
            )
            if changed == 0:
                transaction.execute(sa.insert(POLLS).values(adapter=adapter, operation=operation, **row))


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


def _measure(document: Any) -> int:
    """Bytes of a refused event's JSON; 0 if no JSON can hold the event."""
    try:
        return len(json.dumps(document))
    except TypeError:
        return 0


def _check_contract(event: Event, operation: Operation) -> None:
    if event.type != operation.contract:
        detail = f"The operation may publish under {operation.contract} alone."
        raise NotBound(detail, errors=[FieldError("/type", "must be the contract that the operation declares")])


def _make_conflict() -> EventConflict:
    detail = "The agency sent a different event with this id before."
    return EventConflict(detail, errors=[FieldError("/id", "is the id of a different event")])
