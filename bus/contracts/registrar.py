"""The registrar: reads the register of contract versions and changes it, each change in a transaction of its own.

The catalogue of this process knows of a change before its caller gets the answer.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

from bus.actions import Actor
from bus.contracts import plan, register, registered
from bus.contracts.approval import Candidate, check_approvable, check_proposable
from bus.contracts.binding import Bindings
from bus.contracts.compatibility import Verdict
from bus.contracts.document import Contract
from bus.contracts.errors import ChangedMeanwhile, NotOperator
from bus.contracts.holding import Holding, measure_holding
from bus.contracts.listing import Listing
from bus.contracts.persons import identifies_persons
from bus.contracts.plan import Plan
from bus.contracts.register import Tags
from bus.contracts.registered import RegisteredVersion
from bus.storage import RowConflict, Storage, Transaction

T = TypeVar("T")


class Registrar:
    """Reads and changes the register. Synchronous: call it from threads.

    Attributes:
        listing: overviews of the register's contracts.
    """

    def __init__(self, storage: Storage, bindings: Bindings, follow: Callable[[], None]) -> None:
        """A registrar.

        Args:
            storage: where the register is.
            bindings: what the installed adapters ask of contracts.
            follow: called after each change, when the change is committed.
        """
        self.listing = Listing(storage)
        self._storage = storage
        self._bindings = bindings
        self._follow = follow

    def add_draft(self, contract: Contract, by: Actor, tags: Tags = None) -> RegisteredVersion:
        """Register a version as a draft; see `register.put_draft` for what is refused."""
        return self._change(lambda transaction: register.put_draft(transaction, contract, by, tags))

    def propose(self, name: str, version: str, by: Actor, tags: Tags = None) -> RegisteredVersion:
        """Lay a draft before the contract's owner.

        Raises:
            Refused: what `check_proposable` and `register.propose` say.
        """
        check_proposable(self.read_version(name, version).contract, self._bindings)
        return self._change(lambda transaction: register.propose(transaction, name, version, by, tags))

    def consent(self, name: str, version: str, by: Actor, tags: Tags = None) -> RegisteredVersion:
        """Give the word of an adapter's owner; see `register.consent` for what is refused."""
        return self._change(lambda transaction: register.consent(transaction, name, version, by, self._bindings, tags))

    def activate(
        self, name: str, version: str, by: Actor, tags: Tags = None, *, accept_undecided: bool = False
    ) -> RegisteredVersion:
        """Judge a version and put it in force; `read_candidate`, `check_approvable` and `put_in_force` say what is refused."""
        candidate = self.read_candidate(name, version, by, tags, accept_undecided=accept_undecided)
        active = [one.contract for one in candidate.basis.active]
        report = check_approvable(candidate.contract, active, self._bindings, accept_undecided=accept_undecided)
        return self.put_in_force(candidate, by, accepted_undecided=report.verdict is Verdict.UNDECIDED)

    def read_candidate(
        self, name: str, version: str, by: Actor, tags: Tags = None, *, accept_undecided: bool = False
    ) -> Candidate:
        """A version that somebody wants to put in force, to be judged.

        Args:
            accept_undecided: the operator's word that a change whose compatibility cannot be decided is harmless.

        Raises:
            NotOperator: somebody else gives that word.
            Refused: what `register.read_candidate` says.
        """
        if accept_undecided and not by.is_operator:
            raise NotOperator("What cannot be decided is accepted by the operator alone.")
        with self._storage.read() as transaction:
            contract, basis = register.read_candidate(transaction, name, version, by, tags)
        return Candidate(contract, basis, self._bindings, accept_undecided)

    def put_in_force(self, candidate: Candidate, by: Actor, *, accepted_undecided: bool) -> RegisteredVersion:
        """Put a version in force that was judged; see `register.activate` for what is refused.

        Args:
            accepted_undecided: its compatibility is undecided, and the operator accepts that.
        """
        basis = candidate.basis
        # Before the transaction, which keeps others from writing: what is found of many patterns is remembered.
        for contract in (candidate.contract, *(one.contract for one in basis.active)):
            identifies_persons(contract)
        return self._change(
            lambda transaction: register.activate(
                transaction, basis, by, self._bindings, accepted_undecided=accepted_undecided
            )
        )

    def deprecate(
        self, name: str, version: str, by: Actor, tags: Tags = None, *, sunset: date | None = None
    ) -> RegisteredVersion:
        """Mark a version as superseded; see `register.deprecate` for what is refused."""
        return self._change(lambda transaction: register.deprecate(transaction, name, version, by, tags, sunset=sunset))

    def retire(self, name: str, version: str, by: Actor, tags: Tags = None) -> RegisteredVersion:
        """Take a version out of force for good; see `register.retire` for what is refused."""
        return self._change(lambda transaction: register.retire(transaction, name, version, by, tags))

    def plan(self, contracts: Sequence[Contract], by: Actor) -> Plan:
        """A plan of what `apply` does now, and what it refuses; see `plan.plan_contracts`."""
        with self._storage.read() as transaction:
            return plan.plan_contracts(transaction, contracts, by, self._bindings)

    def carry_out(self, planned: Plan, by: Actor) -> None:
        """Register and activate what a plan says, all of it or nothing; see `plan.carry_out` for what is refused."""
        planned.check()
        if planned.changes_anything:
            self._change(lambda transaction: plan.carry_out(transaction, planned, by, self._bindings))

    def apply(self, contracts: Sequence[Contract], by: Actor) -> Plan:
        """Plan and carry out at once; a version that is registered with the same content stays as it is."""
        planned = self.plan(contracts, by)
        self.carry_out(planned, by)
        return planned

    def read_active(self, name: str) -> list[Contract]:
        """The active versions of a contract, lowest first, read from the database; none where there is no such contract."""
        with self._storage.read() as transaction:
            return [one.contract for one in registered.read_basis(transaction, name, "").active]

    def measure_holding(self, participant: str, besides: Contract) -> Holding:
        """What a participant registered, besides one version; read from the database."""
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
