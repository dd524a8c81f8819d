from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.delivery.retry import RetryPolicy, plan_next_attempt
from bus.kit import LONGEST_WAIT, Failure, Outcome

DAY = 24 * 3600


def a_failure(failure: Failure = Failure.TRANSIENT, retry_after: float | None = None) -> Outcome:
    return Outcome(failure, "the sink answered 503", retry_after, 503)


def a_policy(first: float = 5.0, longest: float = 7200.0, max_attempts: int = 80) -> RetryPolicy:
    return RetryPolicy(first, longest, max_attempts)


class Highest(Random):
    """Draws the upper bound, so that a test sees it."""

    def uniform(self, a: float, b: float) -> float:
        return b


def test_a_permanent_failure_is_dead_at_once():
    assert plan_next_attempt(a_failure(Failure.PERMANENT), 1, a_policy(), Random(1)) is None


@pytest.mark.parametrize("failure", [Failure.TRANSIENT, Failure.SINK_DOWN])
def test_any_other_failure_is_tried_until_the_attempts_are_used_up(failure: Failure):
    policy = a_policy(max_attempts=3)
    tried = [
        plan_next_attempt(a_failure(failure), attempts, policy, Random(1)) is not None for attempts in (1, 2, 3, 4)
    ]
    assert tried == [True, True, False, False]


@pytest.mark.parametrize(
    ("attempts", "bound"), [(1, 5), (2, 10), (3, 20), (10, 2560), (11, 5120), (12, 7200), (79, 7200)]
)
def test_the_backoff_doubles_up_to_the_longest(attempts: int, bound: float):
    assert plan_next_attempt(a_failure(), attempts, a_policy(), Highest()) == bound


def test_a_policy_of_very_many_attempts_does_not_overflow():
    assert plan_next_attempt(a_failure(), 5000, a_policy(max_attempts=10_000), Highest()) == 7200


def test_deliveries_that_failed_together_spread_over_the_whole_backoff():
    random = Random(1)
    waits = [plan_next_attempt(a_failure(), 5, a_policy(), random) or 0 for _ in range(1000)]
    assert min(waits) < 4
    assert max(waits) > 76
    assert 36 < sum(waits) / len(waits) < 44


def test_the_default_policy_tries_for_about_three_days():
    random = Random(1)
    policy = RetryPolicy()
    waits = [
        plan_next_attempt(a_failure(), attempts, policy, random) or 0 for attempts in range(1, policy.max_attempts)
    ]
    assert 2.5 * DAY < sum(waits) < 3.5 * DAY


def test_a_sink_that_says_when_is_believed():
    assert plan_next_attempt(a_failure(retry_after=120), 1, a_policy(), Random(1)) == 120


def test_a_sink_that_always_says_one_second_does_not_use_up_all_attempts_in_a_minute():
    assert plan_next_attempt(a_failure(retry_after=1), 10, a_policy(), Highest()) == 2560


def test_a_sink_that_says_next_century_is_tried_after_a_day():
    assert plan_next_attempt(a_failure(retry_after=1e12), 1, a_policy(), Random(1)) == LONGEST_WAIT


@given(
    attempts=st.integers(0, 10**6),
    wait=st.none() | st.floats(-1e18, 1e18),
    seed=st.integers(),
)
def test_the_next_attempt_is_never_in_the_past_and_never_out_of_reach(attempts: int, wait: float | None, seed: int):
    when = plan_next_attempt(a_failure(retry_after=wait), attempts, a_policy(max_attempts=2 * 10**6), Random(seed))
    assert when is not None
    assert 0 <= when <= LONGEST_WAIT
