"""Proposals: versions that wait for an approval, with the participants whose word they wait for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bus import clock
from bus.contracts.binding import Bindings
from bus.contracts.consent import find_unasked_owners
from bus.contracts.domains import find_domain_owner, name_domain
from bus.contracts.registered import RegisteredVersion, read_basis, read_last_move, read_proposed
from bus.storage import Storage, Transaction


@dataclass(frozen=True, slots=True)
class Proposal:
    """A version that was proposed, and is not in force yet.

    Attributes:
        since: when it was proposed.
        by: the participant that proposed it.
        approver: the participant that owns the domain; None: the operator approves.
        adapter_owners: the participants whose word for an adapter is missing.
    """

    contract: str
    version: str
    since: datetime
    by: str
    approver: str | None
    adapter_owners: tuple[str, ...]


class Proposals:
    """Reads the proposals. Synchronous: call it from threads.

    It reads documents only after a step of any version, since a document may be large, and a caller may ask every minute.
    """

    def __init__(self, storage: Storage, bindings: Bindings) -> None:
        self._storage = storage
        self._bindings = bindings
        self._reached: int | None = None
        self._known: Sequence[Proposal] = ()

    def read(self) -> list[Proposal]:
        """The versions that wait for an approval, in the order of their registration."""
        with self._storage.read() as transaction:
            reached = read_last_move(transaction)
            if reached != self._reached:
                self._known = [self._make(transaction, one) for one in read_proposed(transaction)]
                self._reached = reached
            return [
                replace(one, approver=find_domain_owner(transaction, name_domain(one.contract))) for one in self._known
            ]

    def _make(self, transaction: Transaction, one: RegisteredVersion) -> Proposal:
        active = [version.contract for version in read_basis(transaction, one.name, one.version).active]
        owners = find_unasked_owners(one, active, self._bindings)
        by = next((move.by for move in reversed(one.history) if not move.adapters), one.created_by)
        return Proposal(one.name, one.version, clock.moment(one.changed_at), by, None, owners)
