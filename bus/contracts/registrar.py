"""The registrar: reads the register of contract versions and changes it, each change in a transaction of its own.

The catalogue of this process knows of a change before its caller gets the answer.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

from bus.actions import Actor
from bus.contracts import domains, plan, register, registered
from bus.contracts.access_requests import AccessRequests
from bus.contracts.approval import (
    Candidate,
    check_approvable,
    check_grants_seen,
    check_not_ended,
    check_proposable,
)
from bus.contracts.binding import Bindings
from bus.contracts.compatibility import Verdict
from bus.contracts.document import Contract
from bus.contracts.domains import Domain
from bus.contracts.errors import ChangedMeanwhile, NotOperator
from bus.contracts.holding import Holding, measure_holding
from bus.contracts.listing import Listing
from bus.contracts.persons import identifies_persons
from bus.contracts.plan import Plan
from bus.contracts.proposals import Proposals
from bus.contracts.register import Tags
from bus.contracts.registered import RegisteredVersion
from bus.contracts.suspension import Waiting
from bus.storage import RowConflict, Storage, Transaction

T = TypeVar("T")


class Registrar:
    """Reads and changes the register. Synchronous: call it from threads.

    Attributes:
        listing: overviews of the register's contracts.
        proposals: the versions that wait for an approval.
        access_requests: who asks for a grant.
    """

    def __init__(self, storage: Storage, bindings: Bindings, follow: Callable[[], None]) -> None:
        """Create a registrar.

        Args:
            storage: where the register is.
            bindings: the demands of the installed adapters.
            follow: called after each change, once the change is committed.
        """
        self.listing = Listing(storage)
        self._storage = storage
        self._bindings = bindings
        self._follow = follow
        self.proposals = Proposals(storage, bindings)
        self.access_requests = AccessRequests(storage, self._change)

    def add_draft(self, contract: Contract, by: Actor, tags: Tags = None) -> RegisteredVersion:
        """Register a version as a draft. Raises what `register.put_draft` raises."""
        return self._change(lambda transaction: register.put_draft(transaction, contract, by, tags))

    def propose(self, name: str, version: str, by: Actor, tags: Tags = None) -> RegisteredVersion:
        """Propose a draft to those who approve in its domain.

        Raises:
            Refused: what `check_proposable` and `register.propose` raise.
        """
        check_proposable(self.read_version(name, version).contract, self._bindings)
        return self._change(lambda transaction: register.propose(transaction, name, version, by, tags))

    def consent(self, name: str, version: str, by: Actor, tags: Tags = None) -> RegisteredVersion:
        """Record that an adapter's owner agrees. Raises what `register.consent` raises."""
        return self._change(lambda transaction: register.consent(transaction, name, version, by, self._bindings, tags))

    def activate(
        self,
        name: str,
        version: str,
        by: Actor,
        tags: Tags = None,
        *,
        accept_undecided: bool = False,
        grants_seen: bool = False,
    ) -> RegisteredVersion:
        """Judge a version and put it in force.

        Raises:
            Refused: what `read_candidate`, `check_approvable`, `check_not_ended`, `check_grants_seen` and `put_in_force`
                raise.
        """
        candidate = self.read_candidate(
            name, version, by, tags, accept_undecided=accept_undecided, grants_seen=grants_seen
        )
        active = [one.contract for one in candidate.basis.active]
        check_not_ended(candidate.contract)
        report = check_approvable(candidate.contract, active, self._bindings, accept_undecided=accept_undecided)
        if not grants_seen:
            check_grants_seen(candidate.contract, active)
        return self.put_in_force(candidate, by, accepted_undecided=report.verdict is Verdict.UNDECIDED)

    def read_candidate(
        self,
        name: str,
        version: str,
        by: Actor,
        tags: Tags = None,
        *,
        accept_undecided: bool = False,
        grants_seen: bool = False,
    ) -> Candidate:
        """A version to judge before it is put in force.

        Args:
            accept_undecided: the operator accepts a change whose compatibility cannot be decided.
            grants_seen: the approver saw what the version newly grants.

        Raises:
            NotOperator: another participant accepts such a change.
            Refused: what `register.read_candidate` raises.
        """
        if accept_undecided and not by.is_operator:
            raise NotOperator("What cannot be decided is accepted by the operator alone.")
        with self._storage.read() as transaction:
            contract, basis = register.read_candidate(transaction, name, version, by, tags)
        return Candidate(contract, basis, self._bindings, accept_undecided, grants_seen)

    def put_in_force(self, candidate: Candidate, by: Actor, *, accepted_undecided: bool) -> RegisteredVersion:
        """Put a judged version in force. Raises what `register.activate` raises.

        Args:
            accepted_undecided: the version's compatibility is undecided, and the operator accepts that.
        """
        basis = candidate.basis
        # The search for persons may take long, and its result is remembered. So it runs before the transaction, which keeps
        # others from writing.
        for contract in (candidate.contract, *(one.contract for one in basis.active)):
            identifies_persons(contract)
        return self._change(
            lambda transaction: register.activate(
                transaction,
                basis,
                by,
                self._bindings,
                accepted_undecided=accepted_undecided,
                grants_seen=candidate.grants_seen,
            )
        )

    def deprecate(
        self, name: str, version: str, by: Actor, tags: Tags = None, *, sunset: date | None = None
    ) -> RegisteredVersion:
        """Mark a version as superseded. Raises what `register.deprecate` raises."""
        return self._change(lambda transaction: register.deprecate(transaction, name, version, by, tags, sunset=sunset))

    def retire(self, name: str, version: str, by: Actor, tags: Tags = None) -> RegisteredVersion:
        """Take a version out of force for good. Raises what `register.retire` raises."""
        return self._change(lambda transaction: register.retire(transaction, name, version, by, tags))

    def set_domain_owner(self, name: str, owner: str | None, by: Actor) -> None:
        """Give a domain to a participant; None: to nobody. Raises what `domains.set_domain_owner` raises."""
        self._change(lambda transaction: domains.set_domain_owner(transaction, name, owner, by))

    def read_domains(self) -> list[Domain]:
        """The domains that have an owner or contracts, by name, from the database."""
        with self._storage.read() as transaction:
            return domains.list_domains(transaction)

    def read_domain(self, name: str) -> Domain:
        """One domain, from the database. Raises what `domains.read_domain` raises."""
        with self._storage.read() as transaction:
            return domains.read_domain(transaction, name)

    def suspend_grant(
        self, name: str, participant: str, reason: str, waiting: Waiting, by: Actor, deliveries: int = 0
    ) -> None:
        """Suspend a participant's grant in a contract. Raises what `register.suspend_grant` raises.

        Args:
            deliveries: how many deliveries wait under the grant, for the action log.
        """
        self._change(
            lambda transaction: register.suspend_grant(transaction, name, participant, reason, waiting, by, deliveries)
        )

    def resume_grant(self, name: str, participant: str, by: Actor) -> None:
        """Lift the suspension of a grant. Raises what `register.resume_grant` raises."""
        self._change(lambda transaction: register.resume_grant(transaction, name, participant, by))

    def plan(self, contracts: Sequence[Contract], by: Actor) -> Plan:
        """The plan of what `apply` would do now, and what it would refuse. Raises what `plan.plan_contracts` raises."""
        with self._storage.read() as transaction:
            return plan.plan_contracts(transaction, contracts, by, self._bindings)

    def carry_out(self, planned: Plan, by: Actor) -> None:
        """Register and activate what a plan says, all of it or nothing. Raises what `plan.carry_out` raises."""
        planned.check()
        if planned.changes_anything:
            self._change(lambda transaction: plan.carry_out(transaction, planned, by, self._bindings))

    def apply(self, contracts: Sequence[Contract], by: Actor) -> Plan:
        """Make a plan and carry it out. A version that is registered with the same content stays as it is."""
        planned = self.plan(contracts, by)
        self.carry_out(planned, by)
        return planned

    def read_active(self, name: str) -> list[Contract]:
        """The active versions of a contract, lowest first, from the database; empty if there is no such contract."""
        with self._storage.read() as transaction:
            return [one.contract for one in registered.read_basis(transaction, name, "").active]

    def measure_holding(self, participant: str, besides: Contract) -> Holding:
        """The versions that a participant registered, without one version, from the database."""
        with self._storage.read() as transaction:
            return measure_holding(transaction, participant, besides)

    def read_versions(self, name: str) -> list[RegisteredVersion]:
        """All versions of a contract, drafts too, read from the database.

        Raises:
            NoSuchContract: there is none.
        """
        with self._storage.read() as transaction:
            return registered.read_versions(transaction, name)

    def read_version(self, name: str, version: str) -> RegisteredVersion:
        """One version, also a draft, read from the database.

        Raises:
            NoSuchContract: there is none.
        """
        with self._storage.read() as transaction:
            return registered.read_version(transaction, name, version)

    def _change(self, change: Callable[[Transaction], T]) -> T:
        try:
            with self._storage.write() as transaction:
                done = change(transaction)
        except RowConflict as error:
            raise ChangedMeanwhile("The same contract was registered at the same moment; look again.") from error
        self._follow()
        return done
