"""Readiness: whether a process can do the work of its roles."""

from collections.abc import Callable, Collection, Sequence

from bus.delivery import Subscriptions, Worker, find_unattended, measure_lag
from bus.http import Check, Health
from bus.journal import JournalReader
from bus.process.role import Role
from bus.storage import Storage

_LATE_SECONDS = 60.0
"""Age of the oldest event without deliveries from which on readiness reports the relay as late."""


class Readiness:
    """Checks what the roles of one process need."""

    def __init__(
        self,
        storage: Storage,
        subscriptions: Subscriptions,
        journal: JournalReader,
        is_reachable: Callable[[], bool],
        roles: Collection[Role],
        workers: Sequence[Worker],
    ) -> None:
        """Create the checks of a process.

        Args:
            is_reachable: whether runs can be handed over, for a process without workers.
            workers: the workers of this process. The process adds to this list while it runs.
        """
        self._storage = storage
        self._subscriptions = subscriptions
        self._journal = journal
        self._is_reachable = is_reachable
        self._roles = frozenset(roles)
        self._workers = workers

    def make_health(self) -> Health:
        """The checks, by name."""
        delivers = bool(self._roles - {Role.API})
        # A bus that accepts events and delivers none is not ready, though the accepted events are safe.
        leads = not {Role.API, Role.RELAY}.isdisjoint(self._roles)
        return Health(
            {
                "database": self._check_database,
                "broker": lambda: self._check_broker(needed=delivers),
                "relay": lambda: self._check_relay(needed=leads),
                "workers": lambda: self._check_workers(needed=leads),
            }
        )

    def _check_workers(self, *, needed: bool) -> Check:
        if not self._storage.answers():
            return Check(False, "unknown: the database does not answer", needed)
        missing = find_unattended(self._storage, self._subscriptions.all())
        return Check(
            not missing, f"deliveries wait and nobody lives for {', '.join(missing)}" if missing else "alive", needed
        )

    def _check_database(self) -> Check:
        answers = self._storage.answers()
        return Check(answers, "answers" if answers else "does not answer")

    def _check_broker(self, *, needed: bool) -> Check:
        listening = all(worker.connected for worker in self._workers)
        connected = listening if self._workers else self._is_reachable()
        return Check(connected, "connected" if connected else "not connected; trying again", needed)

    def _check_relay(self, *, needed: bool) -> Check:
        if not self._storage.answers():
            return Check(False, "unknown: the database does not answer", needed)
        lag = measure_lag(self._storage, self._journal)
        return Check(
            lag.seconds < _LATE_SECONDS, f"{lag.events} events behind, the oldest for {lag.seconds:.0f} s", needed
        )
