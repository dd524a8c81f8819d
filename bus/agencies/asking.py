"""Asks one agency's adapter, within what the agency and the participant can bear.

Promise: a question waits for its turn. It is refused early if the agency does not answer or too many questions wait. A day's
quota that is used up refuses it too.
"""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from bus import json
from bus.agencies.circuit import QueryCircuit
from bus.agencies.circuits import OpenCircuits
from bus.agencies.in_flight import InFlight
from bus.kit import AgencyFault, AgencyRefused, AgencyUnavailable, Operation, Query, Question, QuotaExhausted
from bus.limits import Limit, Limited, Limits, Ration
from bus.problem import Refused, Unavailable
from bus.storage import StorageFull
from bus.telemetry import QUERY_CIRCUIT

log = structlog.get_logger(__name__)

_BUSY_SECONDS: Final = "5"
_PART_OF_TIME: Final = 0.9
"""The part of a question's time in which the agency has to answer. The rest is for the way to its turn. An agency that is
silent for this part counts as away. The bus then does not ask it for a while."""


class AgencyBusy(Unavailable):
    """So many questions to this agency wait that yours would time out; ask again in some seconds."""

    slug = "agency-busy"


class AgencyLeftInPeace(Unavailable):
    """The agency did not answer several questions in a row; the bus asks it again after `Retry-After`."""

    slug = "agency-circuit-open"


class AgencySilent(AgencyUnavailable):
    """The agency has the question and does not answer; try again later."""


@dataclass(frozen=True, slots=True)
class QueryPolicy:
    """How the bus asks agencies.

    Attributes:
        seconds: most seconds for one question, with the time in which it waits for its turn.
        concurrency: most questions to one adapter at once.
        waiting: most questions to one adapter that wait for their turn.
        clock: seconds that never run backwards.
    """

    seconds: float = 30.0
    concurrency: int = 8
    waiting: int = 200
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class ServedQuery:
    """The operation that answers a query, with its adapter and the adapter's name."""

    name: str
    adapter: Query
    operation: Operation


@dataclass(slots=True)
class _Agency:
    """What the bus knows of one agency's questions."""

    turns: asyncio.Semaphore
    circuit: QueryCircuit = field(default_factory=QueryCircuit)
    waiting: int = 0


class Asking:
    """Asks agencies' adapters. Belongs to one event loop."""

    def __init__(self, limits: Limits, ration: Ration, circuits: OpenCircuits, policy: QueryPolicy) -> None:
        self._limits = limits
        self._ration = ration
        self._circuits = circuits
        self._policy = policy
        self._agencies: defaultdict[str, _Agency] = defaultdict(self._make_agency)
        self._in_flight: InFlight[Mapping[str, Any]] = InFlight()
        self._under_way: set[asyncio.Task[None]] = set()
        self._telling = asyncio.Lock()

    def _make_agency(self) -> _Agency:
        return _Agency(asyncio.Semaphore(self._policy.concurrency))

    async def ask(self, served: ServedQuery, question: Question) -> Mapping[str, Any]:
        """The adapter's answer. Identical questions in flight share one answer, if the contract allows it.

        Raises:
            AtOnce: too many of the participant's questions wait.
            AgencyBusy: too many questions to the agency wait.
            AgencyLeftInPeace: the agency did not answer several questions in a row.
            AgencyUnavailable: the agency did not answer in time, or the adapter says so.
            Limited: the participant used up its ration of today.
            Refused: as the adapter says.
        """
        asked = (question.cache_owner, served.name, served.operation.name, question.contract)
        named = (*asked, json.dump_canonical(question.data))
        try:
            async with asyncio.timeout(self._policy.seconds), self._take_turn(question.participant):
                return await self._in_flight.share(named, lambda: self._ask_once(served, question))
        except TimeoutError:
            raise AgencyUnavailable(f"{served.name} did not answer within {self._policy.seconds:.0f} s.") from None

    async def _ask_once(self, served: ServedQuery, question: Question) -> Mapping[str, Any]:
        agency = self._agencies[served.name]
        _check_circuit(served.name, agency, self._policy.clock())
        is_noted = False
        try:
            async with _wait_for_turn(served.name, agency, self._policy.waiting):
                answer = await self._ask_within_ration(served, question)
            was_open = agency.circuit.is_open
            agency.circuit.succeed()
            QUERY_CIRCUIT.labels(served.name).set(0)
            is_noted = True
            if was_open:
                self._tell_circuit(served.name)
        except (AgencyUnavailable, AgencyRefused) as refusal:
            is_noted = True
            if agency.circuit.fail(self._policy.clock()):
                QUERY_CIRCUIT.labels(served.name).set(1)
                log.warning("query.circuit_opened", agency=served.name, reason=refusal.slug)
                self._tell_circuit(served.name)
            raise
        finally:
            if not is_noted:
                agency.circuit.give_up()
        return answer

    def _tell_circuit(self, name: str) -> None:
        """Let all processes know how the circuit of an agency stands. Nobody waits for it."""

        async def tell() -> None:
            # One after the other, each with the state of its moment: so the last one to write is right.
            async with self._telling:
                rest = self._agencies[name].circuit.find_rest(self._policy.clock())
                try:
                    await asyncio.to_thread(self._circuits.tell, name, rest)
                except (Unavailable, StorageFull) as refusal:
                    log.warning("query.circuit_not_told", agency=name, reason=refusal.slug)

        self._run_beside(tell(), "circuit")

    def _run_beside(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    @asynccontextmanager
    async def _take_turn(self, participant: str) -> AsyncIterator[None]:
        """Hold one of the participant's places for questions at the same time.

        Raises:
            AtOnce: too many of the participant's questions wait.
        """
        allowance = self._limits.get(participant)
        await allowance.wait_for_turn(allowance.questions, Limit.QUESTIONS)
        try:
            yield
        finally:
            allowance.questions.give_back()

    async def _ask_within_ration(self, served: ServedQuery, question: Question) -> Mapping[str, Any]:
        """The agency's answer. The question counts in the participant's ration of today if the agency counts it.

        Raises:
            Limited: the participant used up its ration of today.
            Refused: as the adapter says.
        """
        policy = self._limits.get(question.participant).policy
        taking = asyncio.create_task(
            asyncio.to_thread(self._ration.take, question.participant, served.name, policy), name="ration"
        )
        try:
            await asyncio.shield(taking)
        except asyncio.CancelledError:
            # The thread goes on and takes a question from the ration, but nobody will ask it.
            self._give_back(taking, served, question)
            raise
        try:
            return await _ask_adapter(served, question, self._policy.seconds * _PART_OF_TIME)
        except AgencySilent:
            # The agency has the question, and may have counted it.
            raise
        except (AgencyUnavailable, QuotaExhausted):
            # The agency did not count this question.
            await asyncio.shield(self._give_back(taking, served, question))
            raise

    def _give_back(self, taking: asyncio.Task[None], served: ServedQuery, question: Question) -> asyncio.Task[None]:
        """Give the question back to the ration once it is taken, even if the request ends before."""

        async def give_back() -> None:
            try:
                await taking
                await asyncio.to_thread(self._ration.give_back, question.participant, served.name)
            except Limited:
                return
            except Refused as refusal:
                log.warning("query.ration_not_given_back", agency=served.name, reason=refusal.slug)

        return self._run_beside(give_back(), "ration")


def _check_circuit(name: str, agency: _Agency, now: float) -> None:
    wait = agency.circuit.find_wait(now)
    if wait is not None:
        seconds = str(math.ceil(wait))
        detail = f"{name} did not answer several questions in a row; the bus asks it again in {seconds} s."
        raise AgencyLeftInPeace(detail, headers={"Retry-After": seconds})


@asynccontextmanager
async def _wait_for_turn(name: str, agency: _Agency, most: int) -> AsyncIterator[None]:
    """Hold one of the agency's places.

    Raises:
        AgencyBusy: `most` questions wait already.
    """
    if agency.waiting >= most:
        detail = f"{agency.waiting} questions to {name} wait already; ask again later."
        raise AgencyBusy(detail, headers={"Retry-After": _BUSY_SECONDS})
    agency.waiting += 1
    try:
        await agency.turns.acquire()
    finally:
        agency.waiting -= 1
    try:
        yield
    finally:
        agency.turns.release()


async def _ask_adapter(served: ServedQuery, question: Question, seconds: float) -> Mapping[str, Any]:
    """The adapter's answer.

    Raises:
        AgencySilent: the adapter took longer than `seconds`.
        AgencyUnavailable, AgencyRefused: the adapter raised an `AgencyFault`.
        Refused: as the adapter says.
    """
    try:
        async with asyncio.timeout(seconds):
            return await served.adapter.query(served.operation.name, question)
    except TimeoutError:
        raise AgencySilent(f"{served.name} did not answer within {seconds:.0f} s.") from None
    except AgencyFault as fault:
        raise fault.to_refusal() from fault
