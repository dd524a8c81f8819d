"""Retries: decide when a failed delivery is tried again, and when it is dead. The numbers are settings (`settings.py`)."""

from dataclasses import dataclass
from random import Random

from bus.kit import LONGEST_WAIT, Failure, Outcome
from bus.kit import read_retry_after as read_retry_after

_MOST_DOUBLINGS = 63  # beyond every `longest`, and far from overflow


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to try. A process gets these numbers from its settings.

    Attributes:
        first: upper bound of the first backoff, in seconds. It doubles with each attempt.
        longest: upper bound of every backoff, in seconds.
        max_attempts: number of attempts after which the delivery is dead.
    """

    first: float = 5.0
    longest: float = 7200.0
    max_attempts: int = 80


def plan_next_attempt(outcome: Outcome, attempts: int, policy: RetryPolicy, random: Random) -> float | None:
    """Seconds until the next attempt, never negative; None: the delivery is dead.

    Full jitter after Brooker, "Exponential Backoff And Jitter" (2015): deliveries that failed together spread out. The sink's
    `Retry-After` is the shortest wait, not the wait itself. Otherwise a sink that answers `1` for an hour would use up all
    attempts in a minute.

    Args:
        outcome: how the last attempt failed.
        attempts: number of attempts with the last one.
    """
    if outcome.failure is Failure.PERMANENT or attempts >= policy.max_attempts:
        return None
    doublings = min(max(attempts - 1, 0), _MOST_DOUBLINGS)
    backoff = random.uniform(0, min(policy.longest, policy.first * 2**doublings))
    return max(backoff, min(outcome.retry_after or 0.0, LONGEST_WAIT))
