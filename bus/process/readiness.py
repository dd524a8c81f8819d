"""Readiness: whether a process can do the work of its roles."""

from collections.abc import Callable, Collection, Sequence

from bus.delivery import Reach, Subscriptions, Worker, find_unattended, measure_lag
from bus.http import Check, Health
from bus.journal import JournalReader
from bus.process.role import Role
from bus.storage import Storage, has_room

_LATE_SECONDS = 60.0
"""Age of the oldest event without deliveries from which on readiness reports the relay as late."""


class Readiness:
    """Checks what the roles of one process need."""

    def __init__(
        self,
        storage: Storage,
        subscriptions: Subscriptions,
        journal: JournalReader,
        look_for_broker: Callable[[], Reach],
        roles: Collection[Role],
        workers: Sequence[Worker],
    ) -> None:
        """Create the checks of a process.

        Args:
            look_for_broker: whether runs can be handed over.
            workers: the workers of this process. The process adds to this list while it runs.
        """
        self._storage = storage
        self._subscriptions = subscriptions
        self._journal = journal
        self._look_for_broker = look_for_broker
        self._roles = frozenset(roles)
        self._workers = workers

    def make_health(self) -> Health:
        """The checks, by name."""
        delivers = bool(self._roles - {Role.API})
        return Health(
            {
                "database": self._check_database,
                "broker": lambda: self._check_broker(needed=delivers),
                "relay": self._check_relay,
                "workers": self._check_workers,
            }
        )

    def _check_workers(self) -> Check:
        if not self._storage.answers():
            return Check(False, "unknown: the database does not answer", needed=False)
        missing = find_unattended(self._storage, self._subscriptions.all())
        told = f"deliveries wait and nobody lives for {', '.join(missing)}" if missing else "alive"
        # An API process takes events though nobody delivers: a load balancer must not keep publishers from a journal that
        # works. It names the trouble under `elsewhere`.
        return Check(not missing, told, needed=not self._roles.isdisjoint(missing))

    def _check_database(self) -> Check:
        if not self._storage.answers():
            return Check(False, "does not answer")
        if not has_room(self._storage):
            return Check(
                False, "the disk is full: make room, and the bus goes on by itself; nothing acknowledged is lost"
            )
        return Check(True, "answers")

    def _check_broker(self, *, needed: bool) -> Check:
        listening = all(worker.connected for worker in self._workers)
        reach = self._look_for_broker()
        if reach is Reach.TAKES and not listening:
            reach = Reach.AWAY
        return Check(reach is Reach.TAKES, reach.value, needed)

    def _check_relay(self) -> Check:
        needed = Role.RELAY in self._roles
        if not self._storage.answers():
            return Check(False, "unknown: the database does not answer", needed)
        lag = measure_lag(self._storage, self._journal)
        return Check(
            lag.seconds < _LATE_SECONDS, f"{lag.events} events behind, the oldest for {lag.seconds:.0f} s", needed
        )
