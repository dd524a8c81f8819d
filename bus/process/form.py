"""The form of a bus: everything within one process, or processes beside a broker. All that differs between the two is here."""

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
    Reclaim,
    Turn,
    WrittenClaims,
    find_broker,
    is_reachable,
)
from bus.journal import Beside, NothingBeside
from bus.process.wakeups import Wakeups
from bus.settings import Settings
from bus.storage import Changes, Storage


class Form(Protocol):
    """One process's parts that depend on the form of its bus."""

    @property
    def handover(self) -> Handover:
        """The way of runs from relay to workers."""
        ...

    def beside(self, turn: Turn[FanOut]) -> Beside:
        """What appends of this process write beside their events."""
        ...

    def reclaim(self) -> Reclaim:
        """What the relay does about leases of dead processes."""
        ...

    def claims(self, heartbeat: Heartbeat) -> Claims:
        """What the workers say of the runs that they make."""
        ...

    def spread(self, changes: Changes, wakeups: Wakeups, stack: AsyncExitStack) -> None:
        """Have a change that this process makes looked at wherever a process of the bus runs."""
        ...

    def is_reachable(self) -> bool:
        """Whether runs can be handed over now; it may take a moment to find out."""
        ...


class OneProcess:
    """Relay and workers are this process; other processes serve the API at most."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.handover: Handover = Here()

    def beside(self, turn: Turn[FanOut]) -> Beside:
        """The deliveries of small appends."""
        return AlongAppends(turn)

    def reclaim(self) -> Reclaim:
        """Everything leased is due at the start."""
        return Reclaim(self._storage, is_alone=True)

    def claims(self, heartbeat: Heartbeat) -> Claims:
        """Nobody else could make these runs."""
        return NoClaims()

    def spread(self, changes: Changes, wakeups: Wakeups, stack: AsyncExitStack) -> None:
        """This process looks at once, others in their time."""
        wakeups.changed.listen(changes.look_now)

    def is_reachable(self) -> bool:
        """Always: nothing leaves the process."""
        return True


class BesideBroker:
    """Processes of any roles, with a broker between them."""

    def __init__(self, storage: Storage, address: BrokerAddress) -> None:
        self._storage = storage
        self._address = address
        self.handover: Handover = Broker(address)

    def beside(self, turn: Turn[FanOut]) -> Beside:
        """Nothing: a publisher must not wait for the broker."""
        return NothingBeside()

    def reclaim(self) -> Reclaim:
        """What dead workers claimed is due."""
        return Reclaim(self._storage, is_alone=False)

    def claims(self, heartbeat: Heartbeat) -> Claims:
        """Claims that the relay finds in the database."""
        return WrittenClaims(Leases(self._storage), heartbeat)

    def spread(self, changes: Changes, wakeups: Wakeups, stack: AsyncExitStack) -> None:
        """Every process that hears the bell looks at once."""
        bell = ChangesBell(self._address, changes.look_now)
        bell.start()
        wakeups.changed.listen(bell.ring)
        stack.push_async_callback(asyncio.to_thread, bell.stop)

    def is_reachable(self) -> bool:
        """Whether the broker answers."""
        return is_reachable(self._address)


def form_of(settings: Settings, storage: Storage) -> Form:
    """The form that the settings ask for."""
    address = find_broker(settings.broker_url, settings.broker_prefix)
    return OneProcess(storage) if address is None else BesideBroker(storage, address)
