"""Facts: what the doctor knows of a bus before it judges anything."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from bus.agencies import PollFailure
from bus.contracts import EndingGrant
from bus.delivery import Failing
from bus.notices import FailingRecipient
from bus.refusals import Poll
from bus.storage import Condition


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk behind a folder, in bytes."""

    folder: Path
    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Sunset:
    """A deprecated version, with the day from which on nobody should use it."""

    contract: str
    version: str
    day: date


@dataclass(frozen=True, slots=True)
class NamedAgency:
    """An agency without settings, with the contracts in force that name its adapter."""

    agency: str
    contracts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OffAdapter:
    """A registered adapter whose version in force does not serve; `why` names settings, never their values."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class FailingPoll:
    """A poll that fails; `since` is its first failure in a row."""

    poll: Poll
    failure: PollFailure
    since: datetime


@dataclass(frozen=True, slots=True)
class Disabled:
    """A subscription that the bus disabled, because its webhook answered 410."""

    subscription: str
    participant: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the checks look at, gathered at one time.

    Attributes:
        today: the date in Lamongan.
        open_paths: files and folders with secrets or residents' data that other users of the machine can open.
        public_url: the setting; empty: clients on this machine alone reach the bus.
        disks: the disks of the data folder and of a SQLite database.
        condition: the database's.
        ahead_seconds: process to how far its clock is ahead of this machine's clock, by its last heartbeat.
        lag_events: events of the journal without deliveries.
        lag_seconds: the age of the oldest of these events.
        unattended_roles: roles for which deliveries wait while no process with the role lives.
        grants: grants that end soon, or ended a short time ago.
        sunsets: deprecated versions with a sunset.
        failing: subscriptions with a delivery that has failed for a day.
        tells_somebody: whether the settings have a way for notices to the operator.
        deaf: recipients of notices that take none.
        polls: polls that fail.
        is_development: whether `bus dev` made the bus.
    """

    today: date
    now: datetime
    open_paths: tuple[Path, ...]
    public_url: str
    disks: tuple[Disk, ...]
    condition: Condition
    ahead_seconds: tuple[tuple[str, float], ...]
    lag_events: int
    lag_seconds: float
    unattended_roles: tuple[str, ...]
    grants: tuple[EndingGrant, ...]
    sunsets: tuple[Sunset, ...]
    failing: tuple[Failing, ...]
    disabled: tuple[Disabled, ...]
    agencies: tuple[NamedAgency, ...]
    tells_somebody: bool
    deaf: tuple[FailingRecipient, ...]
    off_adapters: tuple[OffAdapter, ...]
    polls: tuple[FailingPoll, ...]
    is_development: bool
