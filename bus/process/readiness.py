"""Readiness: whether a process can do the work of its roles."""

from collections.abc import Collection, Sequence

from bus.delivery import broker
from bus.delivery.broker import BrokerAddress
from bus.delivery.heartbeat import unattended
from bus.delivery.relay import behind
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.worker import Worker
from bus.http.health import Check, Health
from bus.journal import JournalReader
from bus.process.role import Role
from bus.storage import Storage

_LATE_SECONDS = 60.0
"""The age, of the oldest event that the relay has not fanned out, at which a process is not ready."""


class Readiness:
    """Checks what the roles of one process need."""

    def __init__(
        self,
        storage: Storage,
        subscriptions: Subscriptions,
        journal: JournalReader,
        address: BrokerAddress,
        roles: Collection[Role],
        workers: Sequence[Worker],
    ) -> None:
        """Keep what the checks read.

        Args:
            workers: the process's own list of workers, which may still grow.
        """
        self._storage = storage
        self._subscriptions = subscriptions
        self._journal = journal
        self._address = address
        self._roles = frozenset(roles)
        self._workers = workers

    def make_health(self) -> Health:
        """The checks, by name."""
        delivers = bool(self._roles - {Role.API})
        # A bus that accepts events but delivers none is not ready, although the accepted events are safe.
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
        missing = unattended(self._storage, self._subscriptions.all())
        return Check(
            not missing,
            f"deliveries wait, and no process runs for {', '.join(missing)}" if missing else "alive",
            needed,
        )

    def _check_database(self) -> Check:
        answers = self._storage.answers()
        return Check(answers, "answers" if answers else "does not answer")

    def _check_broker(self, *, needed: bool) -> Check:
        listening = all(worker.connected for worker in self._workers)
        reachable = listening if self._workers else broker.reachable(self._address)
        return Check(reachable, "connected" if reachable else "not connected; the bus tries again", needed)

    def _check_relay(self, *, needed: bool) -> Check:
        if not self._storage.answers():
            return Check(False, "unknown: the database does not answer", needed)
        lag = behind(self._storage, self._journal)
        return Check(
            lag.seconds < _LATE_SECONDS, f"{lag.events} events behind, the oldest for {lag.seconds:.0f} s", needed
        )
