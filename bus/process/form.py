"""The form of a bus: everything in one process, or several processes beside a broker. All differences of the two are here."""

import asyncio
from contextlib import AsyncExitStack
from typing import Protocol

from bus.delivery import (
    AlongAppends,
    Broker,
    BrokerAddress,
    ChangesBell,
    Claims,
    FanOut,
    Handover,
    Heartbeat,
    Here,
    Leases,
    NoClaims,
    Reach,
    Reclaim,
    Turn,
    WrittenClaims,
    find_broker,
    look_for,
)
from bus.journal import Beside, NothingBeside
from bus.process.wakeups import Wakeups
from bus.settings import Settings
from bus.storage import Changes, Storage


class Form(Protocol):
    """The parts of a process that depend on the form of its bus."""

    @property
    def handover(self) -> Handover:
        """Hands runs over from the relay to workers."""
        ...

    def beside(self, turn: Turn[FanOut]) -> Beside:
        """The writer beside the appends of this process."""
        ...

    def reclaim(self) -> Reclaim:
        """The reclaim, which makes the leases of dead processes due."""
        ...

    def claims(self, heartbeat: Heartbeat) -> Claims:
        """How workers say which runs they work on."""
        ...

    def spread(self, changes: Changes, wakeups: Wakeups, stack: AsyncExitStack) -> None:
        """Tell every process of the bus to look for a change that this process makes.

        Args:
            stack: stops what this method starts.
        """
        ...

    def look_for_broker(self) -> Reach:
        """Whether runs can be handed over now. It may block for a second."""
        ...


class OneProcess:
    """The form in which this process is relay and worker. Other processes may only serve the API."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.handover: Handover = Here()

    def beside(self, turn: Turn[FanOut]) -> Beside:
        """A writer of the deliveries of small appends."""
        return AlongAppends(turn)

    def reclaim(self) -> Reclaim:
        """A reclaim that makes all leased deliveries due at the start."""
        return Reclaim(self._storage, is_alone=True)

    def claims(self, heartbeat: Heartbeat) -> Claims:
        """No claims: no other process could work on these runs."""
        return NoClaims()

    def spread(self, changes: Changes, wakeups: Wakeups, stack: AsyncExitStack) -> None:
        """Have this process look at once. Others look at their next interval."""
        wakeups.changed.listen(changes.look_now)

    def look_for_broker(self) -> Reach:
        """Always well: runs do not leave the process."""
        return Reach.TAKES


class BesideBroker:
    """The form of processes with any roles, and a broker between them."""

    def __init__(self, storage: Storage, address: BrokerAddress) -> None:
        self._storage = storage
        self._address = address
        self.handover: Handover = Broker(address)

    def beside(self, turn: Turn[FanOut]) -> Beside:
        """A writer of nothing: a publisher must not wait for the broker."""
        return NothingBeside()

    def reclaim(self) -> Reclaim:
        """A reclaim that makes the claimed deliveries of dead workers due."""
        return Reclaim(self._storage, is_alone=False)

    def claims(self, heartbeat: Heartbeat) -> Claims:
        """Claims in the database, where the relay finds them."""
        return WrittenClaims(Leases(self._storage), heartbeat)

    def spread(self, changes: Changes, wakeups: Wakeups, stack: AsyncExitStack) -> None:
        """Ring the broker's bell: every process that hears it looks at once."""
        bell = ChangesBell(self._address, changes.look_now)
        bell.start()
        wakeups.changed.listen(bell.ring)
        stack.push_async_callback(asyncio.to_thread, bell.stop)

    def look_for_broker(self) -> Reach:
        """Whether the broker answers, and takes messages."""
        return look_for(self._address)


def make_form(settings: Settings, storage: Storage) -> Form:
    """Make the form that the settings ask for."""
    address = find_broker(settings.broker, settings.broker_prefix)
    return OneProcess(storage) if address is None else BesideBroker(storage, address)
