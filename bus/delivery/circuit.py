"""The circuit of one sink. After failures in a row the sink is left in peace. Then one delivery asks it again.

A sink fails in two ways. It is *down*: it gives no answer, or a gateway answers for it. Or it *refuses*: it answers, and does
not take the event (401, 404). One event can cause either. So an event counts once, however often it is tried again.
"""

from dataclasses import dataclass, replace
from enum import Enum
from http import HTTPStatus
from random import Random

from bus.kit import Failure, Outcome


class State(Enum):
    """Where a circuit is in its life."""

    CLOSED = "closed"
    """Deliveries go."""
    OPEN = "open"
    """None goes until the pause is over."""
    HALF_OPEN = "half open"
    """One delivery, the probe, is on its way; its outcome decides."""


class Signal(Enum):
    """What moves a circuit."""

    STRAINED = "strained"
    """The sink failed, not yet too often in a row."""
    FAILED = "failed"
    """The sink failed once too often; for a probe once is too often."""
    ANSWERED = "answered"
    """The sink took an event, or rejected it by itself: it lives. A few refusals do not deny that."""
    PROBED = "probed"
    """The pause is over and one delivery was let through."""


TRANSITIONS: dict[tuple[State, Signal], State] = {
    (State.CLOSED, Signal.STRAINED): State.CLOSED,
    (State.CLOSED, Signal.FAILED): State.OPEN,
    (State.CLOSED, Signal.ANSWERED): State.CLOSED,
    (State.OPEN, Signal.PROBED): State.HALF_OPEN,
    # Late answers of what was in flight when it opened.
    (State.OPEN, Signal.FAILED): State.OPEN,
    (State.OPEN, Signal.ANSWERED): State.CLOSED,
    (State.HALF_OPEN, Signal.FAILED): State.OPEN,
    (State.HALF_OPEN, Signal.ANSWERED): State.CLOSED,
    # The probe was lost (its worker died): the next one goes.
    (State.HALF_OPEN, Signal.PROBED): State.HALF_OPEN,
}


@dataclass(frozen=True, slots=True)
class CircuitPolicy:
    """When a circuit opens and for how long.

    Attributes:
        threshold: opens when the sink was down for so many events in a row.
        refusals: opens when the sink refused so many events in a row.
        first: seconds of the first pause; doubled each time the probe finds the sink down.
        longest: seconds of the longest pause.
        probe: seconds after which a probe without an outcome counts as lost. Above the sink's time-out.
    """

    threshold: int = 5
    refusals: int = 25
    first: float = 5.0
    longest: float = 300.0
    probe: float = 30.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit at one moment. Times are seconds of any clock that does not go back.

    Attributes:
        failures: events in a row for which the sink was down.
        refused: events that the sink refused since it last took one.
        openings: how often in a row it opened because the sink was down.
        until: when open, the end of the pause; when half open, when its probe counts as lost.
    """

    policy: CircuitPolicy = CircuitPolicy()
    state: State = State.CLOSED
    failures: int = 0
    refused: int = 0
    openings: int = 0
    until: float = 0.0

    def admits(self, now: float) -> bool:
        """Whether a delivery may go now. One that goes is told to `let_through`."""
        return self.state is State.CLOSED or now >= self.until

    def let_through(self, now: float) -> "Circuit":
        """The circuit after one delivery was let through. Unless the circuit is closed, this delivery is the probe.

        No other delivery goes before the probe's outcome.
        """
        if self.state is State.CLOSED:
            return self
        return replace(self, state=TRANSITIONS[self.state, Signal.PROBED], until=now + self.policy.probe)

    def hastened(self, now: float) -> "Circuit":
        """The circuit after somebody said that the sink is mended. Unless it is closed, the next delivery goes as the probe."""
        return self if self.state is State.CLOSED else replace(self, until=min(self.until, now))

    def after(self, outcome: Outcome, now: float, random: Random, *, is_first: bool = True) -> "Circuit":
        """The circuit after this outcome of a delivery.

        A transient failure says nothing about the sink. The probe is the exception: its transient failure says that the sink
        answers again.

        Args:
            is_first: the event was never tried before. If one event fails twice, that says nothing new about the sink.
        """
        if outcome.failure is None and self.state is State.CLOSED and not (self.failures or self.refused):
            return self
        if outcome.failure is Failure.SINK_DOWN:
            after = self._after_refusal if _is_refusal(outcome) else self._after_failure
            return after(outcome, now, random, int(is_first))
        if outcome.failure is Failure.TRANSIENT and self.state is not State.HALF_OPEN:
            return self
        return Circuit(self.policy, TRANSITIONS[self.state, Signal.ANSWERED])

    def _after_failure(self, outcome: Outcome, now: float, random: Random, new: int) -> "Circuit":
        failed = replace(self, failures=self.failures + new)
        openings = max(1, self.openings + new)
        until = now + self._pause(self.policy.first * 2.0 ** min(openings - 1, 32), outcome, random)
        return failed._opened(openings, until, is_strained=failed.failures < self.policy.threshold)

    def _after_refusal(self, outcome: Outcome, now: float, random: Random, new: int) -> "Circuit":
        refused = replace(self, refused=self.refused + new)
        is_strained = refused.refused < self.policy.refusals
        if is_strained and self.state is State.HALF_OPEN:
            # The sink was down. Now it answers.
            return replace(refused, state=TRANSITIONS[self.state, Signal.ANSWERED], failures=0, openings=0)
        # By the square: dozens of refused events pass within seconds. A sink that refuses all of them is left in peace.
        until = now + self._pause(self.policy.first * (refused.refused / 100) ** 2, outcome, random)
        return refused._opened(0, until, is_strained=is_strained)

    def _opened(self, openings: int, until: float, *, is_strained: bool) -> "Circuit":
        signal = Signal.STRAINED if is_strained and self.state is State.CLOSED else Signal.FAILED
        state = TRANSITIONS[self.state, signal]
        return self if state is self.state else replace(self, state=state, openings=openings, until=until)

    def _pause(self, seconds: float, outcome: Outcome, random: Random) -> float:
        # Half fixed, half jitter: never at once, and the circuits of sinks that fell together do not probe together.
        longest = min(self.policy.longest, seconds)
        asked = min(outcome.retry_after or 0.0, self.policy.longest)
        return max(longest / 2 + random.uniform(0, longest / 2), asked)


def _is_refusal(outcome: Outcome) -> bool:
    """Whether the sink itself answered. What a gateway says for it (5xx), and 429, concern every event."""
    return outcome.status is not None and outcome.status < 500 and outcome.status != HTTPStatus.TOO_MANY_REQUESTS
