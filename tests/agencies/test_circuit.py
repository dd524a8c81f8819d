"""The circuit of an agency's queries, and questions in flight."""

import asyncio

import pytest

from bus.agencies.circuit import QueryCircuit
from bus.agencies.in_flight import InFlight


def an_open_circuit() -> QueryCircuit:
    """Opened at second 0, for 5 seconds."""
    circuit = QueryCircuit(failures=2, seconds=5.0)
    circuit.fail(0.0)
    assert circuit.fail(0.0)
    return circuit


def test_it_opens_after_failures_in_a_row() -> None:
    circuit = QueryCircuit(failures=2)
    circuit.fail(0.0)
    circuit.succeed()
    assert not circuit.fail(0.0)
    assert circuit.find_wait(0.0) is None
    assert circuit.fail(0.0)
    assert circuit.find_wait(0.0) == 5.0


def test_after_its_time_one_question_passes_and_the_others_wait() -> None:
    circuit = an_open_circuit()
    assert [circuit.find_wait(second) for second in (4.0, 5.0, 5.0)] == [1.0, None, 1.0]


def test_an_answer_closes_it() -> None:
    circuit = an_open_circuit()
    circuit.find_wait(5.0)
    circuit.succeed()
    assert [circuit.find_wait(5.0), circuit.find_wait(5.0)] == [None, None]


def test_a_failed_probe_opens_it_for_twice_as_long_up_to_a_bound() -> None:
    circuit, now, waits = an_open_circuit(), 0.0, []
    for _ in range(8):
        wait = circuit.find_wait(now)
        assert wait is not None
        waits.append(wait)
        now += wait
        assert circuit.find_wait(now) is None
        circuit.fail(now)
    assert waits == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]


def test_a_late_failure_of_an_earlier_question_prolongs_nothing() -> None:
    circuit = an_open_circuit()
    assert not circuit.fail(4.0)
    assert circuit.find_wait(5.0) is None


def test_a_probe_that_nobody_waits_for_lets_another_one_pass() -> None:
    circuit = an_open_circuit()
    circuit.find_wait(5.0)
    circuit.give_up()
    assert circuit.find_wait(5.0) is None


class Agency:
    """Answers its number of questions so far, once it is open."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked = self.cancelled = 0

    async def __call__(self) -> int:
        self.asked += 1
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.asked


async def _let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_the_same_at_the_same_time_gets_one_answer() -> None:
    agency, shared = Agency(), InFlight[int]()
    tasks = [asyncio.ensure_future(shared.share("siapa", agency)) for _ in range(3)]
    await _let_others_run()
    agency.open.set()
    assert await asyncio.gather(*tasks) == [1, 1, 1]
    assert await shared.share("siapa", agency) == 2


async def test_one_who_leaves_takes_the_answer_from_nobody() -> None:
    agency, shared = Agency(), InFlight[int]()
    first, second = (asyncio.ensure_future(shared.share("siapa", agency)) for _ in range(2))
    await _let_others_run()
    first.cancel()
    await _let_others_run()
    agency.open.set()
    assert await second == 1


async def test_a_question_that_nobody_waits_for_is_given_up_and_answers_no_later_one() -> None:
    agency, shared = Agency(), InFlight[int]()
    left = asyncio.ensure_future(shared.share("siapa", agency))
    await _let_others_run()
    left.cancel()
    await _let_others_run()
    agency.open.set()
    assert await shared.share("siapa", agency) == 2
    assert agency.cancelled == 1


async def test_a_refusal_reaches_all_and_is_not_kept() -> None:
    async def refuse() -> int:
        await asyncio.sleep(0)
        raise ValueError("tidak")

    shared = InFlight[int]()
    refused = await asyncio.gather(*(shared.share("siapa", refuse) for _ in range(2)), return_exceptions=True)
    assert [type(one) for one in refused] == [ValueError, ValueError]
    agency = Agency()
    agency.open.set()
    assert await shared.share("siapa", agency) == 1
    with pytest.raises(ValueError, match="tidak"):
        await shared.share("lain", refuse)
