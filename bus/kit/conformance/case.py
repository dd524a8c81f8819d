"""What a conformance test is about: one adapter, its simulator, and how one of its operations is called."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from traceback import format_exception
from typing import Any, ClassVar, TypeVar

import pytest
from pydantic import SecretStr

from bus.kit.adapter import Adapter, AdapterFactory, Deliver, Poll, Polled, Query, Question
from bus.kit.conformance.running_agency import RunningAgency
from bus.kit.event import Event
from bus.kit.failure import Failure, Outcome
from bus.kit.fault import AgencyFault, AgencyRefused, AgencyUnavailable, QuotaExhausted
from bus.kit.operation import Does, Operation
from bus.kit.outage import OUTAGES
from bus.kit.push import PushRequest
from bus.kit.settings import AdapterSettings
from bus.kit.simulator import Simulator
from bus.problem import Refused

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one call of an operation.

    Attributes:
        failure: None: the agency did what it was asked. A refused query counts by what the bus does next:
            `AgencyUnavailable` and `QuotaExhausted` are transient, `AgencyRefused` is the sink down.
        text: everything that a person may read of it.
        retry_after: seconds that the agency asked to wait; None: it did not say.
    """

    failure: Failure | None
    text: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class PushSample:
    """A push that the agency sends.

    Attributes:
        make: the request as the agency sends it at a moment, with a proof by the secrets of the case's settings.
        lasts: how long the proof is good, before and after that moment; None: it has no time.
    """

    make: Callable[[datetime], PushRequest]
    lasts: timedelta | None = None


class AdapterCase:
    """The adapter under test. A subclass sets the attributes.

    Attributes:
        factory: the adapter's factory.
        simulator: its simulator.
        settings: settings beside the simulator's own.
        events: for each operation that delivers, events that the agency takes. Each test sends all of an operation's events
            in one call, so there are at most `Operation.batch`.
        questions: for each operation that answers queries, a question that the agency answers.
        pushes: for each operation that takes pushes, a push that the adapter reads.
        faults: for each fault of the simulator beside `OUTAGES`, what it does to the operations: one failure for all, or
            one for each operation that it concerns. An operation that is not named goes on as if nothing was wrong.
        longest: seconds in which a call must end, whatever the agency does. An adapter that honours its time-out needs a
            fraction.
        persons: texts about persons that the simulator gives, and that must never be in a log or an error.
    """

    factory: ClassVar[AdapterFactory]
    simulator: ClassVar[Simulator]
    settings: ClassVar[Mapping[str, Any]] = {}
    events: ClassVar[Mapping[str, Sequence[Event]]] = {}
    questions: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    pushes: ClassVar[Mapping[str, PushSample]] = {}
    faults: ClassVar[Mapping[str, Failure | Mapping[str, Failure]]] = {}
    persons: ClassVar[Collection[str]] = ()
    longest: ClassVar[float] = 15.0

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls) -> Iterator[RunningAgency]:
        """One server for all tests of the class."""
        with RunningAgency(cls.simulator) as running:
            yield running

    @pytest.fixture
    def agency(self, server: RunningAgency) -> RunningAgency:
        """The agency, made anew."""
        server.renew()
        return server

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give a test each `operation`, `delivery`, `poll`, `push`, `outage` or `own_fault` in turn."""
        values = {
            "operation": list(self.list_operations()),
            "delivery": list(self.list_operations(Does.DELIVER)),
            "poll": list(self.list_operations(Does.POLL)),
            "push": list(self.list_operations(Does.PUSH)),
            "outage": [name for name in OUTAGES if self.is_general(name)],
            "own_fault": [name for name in self.simulator.faults if not self.is_general(name)],
        }
        for name in metafunc.fixturenames:
            if name in values:
                metafunc.parametrize(name, values[name], ids=str)

    def list_operations(self, does: Does | None = None) -> Iterator[str]:
        """The names of the operations that do one thing; None: of those by which the bus calls the agency."""
        for one in self.factory.operations:
            if one.does is does or (does is None and one.does is not Does.PUSH):
                yield one.name

    def is_general(self, fault: str) -> bool:
        """Whether the simulator has this fault as every simulator has it."""
        return fault in OUTAGES and self.simulator.faults.get(fault) == OUTAGES[fault]

    def get_operation(self, name: str) -> Operation:
        """The operation of this name."""
        return next(one for one in self.factory.operations if one.name == name)

    def make_settings(self, address: str, **changes: Any) -> AdapterSettings:
        """The adapter's settings for an agency at this address."""
        given = {name.lower(): value for name, value in self.simulator.settings.items()}
        return self.factory.settings(**{**given, **self.settings, **changes, "base_url": address})

    @asynccontextmanager
    async def open(self, address: str, **changes: Any) -> AsyncIterator[Adapter]:
        """The adapter for an agency at this address, until the block ends."""
        adapter = self.factory.create(self.make_settings(address, **changes))
        try:
            yield adapter
        finally:
            await adapter.close()

    async def call(self, adapter: Adapter, name: str) -> Result:
        """What becomes of one call of an operation; of a poll, its first step. Any exception but a fault is a defect."""
        try:
            async with asyncio.timeout(self.longest):
                return await self._call(adapter, name)
        except AgencyFault as fault:
            return Result(fault.failure, _write(fault), fault.retry_after)
        except Refused as refusal:
            wait = refusal.headers.get("Retry-After")
            text = f"{_write(refusal)} {refusal.to_document()}"
            return Result(_class_refusal(refusal), text, None if wait is None else float(wait))
        except TimeoutError:
            pytest.fail(f"{name} did not end within {self.longest:.0f} s: the adapter does not honour its time-out")

    async def _call(self, adapter: Adapter, name: str) -> Result:
        match self.get_operation(name).does:
            case Does.DELIVER:
                assert isinstance(adapter, Deliver)
                events = self.events[name]
                return _join_outcomes(await adapter.deliver(name, events), len(events))
            case Does.POLL:
                assert isinstance(adapter, Poll)
                return _judge_step(await adapter.poll(name, None))
            case Does.QUERY:
                assert isinstance(adapter, Query)
                await adapter.query(name, Question("uji", self.questions[name], "uji"))
                return Result(None)
            case Does.PUSH:
                pytest.fail(f"{name} is a push: the agency calls the bus by it, and the suite calls the agency")

    async def expect_success(self, adapter: Adapter, name: str) -> None:
        """Call an operation; the agency must do what it is asked."""
        result = await self.call(adapter, name)
        assert result.failure is None, f"{name}: {result.text}"

    def list_secrets(self, address: str) -> set[str]:
        """The secret settings, as they are."""
        values = self.make_settings(address).model_dump().values()
        return {value.get_secret_value() for value in values if isinstance(value, SecretStr)}


def run(work: Coroutine[Any, Any, Value]) -> Value:
    """The result of a coroutine, in an event loop of its own, so that the suite needs no plugin of pytest."""
    return asyncio.run(work)


def _join_outcomes(outcomes: Sequence[Outcome], sent: int) -> Result:
    assert len(outcomes) == sent, "deliver returns one outcome for each event"
    worst = next((one for one in outcomes if one.failure is not None), outcomes[0])
    return Result(worst.failure, " ".join(one.detail for one in outcomes), worst.retry_after)


def _judge_step(step: Polled) -> Result:
    if step.fault is None:
        return Result(None)
    return Result(step.fault.failure, _write(step.fault), step.fault.retry_after)


def _write(error: Exception) -> str:
    return "".join(format_exception(error))


def _class_refusal(refusal: Refused) -> Failure:
    if isinstance(refusal, AgencyUnavailable | QuotaExhausted):
        return Failure.TRANSIENT
    return Failure.SINK_DOWN if isinstance(refusal, AgencyRefused) else Failure.PERMANENT
