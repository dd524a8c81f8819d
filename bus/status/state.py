"""The state of the whole, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bus.agencies import Pause, PollReport
from bus.delivery import Health, Lag, Living, Subscription, SubscriptionState
from bus.refusals import RefusedCount
from bus.status.agency import AgencyState


@dataclass(frozen=True, slots=True)
class SubscriberState:
    """How one subscription stands.

    Attributes:
        pending, dead: how many deliveries wait, and how many are given up until somebody redrives them; at most `MOST`.
        waiting_since: when the oldest event that waits was recorded; None: nothing waits.
        health: how its sink does.
        suspended: its contracts whose grant is suspended: their events wait, and no attempt tells why.
        ungranted: its contracts whose newest version grants it nothing any more: new events make no deliveries.
    """

    subscription: Subscription
    pending: int
    dead: int
    waiting_since: datetime | None
    health: Health
    suspended: Sequence[str] = ()
    ungranted: Sequence[str] = ()

    @property
    def is_troubled(self) -> bool:
        """Whether somebody should look: it gets nothing, its sink fails, or deliveries are dead."""
        is_active = self.subscription.state is SubscriptionState.ACTIVE
        is_stopped = self.pending > 0 and (not is_active or bool(self.suspended))
        return bool(self.dead or self.ungranted) or is_stopped or self.health.failing_since is not None


@dataclass(frozen=True, slots=True)
class PollState:
    """How a poll of an agency stands."""

    report: PollReport

    @property
    def is_troubled(self) -> bool:
        """Whether somebody should look: it fails, rows are set aside, or deletions wait for the operator's word."""
        failure = self.report.failure
        is_failing = failure is not None and failure.is_troubled
        return bool(is_failing or self.report.set_aside or any(one.released is None for one in self.report.held))


@dataclass(frozen=True, slots=True)
class ProducerState:
    """The newest event of a contract.

    Attributes:
        participant: who sent it; None: nobody sent any.
        fresh_hours: how fresh the contract wants its data; None: it does not say.
        silent: the producers that the contract names, if none of them sent an event for longer; else empty.
    """

    contract: str
    participant: str | None
    last_event: datetime | None
    fresh_hours: int | None
    silent: Sequence[str]

    @property
    def is_troubled(self) -> bool:
        """Whether its data are older than its contract wants."""
        return bool(self.silent)


@dataclass(frozen=True, slots=True)
class BusState:
    """How the bus itself does.

    Attributes:
        position: the newest event's.
        disk_free, disk_total: bytes of the disk with the data folder.
        living: processes that deliver.
        unattended: roles for which deliveries wait, and no process lives.
    """

    position: int
    lag: Lag
    disk_free: int
    disk_total: int
    living: Sequence[Living]
    unattended: Sequence[str]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the whole, or a participant's part of it.

    Attributes:
        bus: None for a participant.
        refused: events that were refused in the last day.
        pauses: the agencies and operations that the operator paused.
        agencies: how each agency stands as a whole.
    """

    at: datetime
    version: str
    bus: BusState | None
    subscribers: Sequence[SubscriberState]
    polls: Sequence[PollState]
    producers: Sequence[ProducerState]
    refused: Sequence[RefusedCount]
    pauses: Sequence[Pause] = ()
    agencies: Sequence[AgencyState] = ()
