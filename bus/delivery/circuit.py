"""The circuit of one sink: after failures in a row the sink is left in peace, then asked again with one delivery."""

from dataclasses import dataclass, replace
from enum import Enum
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
    """The sink took, or refused, an event by itself: it lives."""
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
        threshold: opens at so many sink failures in a row.
        first: seconds of the first pause; doubled each time the probe fails.
        longest: seconds of the longest pause.
        probe: seconds after which a probe without an outcome counts as lost. Above the sink's time-out.
    """

    threshold: int = 5
    first: float = 5.0
    longest: float = 300.0
    probe: float = 30.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit at one moment. Times are seconds of any clock that does not go back.

    Attributes:
        failures: sink failures in a row.
        openings: how often it opened since it was last closed.
        until: when open, the end of the pause; when half open, when its probe counts as lost.
    """

    policy: CircuitPolicy = CircuitPolicy()
    state: State = State.CLOSED
    failures: int = 0
    openings: int = 0
    until: float = 0.0

    def admits(self, now: float) -> bool:
        """Whether a delivery may go now. One that goes is told to `let_through`."""
        return self.state is State.CLOSED or now >= self.until

    def let_through(self, now: float) -> "Circuit":
        """The circuit after one delivery went: unless closed, that is the probe, and no other goes before its outcome."""
        if self.state is State.CLOSED:
            return self
        return replace(self, state=TRANSITIONS[self.state, Signal.PROBED], until=now + self.policy.probe)

    def after(self, outcome: Outcome, now: float, random: Random) -> "Circuit":
        """The circuit after this outcome of a delivery.

        A transient failure says nothing of the sink, except from the probe: there it says that the sink lives.
        """
        if outcome.failure is None and self.state is State.CLOSED and self.failures == 0:
            return self
        if outcome.failure is Failure.SINK_DOWN:
            return self._failed(outcome.retry_after or 0.0, now, random)
        if outcome.failure is Failure.TRANSIENT and self.state is not State.HALF_OPEN:
            return self
        return Circuit(self.policy, TRANSITIONS[self.state, Signal.ANSWERED])

    def _failed(self, retry_after: float, now: float, random: Random) -> "Circuit":
        failures = self.failures + 1
        strained = self.state is State.CLOSED and failures < self.policy.threshold
        signal = Signal.STRAINED if strained else Signal.FAILED
        state = TRANSITIONS[self.state, signal]
        if state is self.state:
            return replace(self, failures=failures)
        pause = max(self._pause(random), min(retry_after, self.policy.longest))
        return replace(self, state=state, failures=failures, openings=self.openings + 1, until=now + pause)

    def _pause(self, random: Random) -> float:
        # Half fixed, half jitter: never at once, and the circuits of sinks that fell together do not probe together.
        longest = min(self.policy.longest, self.policy.first * 2.0 ** min(self.openings, 32))
        return longest / 2 + random.uniform(0, longest / 2)
