"""An attempt that failed, as a worker writes it."""

from bus import clock
from bus.delivery.attempts import Attempt
from bus.delivery.state import DeliveryState
from bus.kit import Failure


def a_failed_attempt(
    subscription: int,
    position: int,
    *,
    lease: int = 0,
    failure: Failure = Failure.TRANSIENT,
    status: int | None = 500,
    detail: str = "the sink answered 500 Internal Server Error: it failed inside",
    answer: bytes = b"Traceback: NIK 3524 tidak dikenal",
    seconds: float = 3600,
) -> Attempt:
    """A failed attempt.

    Args:
        lease: `due_at` of the delivery when it was tried.
        seconds: until the next attempt.
    """
    now = clock.now_micros()
    due = now + int(seconds * 1_000_000)
    return Attempt(
        subscription,
        position,
        None,
        lease,
        1,
        DeliveryState.PENDING,
        due,
        now,
        failure.value,
        status,
        detail,
        12,
        answer,
    )
