from dataclasses import replace
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.delivery.circuit import TRANSITIONS, Circuit, CircuitPolicy, Signal, State
from bus.kit import DELIVERED, Failure, Outcome

DOWN = Outcome(Failure.SINK_DOWN, "refused")
STUMBLED = Outcome(Failure.TRANSIENT, "500")
REFUSED = Outcome(Failure.PERMANENT, "400")

POLICY = CircuitPolicy(threshold=3, first=10, longest=80, probe=30)


class Highest(Random):
    """Draws the upper bound, so that a test sees it."""

    def uniform(self, a: float, b: float) -> float:
        return b


def a_circuit(*outcomes: Outcome, at: float = 0) -> Circuit:
    circuit = Circuit(POLICY)
    for outcome in outcomes:
        circuit = circuit.after(outcome, at, Random(1))
    return circuit


def an_open_circuit() -> Circuit:
    return a_circuit(DOWN, DOWN, DOWN)


def a_probing_circuit() -> Circuit:
    circuit = an_open_circuit()
    return circuit.let_through(circuit.until)


def test_a_new_circuit_lets_deliveries_go():
    assert a_circuit().admits(0)


def test_it_opens_at_the_threshold_and_not_before():
    assert a_circuit(DOWN, DOWN).state is State.CLOSED
    assert a_circuit(DOWN, DOWN, DOWN).state is State.OPEN


@pytest.mark.parametrize("answer", [DELIVERED, REFUSED])
def test_an_answer_in_between_starts_the_count_anew(answer: Outcome):
    assert a_circuit(DOWN, DOWN, answer, DOWN, DOWN).state is State.CLOSED


def test_events_that_the_sink_stumbles_over_do_not_open_it():
    assert a_circuit(*[STUMBLED] * 100).state is State.CLOSED


def test_a_stumble_in_between_does_not_hide_that_the_sink_is_down():
    assert a_circuit(DOWN, STUMBLED, DOWN, STUMBLED, DOWN).state is State.OPEN


def test_while_open_nothing_goes():
    circuit = an_open_circuit()
    assert not circuit.admits(circuit.until - 0.001)
    assert circuit.admits(circuit.until)


def test_after_the_pause_one_probe_goes_and_no_second():
    circuit = an_open_circuit()
    probing = circuit.let_through(circuit.until)
    assert probing.state is State.HALF_OPEN
    assert not probing.admits(circuit.until + 1)


def test_a_lost_probe_is_followed_by_another():
    circuit = a_probing_circuit()
    assert circuit.admits(circuit.until)
    assert not circuit.let_through(circuit.until).admits(circuit.until + 1)


@pytest.mark.parametrize("answer", [DELIVERED, REFUSED, STUMBLED])
def test_a_probe_that_is_answered_closes_it(answer: Outcome):
    assert a_probing_circuit().after(answer, 20, Random(1)) == Circuit(POLICY)


def test_each_failed_probe_doubles_the_pause_up_to_the_longest():
    circuit = an_open_circuit()
    pauses = []
    for _ in range(5):
        now = circuit.until
        circuit = circuit.let_through(now).after(DOWN, now, Highest())
        pauses.append(round(circuit.until - now))
    assert pauses == [20, 40, 80, 80, 80]


def test_late_failures_of_what_was_in_flight_do_not_lengthen_the_pause():
    circuit = an_open_circuit()
    assert circuit.after(DOWN, 1, Random(2)).until == circuit.until


@pytest.mark.parametrize(("late", "state"), [(DELIVERED, State.CLOSED), (STUMBLED, State.OPEN)])
def test_a_late_ack_closes_it_and_a_late_stumble_does_not(late: Outcome, state: State):
    assert an_open_circuit().after(late, 1, Random(1)).state is state


def test_a_sink_that_says_how_long_is_left_alone_so_long_but_within_bounds():
    for asked, pause in ((60, 60), (10_000, POLICY.longest)):
        busy = Outcome(Failure.SINK_DOWN, "429", retry_after=asked)
        assert a_circuit(DOWN, DOWN, busy).until == pause


@given(st.integers(), st.integers(0, 10_000))
def test_pauses_have_jitter_and_bounds(seed: int, openings: int):
    circuit = Circuit(POLICY, State.HALF_OPEN, failures=9, openings=openings).after(DOWN, 0, Random(seed))
    assert POLICY.first / 2 <= circuit.until <= POLICY.longest


def test_the_table_covers_whatever_can_happen():
    impossible = {
        # A closed circuit is asked nothing; a failure beyond the first counts as FAILED unless it is closed.
        (State.CLOSED, Signal.PROBED),
        (State.OPEN, Signal.STRAINED),
        (State.HALF_OPEN, Signal.STRAINED),
    }
    assert set(TRANSITIONS) == set(product(State, Signal)) - impossible


NOT_FOUND = Outcome(Failure.SINK_DOWN, "404", status=404)


def a_refused_circuit(events: int, circuit: Circuit | None = None) -> Circuit:
    circuit = circuit or Circuit()
    for _ in range(events):
        circuit = circuit.after(NOT_FOUND, 0, Random(1))
    return circuit


def test_ten_events_that_are_refused_do_not_open_it():
    assert a_refused_circuit(10).state is State.CLOSED


def test_a_sink_that_refuses_every_event_is_left_in_peace():
    assert a_refused_circuit(24).state is State.CLOSED
    assert a_refused_circuit(25).state is State.OPEN


@pytest.mark.parametrize("outcome", [NOT_FOUND, DOWN, replace(DOWN, status=502)])
def test_one_event_that_fails_again_and_again_does_not_open_it(outcome: Outcome):
    circuit = Circuit().after(outcome, 0, Random(1))
    for _ in range(100):
        circuit = circuit.after(outcome, 0, Random(1), is_first=False)
    assert circuit.state is State.CLOSED


def test_refusals_between_events_that_are_taken_never_open_it():
    circuit = Circuit()
    for _ in range(50):
        circuit = a_refused_circuit(10, circuit).after(DELIVERED, 0, Random(1))
    assert circuit == Circuit()


def test_dozens_of_refused_events_pass_within_seconds_and_thousands_in_days():
    now, passed, circuit = 0.0, [0.0], Circuit()
    while now < 3 * 24 * 3600:
        circuit = circuit.let_through(now).after(NOT_FOUND, now, Highest())
        now = now if circuit.admits(now) else circuit.until
        passed.append(now)
    assert passed[50] < 30
    assert len(passed) < 3000


@pytest.mark.parametrize("status", [429, 502, 503])
def test_what_concerns_every_event_opens_it_soon(status: int):
    busy = replace(NOT_FOUND, status=status)
    circuit = Circuit()
    for _ in range(5):
        circuit = circuit.after(busy, 0, Random(1))
    assert circuit.state is State.OPEN


def test_a_sink_that_is_back_and_refuses_the_probe_is_asked_on():
    refused = an_open_circuit().let_through(100).after(NOT_FOUND, 100, Random(1))
    assert (refused.state, refused.failures, refused.openings) == (State.CLOSED, 0, 0)


def test_a_probe_of_an_event_that_failed_before_does_not_double_the_pause():
    circuit = an_open_circuit()
    for _ in range(5):
        now = circuit.until
        circuit = circuit.let_through(now).after(DOWN, now, Highest(), is_first=False)
        assert round(circuit.until - now) == POLICY.first


@given(st.lists(st.sampled_from(["ask", DELIVERED, STUMBLED, REFUSED, DOWN, NOT_FOUND])), st.integers())
def test_no_order_of_outcomes_breaks_it_or_shuts_it_for_good(steps: list[Outcome | str], seed: int):
    random, circuit = Random(seed), Circuit(POLICY)
    for now, step in enumerate(steps):
        if isinstance(step, Outcome):
            circuit = circuit.after(step, now, random)
        elif circuit.admits(now):
            circuit = circuit.let_through(now)
    assert circuit.admits(len(steps) + POLICY.longest)
