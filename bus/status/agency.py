"""How an agency stands as a whole: its adapter, deliveries to it, its polls, questions to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from bus.agencies import KnownAgency, Pause, PollReport
from bus.delivery import AgencySink, Health


class Standing(Enum):
    """Whether the bus works with an agency."""

    SERVING = "serving"
    PAUSED = "paused"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class AgencyFailure:
    """A poll of an agency, or a delivery to it, that failed.

    Attributes:
        at: when.
        failure: its kind.
        status: the HTTP status; None: there was no answer, or it was a poll.
        detail: a text for the operator, without personal data.
    """

    at: datetime
    failure: str | None
    status: int | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class AgencyState:
    """How one agency stands.

    Attributes:
        known: what the settings say; an agency without settings is known by its polls, deliveries or pauses alone.
        pause: the operator's pause of the whole agency; None: there is none.
        polls: how its polls stand.
        sinks: how each delivery to it does.
    """

    known: KnownAgency
    pause: Pause | None
    polls: Sequence[PollReport]
    sinks: Sequence[Health]

    @property
    def standing(self) -> Standing:
        """Off counts before paused: a pause that ends would help nothing."""
        if self.known.off is not None:
            return Standing.OFF
        return Standing.SERVING if self.pause is None else Standing.PAUSED

    @property
    def why(self) -> str | None:
        """Why the bus does not work with it; None: it does."""
        return self.known.off or (None if self.pause is None else self.pause.reason)

    @property
    def last_success(self) -> datetime | None:
        """The newest poll or delivery that ended well; None: none ever did. Questions leave no trace."""
        moments = [one.polled_at for one in self.polls] + [one.succeeded_at for one in self.sinks]
        return max((one for one in moments if one is not None), default=None)

    @property
    def last_failure(self) -> AgencyFailure | None:
        """The poll or delivery that failed last; None: none ever did."""
        found = [
            AgencyFailure(one.failed_at, one.failure, one.status, one.detail)
            for one in self.sinks
            if one.failed_at is not None
        ]
        failures = [one.failure for one in self.polls if one.failure is not None]
        found += [AgencyFailure(one.at, one.kind.value, None, one.detail) for one in failures]
        return max(found, key=lambda one: one.at, default=None)

    @property
    def is_delivery_open(self) -> bool:
        """Whether the bus leaves a delivery to it in peace, since the agency fails."""
        return any(one.circuit_since is not None for one in self.sinks)

    @property
    def held(self) -> int:
        """The polls that hold deletions back until the operator says so."""
        return sum(any(held.released is None for held in one.held) for one in self.polls)

    @property
    def set_aside(self) -> int:
        """The rows that are set aside."""
        return sum(one.set_aside for one in self.polls)

    @property
    def is_troubled(self) -> bool:
        """Whether somebody should look."""
        is_empty = self.known.quota_left == 0
        is_failing = any(one.failing_since is not None for one in self.sinks)
        is_failing |= any(one.failure is not None and one.failure.is_troubled for one in self.polls)
        is_stopped = self.standing is not Standing.SERVING or bool(self.known.is_left_in_peace)
        return is_stopped or is_empty or is_failing or bool(self.held or self.set_aside)


def sum_agencies(
    known: Sequence[KnownAgency],
    pauses: Sequence[Pause],
    polls: Sequence[PollReport],
    sinks: Sequence[tuple[AgencySink, Health]],
) -> list[AgencyState]:
    """The state of each agency that anything is known of, those first that somebody should look at, then by name."""
    by_name = {one.name: one for one in known}
    names = {*by_name, *(one.agency for one in pauses), *(one.poll.adapter for one in polls)}
    states = [
        AgencyState(
            by_name.get(name, KnownAgency(name)),
            next((one for one in pauses if one.agency == name and one.operation is None), None),
            [one for one in polls if one.poll.adapter == name],
            [health for sink, health in sinks if sink.adapter == name],
        )
        for name in names | {sink.adapter for sink, _ in sinks}
    ]
    return sorted(states, key=lambda one: (not one.is_troubled, one.known.name))
