"""The catalogue: which contracts are in force, for the gate and for everybody who hands out data.

It is an index in memory that follows the database through `refresh`. Looking a version or a view up is one or two dict
look-ups; documents are unpacked and validators compiled when they are first needed.
"""

import re
import threading
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

from sqlalchemy import exc
from sqlalchemy.engine import Connection

from bus import clock, json
from bus.contracts import plan, register, registered
from bus.contracts.approval import check_approvable
from bus.contracts.built import Built
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
from bus.contracts.lifecycle import IN_FORCE, State
from bus.contracts.plan import Plan
from bus.contracts.register import Actor, Tags
from bus.contracts.registered import Registered, Summary
from bus.contracts.version import ContractVersion as ContractVersion
from bus.contracts.version import Notice
from bus.contracts.view import View
from bus.problem import FieldError
from bus.storage import Storage

T = TypeVar("T")

_DATASCHEMA = re.compile(
    r"(?:(?:\S*/v1/contracts/)?([a-z][a-z0-9.-]*)(?:/versions/|/|:))?([0-9]+\.[0-9]+\.[0-9]+)(?:/schema)?"
)
_MOST_SPELLINGS = 64
"""How many ways of writing a contract's dataschemas are remembered."""
_MOST_VIEWS = 100_000


@dataclass(slots=True)
class _Stored:
    """A version in the index; its document packed, since ten thousand unpacked ones take a gigabyte."""

    summary: Summary
    packed: bytes | None


@dataclass(slots=True)
class _Shelf:
    """The versions of one contract, oldest first by version, and what dataschemas were found to mean."""

    stored: list[_Stored]
    chosen: dict[str | None, ContractVersion] = field(default_factory=dict)


class Catalogue:
    """The contracts of one bus."""

    def __init__(self, storage: Storage, pseudonym_key: bytes) -> None:
        """An empty catalogue; call `refresh` before use.

        Args:
            storage: where the register is.
            pseudonym_key: the instance's secret behind pseudonyms.
        """
        self._storage = storage
        self._pseudonym_key = pseudonym_key
        self._refreshing = threading.Lock()
        self._shelves: dict[str, _Shelf] = {}
        self._by_id: dict[int, _Stored] = {}
        self._views: dict[tuple[int, str], View] = {}
        self._ready = Built(self._forget_choices)

    def refresh(self) -> None:
        """Read what changed since the last time; what did not keeps its compiled form."""
        with self._refreshing:
            with self._storage.read() as connection:
                present = registered.summaries(connection)
                changed = [one for one in present if not self._knows(one)]
                in_force = [one.id for one in changed if one.state in IN_FORCE]
                packed = {number: zlib.compress(text, 1) for number, text in registered.documents(connection, in_force)}
            if changed:
                self._take_over(changed, packed)

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
        stored = _newest(shelf) if dataschema is None else _named(shelf, name, dataschema)
        return stored.summary.version if stored else ""

    def has_active(self, name: str) -> bool:
        """Whether a version of the contract is in force."""
        shelf = self._shelves.get(name)
        return shelf is not None and _newest(shelf) is not None

    def newest(self, name: str) -> ContractVersion:
        """The newest active version, while there is none the newest deprecated one.

        Raises:
            NoSuchContract: none is in force.
        """
        shelf = self._shelves.get(name)
        stored = _newest(shelf) if shelf else None
        if stored is None:
            raise NoSuchContract(f"No version of {name} is in force.")
        return self._built(stored)

    def in_force(self, name: str) -> list[ContractVersion]:
        """The versions in force, oldest first; none where there is no such contract."""
        shelf = self._shelves.get(name)
        return [self._built(one) for one in shelf.stored if one.summary.state in IN_FORCE] if shelf else []

    def naming(self, participant: str) -> list[str]:
        """The names, in order, of the contracts whose versions in force name a participant: no other grants it anything.

        It looks through the texts, since holding every document unpacked takes too much memory (see `_Stored`).
        """
        sought = json.dumps({"participant": participant})[1:-1]
        in_force = [one for one in self._by_id.values() if one.packed and one.summary.state in IN_FORCE]
        return sorted({one.summary.name for one in in_force if sought in zlib.decompress(one.packed or b"")})

    def name_of(self, contract_id: int) -> str | None:
        """The name of the contract that the journal knows by this number; None where there is none."""
        summaries = (one.summary for one in self._by_id.values())
        return next((one.name for one in summaries if one.contract_id == contract_id), None)

    def view(self, name: str, participant: str, version_id: int, today: date) -> View:
        """How a participant sees an event of a contract.

        The grant in the event's own version counts while that is active or deprecated, else the one in the newest version.

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

    def add_draft(self, contract: Contract, by: Actor, tags: Tags = None) -> Registered:
        """Register a version as a draft; see `register.put_draft` for what is refused."""
        return self._changed(lambda connection: register.put_draft(connection, contract, by, tags))

    def propose(self, name: str, version: str, by: Actor, tags: Tags = None) -> Registered:
        """Lay a draft before the contract's owner; see `register.propose` for what is refused."""
        return self._changed(lambda connection: register.propose(connection, name, version, by, tags))

    def activate(
        self, name: str, version: str, by: Actor, tags: Tags = None, *, accept_undecided: bool = False
    ) -> Registered:
        """Put a version in force.

        Args:
            accept_undecided: the operator's word that a change whose compatibility cannot be decided is harmless.

        Raises:
            NotOperator: somebody else gives that word.
            Refused: what `register.may_activate`, `check_approvable` and `register.activate` say.
        """
        if accept_undecided and not by.is_operator:
            raise NotOperator("What cannot be decided is accepted by the operator alone.")
        with self._storage.read() as connection:
            contract, basis = register.may_activate(connection, name, version, by, tags)
        active = [one.contract for one in basis.active]
        report = check_approvable(contract, active, accept_undecided=accept_undecided)
        undecided = report.verdict is Verdict.UNDECIDED
        return self._changed(lambda connection: register.activate(connection, basis, by, accepted_undecided=undecided))

    def deprecate(
        self, name: str, version: str, by: Actor, tags: Tags = None, *, sunset: date | None = None
    ) -> Registered:
        """Mark a version as superseded; see `register.deprecate` for what is refused."""
        return self._changed(lambda connection: register.deprecate(connection, name, version, by, tags, sunset=sunset))

    def retire(self, name: str, version: str, by: Actor, tags: Tags = None) -> Registered:
        """Take a version out of force for good; see `register.retire` for what is refused."""
        return self._changed(lambda connection: register.retire(connection, name, version, by, tags))

    def plan(self, contracts: Sequence[Contract], by: Actor) -> Plan:
        """What `apply` would do now, and what it would refuse; see `plan.plan`."""
        with self._storage.read() as connection:
            return plan.plan(connection, contracts, by)

    def carry_out(self, planned: Plan, by: Actor) -> None:
        """Register and activate what a plan says, all of it or nothing; see `plan.carry_out` for what is refused."""
        planned.check()
        if planned.changes_anything:
            self._changed(lambda connection: plan.carry_out(connection, planned, by))

    def apply(self, contracts: Sequence[Contract], by: Actor) -> Plan:
        """Plan and carry out at once; what stands already is left alone."""
        planned = self.plan(contracts, by)
        self.carry_out(planned, by)
        return planned

    def active(self, name: str) -> list[Contract]:
        """The active versions of a contract, lowest first, read from the database; none where there is no such contract."""
        with self._storage.read() as connection:
            return [one.contract for one in registered.basis_of(connection, name, "").active]

    def page(self, limit: int, after: str = "") -> list[list[Registered]]:
        """The versions of each of the next contracts in order of name, drafts too, read from the database."""
        with self._storage.read() as connection:
            return registered.page(connection, limit, after)

    def versions(self, name: str) -> list[Registered]:
        """All versions of a contract, drafts too, read from the database.

        Raises:
            NoSuchContract: there is none.
        """
        with self._storage.read() as connection:
            return registered.versions_of(connection, name)

    def version(self, name: str, version: str) -> Registered:
        """One version, also a draft, read from the database.

        Raises:
            NoSuchContract: there is none.
        """
        with self._storage.read() as connection:
            return registered.version_of(connection, name, version)

    def _changed(self, change: Callable[[Connection], T]) -> T:
        try:
            with self._storage.write() as connection:
                done = change(connection)
        except exc.IntegrityError as error:
            raise ChangedMeanwhile("The same contract was registered at the same moment; look again.") from error
        self.refresh()
        return done

    def _knows(self, summary: Summary) -> bool:
        stored = self._by_id.get(summary.id)
        return stored is not None and stored.summary == summary

    def _take_over(self, changed: Iterable[Summary], packed: dict[int, bytes]) -> None:
        by_id = dict(self._by_id)
        names = set()
        for summary in changed:
            names.add(summary.name)
            by_id[summary.id] = self._moved(by_id.get(summary.id), summary, packed.get(summary.id))
        grouped: dict[str, list[_Stored]] = {name: [] for name in names}
        for stored in by_id.values():
            if stored.summary.name in names:
                grouped[stored.summary.name].append(stored)
        shelves = {
            name: _Shelf(sorted(group, key=lambda one: registered.version_order(one.summary.version)))
            for name, group in grouped.items()
        }
        # Replaced as a whole, views last: a reader in another thread sees the old index or the new one.
        self._by_id = by_id
        self._shelves = {**self._shelves, **shelves}
        self._views = {}

    def _moved(self, before: _Stored | None, summary: Summary, packed: bytes | None) -> _Stored:
        if before is not None and packed is not None and before.packed == packed:
            ready = self._ready.get(before.summary)
            if ready is not None:
                self._ready.keep(summary, replace(ready, state=summary.state))
        return _Stored(summary, packed)

    def _forget_choices(self) -> None:
        for shelf in self._shelves.values():
            shelf.chosen = {}

    def _choose(self, name: str, shelf: _Shelf, dataschema: str | None) -> ContractVersion:
        stored = _newest(shelf) if dataschema is None else _named(shelf, name, dataschema)
        if stored is None:
            raise _unknown_version(name)
        if stored.summary.state is State.RETIRED:
            raise _retired(name, stored, _newest(shelf))
        if stored.summary.state not in IN_FORCE:
            raise _unknown_version(name)
        version = self._built(stored)
        if stored.summary.state is State.DEPRECATED:
            version = replace(version, notice=_notice(stored.summary, _newest(shelf)))
        if len(shelf.chosen) < _MOST_SPELLINGS:
            shelf.chosen[dataschema] = version
        return version

    def _built(self, stored: _Stored) -> ContractVersion:
        ready = self._ready.get(stored.summary)
        if ready is not None:
            return ready
        text = zlib.decompress(stored.packed or self._fetched(stored.summary.id))
        return self._ready.make(stored.summary, trusted(json.loads(text)))

    def _fetched(self, version_id: int) -> bytes:
        with self._storage.read() as connection:
            return zlib.compress(next(text for _, text in registered.documents(connection, [version_id])), 1)

    def _make_view(self, name: str, participant: str, version_id: int) -> View:
        views = self._views
        own = self._by_id.get(version_id)
        version = self._built(own) if own and own.summary.state in IN_FORCE else self.newest(name)
        grant = version.contract.grant(participant)
        if grant is None:
            raise NotGranted(f"{participant} has no grant in {name} {version.contract.version}.")
        view = View(version.contract, grant, self._pseudonym_key)
        if len(views) < _MOST_VIEWS:
            views[version_id, participant] = view
        return view


def _newest(shelf: _Shelf) -> _Stored | None:
    for state in (State.ACTIVE, State.DEPRECATED):
        for stored in reversed(shelf.stored):
            if stored.summary.state is state:
                return stored
    return None


def _named(shelf: _Shelf, name: str, dataschema: str) -> _Stored | None:
    found = _DATASCHEMA.fullmatch(dataschema)
    if found is None or found[1] not in (None, name):
        return None
    return next((stored for stored in shelf.stored if stored.summary.version == found[2]), None)


def _notice(deprecated: Summary, newest: _Stored | None) -> Notice:
    successor = newest.summary.version if newest and newest.summary.state is State.ACTIVE else None
    return Notice(deprecated.name, clock.moment(deprecated.changed_at), deprecated.sunset, successor)


def _unknown_version(name: str) -> UnknownVersion:
    return UnknownVersion(
        f"{name} has no such version in force; leave dataschema out for the newest.",
        errors=[FieldError("/dataschema", "must name an active version, or be left out for the newest")],
    )


def _retired(name: str, stored: _Stored, successor: _Stored | None) -> VersionRetired:
    instead = f"use {successor.summary.version}" if successor else "no other is in force"
    return VersionRetired(
        f"{name} {stored.summary.version} has been retired; {instead}.",
        errors=[FieldError("/dataschema", instead)],
    )
