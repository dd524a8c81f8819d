"""The catalogue: which contracts are in force, for the gate and for everybody who hands out data.

It is an index in memory that follows the database through `refresh`. Looking a version or a view up is one or two dict
look-ups; documents are unpacked and validators compiled when they are first needed.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar

from bus import clock, json
from bus.actions.actor import Actor
from bus.contracts import plan, register, registered
from bus.contracts.approval import Candidate, check_approvable, check_proposable
from bus.contracts.binding import Bindings, no_adapters
from bus.contracts.built import Built, prepare
from bus.contracts.compatibility import Verdict
from bus.contracts.document import Contract, trusted
from bus.contracts.errors import (
    ChangedMeanwhile,
    GrantExpired,
    NoSuchContract,
    NotGranted,
    NotOperator,
    UnknownContract,
    UnknownVersion,
    VersionRetired,
)
from bus.contracts.holding import Holding, holding
from bus.contracts.lifecycle import IN_FORCE, State
from bus.contracts.listing import Listing
from bus.contracts.plan import Plan
from bus.contracts.register import Tags
from bus.contracts.registered import Registered, Summary
from bus.contracts.shelf import AdapterUses, Shelf, Stored, shelves
from bus.contracts.version import ContractVersion as ContractVersion
from bus.contracts.version import Notice
from bus.contracts.view import View
from bus.problem import FieldError
from bus.storage import RowConflict, Storage, Transaction

T = TypeVar("T")

_MOST_SPELLINGS = 64
"""How many ways of writing a contract's dataschemas are remembered."""
_MOST_VIEWS = 100_000
_LARGE = 8 * 1024
"""Bytes of packed documents from which on a schema may take more than some milliseconds to compile."""


class Catalogue:
    """The contracts of one bus.

    Attributes:
        listing: overviews of them.
    """

    def __init__(
        self, storage: Storage, pseudonym_key: bytes, bindings: Bindings = no_adapters, address: str = ""
    ) -> None:
        """An empty catalogue; call `refresh` before use.

        Args:
            storage: where the register is.
            pseudonym_key: the instance's secret behind pseudonyms.
            bindings: what the adapters that are installed ask of contracts; without it the operator alone names adapters.
            address: of the bus, without a slash at the end, as events name their schemas by it.
        """
        self.listing = Listing(storage)
        self._storage = storage
        self._pseudonym_key = pseudonym_key
        self._bindings = bindings
        self._address = address
        self._refreshing = threading.Lock()
        self._reached: int | None = None
        self._shelves: dict[str, Shelf] = {}
        self._by_id: dict[int, Stored] = {}
        self._names: dict[int, str] = {}
        self._views: dict[tuple[int, str], View] = {}
        self._ready = Built(self._forget_choices)

    def refresh(self) -> None:
        """Read what changed since the last time; what did not keeps its compiled form."""
        with self._refreshing:
            with self._storage.read() as transaction:
                # First, since PostgreSQL may show the next statement more than this one.
                reached = registered.last_move(transaction)
                changed = registered.summaries(transaction, self._reached)
                names = {one.name for one in changed}
                present = {one.summary.id: one.summary for name in names for one in self._on_shelf(name)}
                whole = present | {one.id: one for one in changed}
                self._take_over(changed, dict(shelves(transaction, whole.values())))
            self._make_ready(changed, is_first=self._reached is None)
            self._reached = reached

    def version_for(self, name: str, dataschema: str | None) -> ContractVersion:
        """The version that an event is published under.

        Args:
            name: the event's type.
            dataschema: the URL of a version's schema (`…/v1/contracts/{name}/versions/{v}/schema`), `{name}/{v}`,
                `{name}:{v}` or `{v}`; None means the newest active version, and while there is none the newest deprecated one.

        Raises:
            UnknownContract, UnknownVersion, VersionRetired: refusals of a publication, with the attribute's pointer.
        """
        shelf = self._shelves.get(name)
        if shelf is None:
            raise UnknownContract(
                "No contract has the event's type as its name.",
                errors=[FieldError("/type", "must be the name of a contract")],
            )
        return shelf.chosen.get(dataschema) or self._choose(name, shelf, dataschema)

    def version_numbered(self, version_id: int) -> ContractVersion:
        """The version that an event of the journal was published under, whatever its state now.

        Reads the database for a retired version, and for one that another process registered a moment ago.

        Raises:
            NoSuchContract: there is none.
        """
        stored = self._by_id.get(version_id)
        if stored is None:
            self.refresh()
            stored = self._by_id.get(version_id)
        if stored is None:
            raise NoSuchContract("There is no contract version with this number.")
        return self._built(stored)

    def number_meant(self, name: str, dataschema: str | None) -> str | None:
        """Which version a publication means, whatever its state; empty: none that there is, None: no contract has the name."""
        shelf = self._shelves.get(name)
        if shelf is None:
            return None
        stored = shelf.newest() if dataschema is None else shelf.named(name, dataschema)
        return stored.summary.version if stored else ""

    def has_active(self, name: str) -> bool:
        """Whether a version of the contract is in force."""
        shelf = self._shelves.get(name)
        return shelf is not None and shelf.newest() is not None

    def newest(self, name: str) -> ContractVersion:
        """The newest active version, while there is none the newest deprecated one.

        Raises:
            NoSuchContract: none is in force.
        """
        shelf = self._shelves.get(name)
        stored = shelf.newest() if shelf else None
        if stored is None:
            raise NoSuchContract(f"No version of {name} is in force.")
        return self._built(stored)

    def in_force(self, name: str) -> list[ContractVersion]:
        """The versions in force, oldest first; none where there is no such contract."""
        shelf = self._shelves.get(name)
        return [self._built(one) for one in shelf.stored if one.summary.state in IN_FORCE] if shelf else []

    def naming(self, participant: str) -> list[str]:
        """The names, in order, of the contracts whose versions in force name a participant: no other grants it anything.

        It looks through the texts, since holding every document unpacked takes too much memory (see `Stored`).
        """
        sought = json.dumps({"participant": participant})[1:-1]
        return sorted(name for name, shelf in self._shelves.items() if any(sought in text for text in shelf.texts()))

    def adapter_uses(self) -> list[AdapterUses]:
        """What adapters the contracts in force name in their newest version, in order of the contracts' names."""
        return sorted((uses for shelf in self._shelves.values() if (uses := shelf.uses)), key=lambda one: one.name)

    def number_of(self, name: str) -> int | None:
        """The number by which the journal knows a contract, in whatever state its versions are; None where there is none."""
        shelf = self._shelves.get(name)
        return shelf.stored[0].summary.contract_id if shelf else None

    def name_of(self, contract_id: int) -> str | None:
        """The name of the contract that the journal knows by this number; None where there is none."""
        return self._names.get(contract_id)

    def view(self, name: str, participant: str, version_id: int, today: date) -> View:
        """How a participant sees an event of a contract.

        The grant in the event's own version counts while that is active or deprecated. Else the one in the newest version does,
        which shows of the data what that version declares.

        Args:
            name: the contract.
            participant: the consumer.
            version_id: the version that the event was published under.
            today: the date in Lamongan; a grant holds to the end of its last day.

        Raises:
            NotGranted: there is no grant.
            GrantExpired: its last day is over.
            NoSuchContract: there is no contract in force.
        """
        view = self._views.get((version_id, participant)) or self._make_view(name, participant, version_id)
        if view.grant.has_ended(today):
            raise GrantExpired(f"The grant of {participant} in {name} ended on {view.grant.until}.")
        return view

    def has_view(self, participant: str, version_id: int) -> bool:
        """Whether `view` need not make this view first, which for a large grant takes long."""
        return (version_id, participant) in self._views

    def add_draft(self, contract: Contract, by: Actor, tags: Tags = None) -> Registered:
        """Register a version as a draft; see `register.put_draft` for what is refused."""
        return self._changed(lambda transaction: register.put_draft(transaction, contract, by, tags))

    def propose(self, name: str, version: str, by: Actor, tags: Tags = None) -> Registered:
        """Lay a draft before the contract's owner.

        Raises:
            Refused: what `check_proposable` and `register.propose` say.
        """
        check_proposable(self.version(name, version).contract, self._bindings)
        return self._changed(lambda transaction: register.propose(transaction, name, version, by, tags))

    def consent(self, name: str, version: str, by: Actor, tags: Tags = None) -> Registered:
        """Give the word of an adapter's owner; see `register.consent` for what is refused."""
        return self._changed(lambda transaction: register.consent(transaction, name, version, by, self._bindings, tags))

    def activate(
        self, name: str, version: str, by: Actor, tags: Tags = None, *, accept_undecided: bool = False
    ) -> Registered:
        """Put a version in force, if it may be; see `candidate`, `check_approvable` and `put_in_force` for what is refused."""
        candidate = self.candidate(name, version, by, tags, accept_undecided=accept_undecided)
        active = [one.contract for one in candidate.basis.active]
        report = check_approvable(candidate.contract, active, self._bindings, accept_undecided=accept_undecided)
        return self.put_in_force(candidate, by, accepted_undecided=report.verdict is Verdict.UNDECIDED)

    def candidate(
        self, name: str, version: str, by: Actor, tags: Tags = None, *, accept_undecided: bool = False
    ) -> Candidate:
        """A version that somebody wants to put in force, to be judged.

        Args:
            accept_undecided: the operator's word that a change whose compatibility cannot be decided is harmless.

        Raises:
            NotOperator: somebody else gives that word.
            Refused: what `register.may_activate` says.
        """
        if accept_undecided and not by.is_operator:
            raise NotOperator("What cannot be decided is accepted by the operator alone.")
        with self._storage.read() as transaction:
            contract, basis = register.may_activate(transaction, name, version, by, tags)
        return Candidate(contract, basis, self._bindings, accept_undecided)

    def put_in_force(self, candidate: Candidate, by: Actor, *, accepted_undecided: bool) -> Registered:
        """Put a version in force that was judged; see `register.activate` for what is refused.

        Args:
            accepted_undecided: its compatibility is undecided, and the operator accepts that.
        """
        basis = candidate.basis
        return self._changed(
            lambda transaction: register.activate(
                transaction, basis, by, self._bindings, accepted_undecided=accepted_undecided
            )
        )

    def deprecate(
        self, name: str, version: str, by: Actor, tags: Tags = None, *, sunset: date | None = None
    ) -> Registered:
        """Mark a version as superseded; see `register.deprecate` for what is refused."""
        return self._changed(
            lambda transaction: register.deprecate(transaction, name, version, by, tags, sunset=sunset)
        )

    def retire(self, name: str, version: str, by: Actor, tags: Tags = None) -> Registered:
        """Take a version out of force for good; see `register.retire` for what is refused."""
        return self._changed(lambda transaction: register.retire(transaction, name, version, by, tags))

    def plan(self, contracts: Sequence[Contract], by: Actor) -> Plan:
        """What `apply` would do now, and what it would refuse; see `plan.plan`."""
        with self._storage.read() as transaction:
            return plan.plan(transaction, contracts, by, self._bindings)

    def carry_out(self, planned: Plan, by: Actor) -> None:
        """Register and activate what a plan says, all of it or nothing; see `plan.carry_out` for what is refused."""
        planned.check()
        if planned.changes_anything:
            self._changed(lambda transaction: plan.carry_out(transaction, planned, by, self._bindings))

    def apply(self, contracts: Sequence[Contract], by: Actor) -> Plan:
        """Plan and carry out at once; what stands already is left alone."""
        planned = self.plan(contracts, by)
        self.carry_out(planned, by)
        return planned

    def active(self, name: str) -> list[Contract]:
        """The active versions of a contract, lowest first, read from the database; none where there is no such contract."""
        with self._storage.read() as transaction:
            return [one.contract for one in registered.basis_of(transaction, name, "").active]

    def page(self, limit: int, after: str = "") -> list[list[Registered]]:
        """The versions of each of the next contracts in order of name, drafts too, read from the database."""
        with self._storage.read() as transaction:
            return registered.page(transaction, limit, after)

    def holding(self, participant: str, besides: Contract) -> Holding:
        """What a participant registered, besides one version; read from the database."""
        with self._storage.read() as transaction:
            return holding(transaction, participant, besides)

    def versions(self, name: str) -> list[Registered]:
        """All versions of a contract, drafts too, read from the database.

        Raises:
            NoSuchContract: there is none.
        """
        with self._storage.read() as transaction:
            return registered.versions_of(transaction, name)

    def version(self, name: str, version: str) -> Registered:
        """One version, also a draft, read from the database.

        Raises:
            NoSuchContract: there is none.
        """
        with self._storage.read() as transaction:
            return registered.version_of(transaction, name, version)

    def _changed(self, change: Callable[[Transaction], T]) -> T:
        try:
            with self._storage.write() as transaction:
                done = change(transaction)
        except RowConflict as error:
            raise ChangedMeanwhile("The same contract was registered at the same moment; look again.") from error
        self.refresh()
        return done

    def _on_shelf(self, name: str) -> Sequence[Stored]:
        shelf = self._shelves.get(name)
        return shelf.stored if shelf else ()

    def _take_over(self, changed: Sequence[Summary], made: dict[str, Shelf]) -> None:
        if not changed:
            return
        for summary in changed:
            self._keep_ready(summary)
        stored = [one for shelf in made.values() for one in shelf.stored]
        # Replaced as a whole, views last: a reader in another thread sees the old index or the new one.
        self._by_id = self._by_id | {one.summary.id: one for one in stored}
        self._names = self._names | {one.summary.contract_id: one.summary.name for one in stored}
        self._shelves = self._shelves | made
        self._views = {}

    def _make_ready(self, changed: Sequence[Summary], *, is_first: bool) -> None:
        """Compile what came in force, in this thread: the event loop, which would do it for the first event, has others waiting.

        Args:
            is_first: everything is new, and what is compiled soon enough in the event loop is left to it.
        """
        for summary in changed:
            stored = self._by_id[summary.id]
            if stored.packed is not None and not (is_first and len(stored.packed) < _LARGE):
                prepare(self._built(stored))

    def _keep_ready(self, summary: Summary) -> None:
        """What was compiled of a version stays so when it moves; the document of one in force does not change any more."""
        before = self._by_id.get(summary.id)
        if before is not None and before.summary.state in IN_FORCE and summary.state in IN_FORCE:
            ready = self._ready.get(before.summary)
            if ready is not None:
                self._ready.keep(summary, replace(ready, state=summary.state))

    def _forget_choices(self) -> None:
        for shelf in self._shelves.values():
            shelf.chosen = {}
        # Some views hold what their version's schema declares.
        self._views = {}

    def _choose(self, name: str, shelf: Shelf, dataschema: str | None) -> ContractVersion:
        stored = shelf.newest() if dataschema is None else shelf.named(name, dataschema)
        if stored is None:
            raise _unknown_version(name)
        if stored.summary.state is State.RETIRED:
            raise _retired(name, stored, shelf.newest())
        if stored.summary.state not in IN_FORCE:
            raise _unknown_version(name)
        version = self._built(stored)
        if stored.summary.state is State.DEPRECATED:
            version = replace(version, notice=_notice(stored.summary, shelf.newest()))
        if len(shelf.chosen) < _MOST_SPELLINGS:
            shelf.chosen[dataschema] = version
        return version

    def _built(self, stored: Stored) -> ContractVersion:
        ready = self._ready.get(stored.summary)
        if ready is not None:
            return ready
        text = stored.text or self._fetched(stored.summary.id)
        return self._ready.make(stored.summary, trusted(json.loads(text)))

    def _fetched(self, version_id: int) -> bytes:
        with self._storage.read() as transaction:
            return next(registered.documents(transaction, [version_id]))

    def _make_view(self, name: str, participant: str, version_id: int) -> View:
        views = self._views
        published = self.version_numbered(version_id)
        version = published if published.state in IN_FORCE else self.newest(name)
        grant = version.contract.grant(participant)
        if grant is None:
            raise NotGranted(f"{participant} has no grant in {name} {version.contract.version}.")
        view = View(version.contract, grant, self._pseudonym_key, version.declared, published.contract, self._address)
        if len(views) < _MOST_VIEWS:
            views[version_id, participant] = view
        return view


def _notice(deprecated: Summary, newest: Stored | None) -> Notice:
    successor = newest.summary.version if newest and newest.summary.state is State.ACTIVE else None
    return Notice(deprecated.name, clock.moment(deprecated.deprecated_at or 0), deprecated.sunset, successor)


def _unknown_version(name: str) -> UnknownVersion:
    return UnknownVersion(
        f"{name} has no such version in force; leave dataschema out for the newest.",
        errors=[FieldError("/dataschema", "must name an active version, or be left out for the newest")],
    )


def _retired(name: str, stored: Stored, successor: Stored | None) -> VersionRetired:
    instead = f"use {successor.summary.version}" if successor else "no other is in force"
    return VersionRetired(
        f"{name} {stored.summary.version} has been retired; {instead}.",
        errors=[FieldError("/dataschema", instead)],
    )
