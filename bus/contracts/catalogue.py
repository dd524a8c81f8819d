"""The catalogue: which contracts are in force, for the gate and for all rooms that hand out data.

The catalogue is in memory. `refresh` has it follow the register, which is in the database. To find a version or a view takes
one or two look-ups in a dict. Documents are unpacked and validators compiled when somebody first needs them.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from bus import json
from bus.contracts import registered
from bus.contracts.asyncapi import make_schema_url
from bus.contracts.binding import Bindings, no_adapters
from bus.contracts.catalogued import AdapterUses, CataloguedContract, Freshness, read_contracts
from bus.contracts.document import Contract, restore_contract
from bus.contracts.errors import GrantExpired, NoSuchContract, NotGranted, UnknownContract
from bus.contracts.lifecycle import IN_FORCE, State
from bus.contracts.ready import ReadyVersions, prepare
from bus.contracts.registered import CatalogueEntry
from bus.contracts.registrar import Registrar
from bus.contracts.suspension import Suspension, Suspensions, Waiting, read_suspensions
from bus.contracts.validation import Validator
from bus.contracts.version import Checks
from bus.contracts.version import ContractVersion as ContractVersion
from bus.contracts.view import View, Wanted
from bus.problem import FieldError
from bus.storage import Storage

_MOST_VIEWS = 100_000
_LARGE = 8 * 1024
"""Bytes of packed documents. From this size on, a schema may take more than a few milliseconds to compile."""


class Catalogue:
    """The contracts of one bus, in memory.

    Attributes:
        registrar: reads and changes the register, which the catalogue follows.
    """

    def __init__(
        self, storage: Storage, pseudonym_key: bytes, bindings: Bindings = no_adapters, address: str = ""
    ) -> None:
        """An empty catalogue; call `refresh` before use.

        Args:
            storage: where the register is.
            pseudonym_key: the instance's secret behind pseudonyms.
            bindings: the demands of the installed adapters. Without them, only the operator may name adapters.
            address: the bus's address, without a slash at the end. The names of schemas begin with it.
        """
        self.registrar = Registrar(storage, bindings, self.refresh)
        self._storage = storage
        self._pseudonym_key = pseudonym_key
        self._address = address
        self._refreshing = threading.Lock()
        self._reached: int | None = None
        self._contracts: dict[str, CataloguedContract] = {}
        self._entries: dict[int, CatalogueEntry] = {}
        self._names: dict[int, str] = {}
        self._views: dict[tuple[int, str], View] = {}
        self._suspensions: Suspensions = {}
        self._epoch = 0
        self._ready = ReadyVersions(self._forget_found)

    def refresh(self) -> None:
        """Read what changed since the last time. Unchanged versions keep their compiled form."""
        with self._refreshing:
            with self._storage.read() as transaction:
                # This comes first, since in PostgreSQL the next statement may see more changes than this one.
                reached = registered.read_last_move(transaction)
                changed = registered.read_entries(transaction, self._reached)
                known = {one.id: one for name in {one.name for one in changed} for one in self._get_entries(name)}
                entries = known | {one.id: one for one in changed}
                contracts = list(read_contracts(transaction, entries.values()))
                suspensions = read_suspensions(transaction)
            self._take_over(changed, contracts)
            self._take_over_suspensions(suspensions)
            self._make_ready(changed, is_first=self._reached is None)
            self._reached = reached

    def find_version(self, name: str, dataschema: str | None) -> ContractVersion:
        """The version that an event is published under.

        Args:
            name: the event's type.
            dataschema: the URL of a version's schema (`…/v1/contracts/{name}/versions/{v}/schema`), `{name}/{v}`,
                `{name}:{v}` or `{v}`; None means the newest active version, and while there is none the newest deprecated one.

        Raises:
            UnknownContract, UnknownVersion, VersionRetired: refusals of a publication, with the attribute's pointer.
        """
        contract = self._contracts.get(name)
        if contract is None:
            raise UnknownContract(
                "No contract has the event's type as its name.",
                errors=[FieldError("/type", "must be the name of a contract")],
            )
        return contract.found.get(dataschema) or contract.find_version(dataschema, self._ready)

    def write_schema_address(self, version: ContractVersion) -> str:
        """The address of a version's schema on this bus, as events name it in `dataschema`."""
        return make_schema_url(version.contract, self._address)

    def version_numbered(self, version_id: int) -> ContractVersion:
        """The version that an event of the journal was published under, whatever its state now.

        Reads the database if the version is retired, or was registered by another process a moment ago.

        Raises:
            NoSuchContract: there is none.
        """
        entry = self._entries.get(version_id)
        if entry is None:
            self.refresh()
            entry = self._entries.get(version_id)
        if entry is None:
            raise NoSuchContract("There is no contract version with this number.")
        return self._get_ready(entry)

    def read_version(self, name: str, version: str) -> ContractVersion:
        """A version by its number, in whatever state, from the register. Its schemas are compiled when they are used.

        Raises:
            NoSuchContract: there is none.
        """
        found = self.registrar.read_version(name, version)
        return ContractVersion(0, 0, found.state, found.contract, Checks(found.contract, Validator))

    def find_version_number(self, name: str, dataschema: str | None) -> str | None:
        """The number of the version that a publication names, in any state. Empty: no such version; None: no such contract."""
        contract = self._contracts.get(name)
        if contract is None:
            return None
        entry = contract.find_entry(dataschema)
        return entry.version if entry else ""

    def has_active(self, name: str) -> bool:
        """Whether a version of the contract is in force."""
        contract = self._contracts.get(name)
        return contract is not None and contract.newest is not None

    def newest(self, name: str) -> ContractVersion:
        """The newest active version. If no version is active, the newest deprecated one.

        Raises:
            NoSuchContract: none is in force.
        """
        return self._get_ready(self._find_newest(name))

    def newest_id(self, name: str) -> int:
        """The number in the journal of the version that `newest` gives. Nothing is unpacked for it.

        Raises:
            NoSuchContract: none is in force.
        """
        return self._find_newest(name).id

    def in_force(self, name: str) -> list[ContractVersion]:
        """The versions in force, oldest first; empty if there is no such contract."""
        contract = self._contracts.get(name)
        return [self._get_ready(one) for one in contract.in_force] if contract else []

    def list_published(self, name: str) -> list[ContractVersion]:
        """The versions that have been in force, oldest first. Reads the database for the retired versions."""
        states = (*IN_FORCE, State.RETIRED)
        return [self._get_ready(entry) for entry in self._get_entries(name) if entry.state in states]

    def list_contracts_naming(self, participant: str) -> list[str]:
        """The names, sorted, of contracts whose versions in force name a participant. No other contract grants it anything.

        It searches the texts of the few documents that name the participant at all: to unpack every document takes a second.
        """
        sought = json.dumps({"participant": participant})[1:-1]
        contracts = [one for one in self._contracts.values() if participant in one.named]
        return sorted(one.name for one in contracts if any(sought in text for text in one.read_documents()))

    def walk_contracts(self, after: str, concerning: str | None = None) -> Iterator[tuple[str, list[Contract]]]:
        """The contracts in force behind a name, in order of name, each with its versions in force.

        A contract comes without versions if no version names the participant. So the caller can end a long walk.

        Args:
            concerning: the participant that must own the contract, send under it, or have a grant in it; None: all contracts.
        """
        for name in sorted(name for name in self._contracts if name > after):
            contract = self._contracts[name]
            texts = contract.read_documents() if concerning is None or concerning in contract.named else ()
            yield name, [restore_contract(json.loads(text)) for text in texts]

    def list_adapter_uses(self) -> list[AdapterUses]:
        """The adapters that contracts name in their newest version in force, sorted by the contracts' names."""
        found = [one.adapter_uses for one in self._contracts.values() if one.adapter_uses]
        return sorted(found, key=lambda one: one.name)

    def list_contracts_using(self, adapter: str) -> list[Contract]:
        """The versions in force that name an operation of an adapter, by name, lowest version first."""
        sought = json.dumps({"adapter": adapter})[1:-1]
        texts = (text for _, one in sorted(self._contracts.items()) for text in one.read_documents() if sought in text)
        found = (restore_contract(json.loads(text)) for text in texts)
        return [one for one in found if any(use.adapter == adapter for use in one.adapters)]

    def list_freshness(self) -> list[Freshness]:
        """The contracts that say how fresh their data are to be, sorted by name."""
        return sorted((one.freshness for one in self._contracts.values() if one.freshness), key=lambda one: one.name)

    def list_filterable(self) -> dict[int, frozenset[str]]:
        """The numbers in the journal of contracts that let consumers choose records, with pointers of the fields."""
        return {one.entries[0].contract_id: one.filterable for one in self._contracts.values() if one.filterable}

    def list_known(self) -> list[CataloguedContract]:
        """All contracts, drafts too, sorted by name."""
        return sorted(self._contracts.values(), key=lambda one: one.name)

    def find_days_kept(self, name: str) -> int | None:
        """How long the journal keeps a contract's events, in days after the day of each; None: for good.

        The versions in force decide, and the longest time counts: the bus keeps what each version promises. If no version is in
        force, those that were decide.
        """
        contract = self._contracts.get(name)
        texts = contract.read_documents() if contract else ()
        if not texts:
            texts = [self._read_document(one) for one in self._get_entries(name) if one.state is State.RETIRED]
        # Not by `in_force`: of ten thousand contracts it would make ready what nobody asked for.
        days = [restore_contract(json.loads(text)).delivery.retention_days for text in texts]
        known = [one for one in days if one is not None]
        return max(known) if known and len(known) == len(days) else None

    def list_numbers(self) -> list[int]:
        """The numbers in the journal of all contracts."""
        return list(self._names)

    def number_of(self, name: str) -> int | None:
        """A contract's number in the journal, whatever the states of its versions; None: there is no such contract."""
        contract = self._contracts.get(name)
        return contract.entries[0].contract_id if contract else None

    def name_of(self, contract_id: int) -> str | None:
        """The name of the contract with this number in the journal; None: there is no such contract."""
        return self._names.get(contract_id)

    def view(self, name: str, participant: str, version_id: int, today: date, wanted: Wanted | None = None) -> View:
        """How a participant sees an event of a contract.

        While the event's own version is in force and its grant stands, that grant counts. Otherwise the grant in the newest
        version counts, and shows only data that the newest version declares.

        Args:
            name: the contract.
            participant: the consumer.
            version_id: the version that the event was published under.
            today: the date in Lamongan; a grant holds to the end of its last day.
            wanted: what the participant wants of what its grant shows; None: all. To make such a view takes time at each call.

        Raises:
            GrantSuspended: the grant is suspended.
            NotGranted: there is no grant.
            GrantExpired: its last day is over.
            NoSuchContract: there is no contract in force.
        """
        if self._suspensions and (found := self.find_suspension(name, participant)) is not None:
            raise found.refuse()
        view = self._find_view(name, participant, version_id, today)
        return view if wanted is None else self._make_view(name, participant, version_id, today, wanted)

    def view_to_wait(self, name: str, participant: str, version_id: int, today: date) -> View:
        """As `view`, to decide which events wait for a participant: also under a suspension that keeps them waiting.

        Nothing of an event may be handed out through this view.
        """
        found = self.find_suspension(name, participant)
        if found is not None and found.waiting is Waiting.DROP:
            raise found.refuse()
        return self._find_view(name, participant, version_id, today)

    @property
    def suspensions(self) -> Suspensions:
        """The suspended grants by contract and participant; the same object until one of them changes."""
        return self._suspensions

    def find_suspension(self, name: str, participant: str) -> Suspension | None:
        """The suspension of a participant's grant in a contract; None: it is not suspended."""
        return self._suspensions.get((name, participant))

    @property
    def epoch(self) -> int:
        """A number that is another one after each change of what a participant may see."""
        return self._epoch

    def _find_view(self, name: str, participant: str, version_id: int, today: date) -> View:
        view = self._views.get((version_id, participant))
        if view is None or (view.grant.has_ended(today) and self._is_granted(name, participant, today)):
            view = self._make_view(name, participant, version_id, today)
        if view.grant.has_ended(today):
            raise GrantExpired(f"The grant of {participant} in {name} ended on {view.grant.until}.")
        return view

    def has_view(self, participant: str, version_id: int) -> bool:
        """Whether the view is made already. To make it takes long for a large grant."""
        return (version_id, participant) in self._views

    def _find_newest(self, name: str) -> CatalogueEntry:
        contract = self._contracts.get(name)
        entry = contract.newest if contract else None
        if entry is None:
            raise NoSuchContract(f"No version of {name} is in force.")
        return entry

    def _get_entries(self, name: str) -> Sequence[CatalogueEntry]:
        contract = self._contracts.get(name)
        return contract.entries if contract else ()

    def _take_over(self, changed: Sequence[CatalogueEntry], contracts: Sequence[CataloguedContract]) -> None:
        if not changed:
            return
        for entry in changed:
            self._keep_ready(entry)
        entries = [one for contract in contracts for one in contract.entries]
        # Replaced as a whole, views last: a reader in another thread sees the old index or the new one.
        self._entries = self._entries | {one.id: one for one in entries}
        self._names = self._names | {one.contract_id: one.name for one in entries}
        self._contracts = self._contracts | {one.name: one for one in contracts}
        self._views = {}
        self._epoch += 1

    def _take_over_suspensions(self, suspensions: Suspensions) -> None:
        if suspensions != self._suspensions:
            self._suspensions = suspensions
            self._epoch += 1

    def _make_ready(self, changed: Sequence[CatalogueEntry], *, is_first: bool) -> None:
        """Compile the versions that came in force, in this thread. Otherwise the event loop would, for the first event.

        Args:
            is_first: everything is new. Then small versions are left to the event loop, which compiles them fast enough.
        """
        for entry in changed:
            packed = self._contracts[entry.name].packed
            if packed and entry.state in IN_FORCE and not (is_first and len(packed) < _LARGE):
                prepare(self._get_ready(entry))

    def _keep_ready(self, entry: CatalogueEntry) -> None:
        """Keep a version's compiled form when its state changes: from activation on, its document never changes."""
        before = self._entries.get(entry.id)
        if before is not None and before.state in IN_FORCE and entry.state in IN_FORCE:
            ready = self._ready.get(before)
            if ready is not None:
                self._ready.keep(entry, replace(ready, state=entry.state))

    def _forget_found(self) -> None:
        for contract in self._contracts.values():
            contract.found = {}
        # Some views refer to what their version's schema declares.
        self._views = {}

    def _get_ready(self, entry: CatalogueEntry) -> ContractVersion:
        return self._ready.get(entry) or self._ready.make(entry, self._read_document(entry))

    def _read_document(self, entry: CatalogueEntry) -> bytes:
        document = self._contracts[entry.name].read_document(entry) if entry.name in self._contracts else None
        if document is not None:
            return document
        with self._storage.read() as transaction:
            return next(registered.read_documents(transaction, [entry.id]))

    def _is_granted(self, name: str, participant: str, today: date) -> bool:
        """Whether the newest version grants a participant anything today."""
        grant = self.newest(name).contract.grant(participant)
        return grant is not None and not grant.has_ended(today)

    def _find_granting(self, name: str, participant: str, published: ContractVersion, today: date) -> ContractVersion:
        """The version whose grant counts for events of a published version."""
        if published.state not in IN_FORCE:
            return self.newest(name)
        own = published.contract.grant(participant)
        if (own is None or own.has_ended(today)) and self._is_granted(name, participant, today):
            # The events would be seen by this grant once their version retires, and by then their reader would have passed them.
            return self.newest(name)
        return published

    def _make_view(
        self, name: str, participant: str, version_id: int, today: date, wanted: Wanted | None = None
    ) -> View:
        views = self._views
        published = self.version_numbered(version_id)
        version = self._find_granting(name, participant, published, today)
        grant = version.contract.grant(participant)
        if grant is None:
            raise NotGranted(f"{participant} has no grant in {name} {version.contract.version}.")
        view = View(
            version.contract, grant, self._pseudonym_key, version.declared, published.contract, self._address, wanted
        )
        if wanted is None and len(views) < _MOST_VIEWS:
            views[version_id, participant] = view
        return view
