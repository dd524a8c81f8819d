"""The runs that the relay hands over, and the protocol of the two handovers.

`here` serves relay and workers in one process. `broker` serves them in several.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from bus.delivery.ledger import Lease, LeasedDelivery
from bus.journal import Entry

Loaded = Sequence[tuple[LeasedDelivery, Entry]]
"""A run's deliveries in position order, each with its event."""


@dataclass(frozen=True, slots=True)
class Received:
    """A run for a worker.

    Attributes:
        lease: the run's name.
        take_loaded: gives the run's deliveries with their events, once. If it gives None, the worker reads the database.
        done: tells that the worker has finished the run. Callable from any thread.
    """

    lease: Lease
    take_loaded: Callable[[], Loaded | None]
    done: Callable[[], None]


class Receiver(Protocol):
    """The receiving end of the handover, for one worker."""

    @property
    def connected(self) -> bool:
        """Whether runs can arrive now."""
        ...

    def start(self) -> None:
        """Begin to receive."""
        ...

    def stop(self) -> None:
        """End receiving. Runs that are not done may go to another worker."""
        ...


class Handover(Protocol):
    """Brings runs from the relay to the workers.

    Promise: a run that `send` took reaches one worker that listens to its subscription, unless it gets lost. A lost run is
    handed over again when its lease ends. A worker may receive a run twice.
    """

    def send(self, lease: Lease, loaded: Loaded | None) -> bool:
        """Hand a run over. Returns False if nobody can take it now. One thread at a time calls it.

        Args:
            loaded: the run's deliveries with their events, if the relay has them.
        """
        ...

    def make_receiver(
        self, subscriptions: Callable[[], Collection[int]], received: Callable[[Received], None]
    ) -> Receiver:
        """The receiver of a worker, not started yet.

        Args:
            subscriptions: gives the subscriptions to listen to now; the same object until they change.
            received: called from another thread with each run; it must not block.
        """
        ...

    def close(self) -> None:
        """Close the sender's connection. The next `send` opens another one."""
        ...
