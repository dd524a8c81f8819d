"""One contract in the catalogue: its versions, and the packed documents of those in force. Finds the version of an event."""

import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final

from bus import clock, json
from bus.contracts.document import AdapterUse, restore_contract
from bus.contracts.ending import EndingGrant, list_ends
from bus.contracts.errors import UnknownVersion, VersionRetired
from bus.contracts.lifecycle import IN_FORCE, State
from bus.contracts.ready import ReadyVersions
from bus.contracts.registered import CatalogueEntry, read_documents, version_order
from bus.contracts.version import ContractVersion, Notice
from bus.problem import FieldError
from bus.storage import Transaction

_DATASCHEMA: Final = re.compile(
    r"(?:(?:\S*/v1/contracts/)?([a-z][a-z0-9.-]*)(?:/versions/|/|:))?([0-9]+\.[0-9]+\.[0-9]+)(?:/schema)?"
)
_ADAPTER: Final = b'"adapter":'
"""The text of every document that names an adapter holds this; few others do."""
_FRESH: Final = b'"fresh_hours":'
"""The text of every document that says how fresh its data are to be holds this."""
_FILTERABLE: Final = b'"filterable":'
"""The text of every document that names filterable fields holds this."""
_NAMED: Final = re.compile(rb'"(?:owner|participant)":"([^"]+)"|"producers":\[([^\]]*)\]')
"""Where a document names participants. It finds them many times faster than reading the document does."""
_NEWLINE: Final = b"\n"
"""Separates packed documents: canonical JSON has no line feed."""
_MOST_SPELLINGS: Final = 64
"""Spellings of dataschemas that are remembered for a contract."""


@dataclass(frozen=True, slots=True)
class AdapterUses:
    """The adapters that a contract names, and the participants that have a grant in it."""

    name: str
    adapters: tuple[AdapterUse, ...]
    granted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh the data of a contract are to be, and who sends them.

    Attributes:
        hours: whoever sends nothing for longer is silent.
    """

    name: str
    contract_id: int
    owner: str
    producers: frozenset[str]
    hours: int


@dataclass(slots=True)
class CataloguedContract:
    """The versions of one contract.

    Attributes:
        entries: the versions, lowest first.
        packed: the documents of the versions in force, in order; None: no version is in force. They are compressed, since
            ten thousand contracts would take a gigabyte. They are compressed together, since they differ little.
        adapter_uses: the adapters that the newest version in force names; None: it names none.
        freshness: how fresh the newest version in force wants its data; None: it does not say.
        filterable: pointers of the fields by which versions in force let consumers choose records.
        found: versions that were found before, by dataschema. Look here first, then call `find_version`.
        owner: the owner by the newest version in force; None: no version is in force.
        named: the participants that versions in force name as owner, producer or consumer; a few others may be among them.
    """

    name: str
    entries: Sequence[CatalogueEntry]
    packed: bytes | None
    adapter_uses: AdapterUses | None
    freshness: Freshness | None = None
    filterable: frozenset[str] = frozenset()
    found: dict[str | None, ContractVersion] = field(default_factory=dict)
    owner: str | None = None
    named: frozenset[str] = frozenset()
    _ending: Sequence[EndingGrant] | None = None

    @property
    def ending(self) -> Sequence[EndingGrant]:
        """The grants that end, as `list_ends` gives them. The documents are unpacked for it once."""
        if self._ending is None:
            versions = [restore_contract(json.loads(text)) for text in self.read_documents()]
            self._ending = list_ends(self.name, versions)
        return self._ending

    @property
    def newest(self) -> CatalogueEntry | None:
        """The newest active version. If none is active, the newest deprecated one; None: no version is in force."""
        return _pick_newest(self.entries)

    @property
    def in_force(self) -> list[CatalogueEntry]:
        """The versions in force, lowest first."""
        return [one for one in self.entries if one.state in IN_FORCE]

    def find_version(self, dataschema: str | None, ready: ReadyVersions) -> ContractVersion:
        """The version in force that a dataschema names; see `Catalogue.find_version`.

        Raises:
            UnknownVersion, VersionRetired: refusals of a publication, with the attribute's pointer.
        """
        entry = self.find_entry(dataschema)
        if entry is not None and entry.state is State.RETIRED:
            raise self._refuse_retired(entry)
        document = None if entry is None else self.read_document(entry)
        if entry is None or document is None:
            raise self._refuse_unknown()
        version = ready.get(entry) or ready.make(entry, document)
        notice = self._write_notice(entry) if entry.state is State.DEPRECATED else None
        names_publisher = self._has_several_producers()
        if notice is not None or names_publisher:
            version = replace(version, notice=notice, names_publisher=names_publisher)
        if len(self.found) < _MOST_SPELLINGS:
            self.found[dataschema] = version
        return version

    def find_entry(self, dataschema: str | None) -> CatalogueEntry | None:
        """The version that a dataschema names, in any state. A dataschema of None names the newest version in force."""
        if dataschema is None:
            return self.newest
        named = _DATASCHEMA.fullmatch(dataschema)
        if named is None or named[1] not in (None, self.name):
            return None
        return next((one for one in self.entries if one.version == named[2]), None)

    def read_document(self, entry: CatalogueEntry) -> bytes | None:
        """A version's document as JSON. None: the version was not in force when the catalogue read the contract."""
        place = next((place for place, one in enumerate(self.in_force) if one.id == entry.id), None)
        return None if place is None else self.read_documents()[place]

    def read_documents(self) -> Sequence[bytes]:
        """The documents of the versions in force as JSON, lowest version first."""
        return zlib.decompress(self.packed).split(_NEWLINE) if self.packed else ()

    def _has_several_producers(self) -> bool:
        """Whether several participants may publish under versions in force."""
        producers = {one for text in self.read_documents() for one in restore_contract(json.loads(text)).producers}
        return len(producers) > 1

    def _write_notice(self, deprecated: CatalogueEntry) -> Notice:
        newest = self.newest
        successor = newest.version if newest and newest.state is State.ACTIVE else None
        return Notice(self.name, clock.moment(deprecated.deprecated_at or 0), deprecated.sunset, successor)

    def _refuse_unknown(self) -> UnknownVersion:
        return UnknownVersion(
            f"{self.name} has no such version in force; leave dataschema out for the newest.",
            errors=[FieldError("/dataschema", "must name an active version, or be left out for the newest")],
        )

    def _refuse_retired(self, retired: CatalogueEntry) -> VersionRetired:
        newest = self.newest
        instead = f"use {newest.version}" if newest else "no other is in force"
        return VersionRetired(
            f"{self.name} {retired.version} has been retired; {instead}.",
            errors=[FieldError("/dataschema", instead)],
        )


def read_contracts(transaction: Transaction, entries: Iterable[CatalogueEntry]) -> Iterator[CataloguedContract]:
    """The contracts that versions belong to. Reads the documents of the versions in force.

    Args:
        entries: all versions of these contracts.
    """
    ordered = sorted(entries, key=lambda one: (one.name, version_order(one.version)))
    documents = read_documents(transaction, [one.id for one in ordered if one.state in IN_FORCE])
    for name, group in groupby(ordered, key=lambda one: one.name):
        yield _make_contract(name, list(group), documents)


def _make_contract(name: str, entries: Sequence[CatalogueEntry], documents: Iterator[bytes]) -> CataloguedContract:
    texts = {one.id: next(documents) for one in entries if one.state in IN_FORCE}
    packed = zlib.compress(_NEWLINE.join(texts.values()), 1) if texts else None
    newest = _pick_newest(entries)
    if newest is None:
        return CataloguedContract(name, entries, packed, None)
    text = texts[newest.id]
    filterable = frozenset(pointer for one in texts.values() for pointer in _find_filterable(one))
    freshness = _find_freshness(text, newest.contract_id)
    owner = sys.intern(json.loads(text)["owner"])
    named = frozenset(one for document in texts.values() for one in _find_named(document))
    return CataloguedContract(name, entries, packed, _find_uses(text), freshness, filterable, owner=owner, named=named)


def _find_named(document: bytes) -> Iterator[str]:
    for single, several in _NAMED.findall(document):
        for text in several.split(b",") if several else (single,):
            yield sys.intern(text.strip(b'"').decode())


def _find_uses(document: bytes) -> AdapterUses | None:
    if _ADAPTER not in document:
        return None
    contract = restore_contract(json.loads(document))
    if not contract.adapters:
        return None
    return AdapterUses(contract.name, contract.adapters, frozenset(grant.participant for grant in contract.grants))


def _find_freshness(document: bytes, contract_id: int) -> Freshness | None:
    if _FRESH not in document:
        return None
    contract = restore_contract(json.loads(document))
    hours = contract.delivery.fresh_hours
    return Freshness(contract.name, contract_id, contract.owner, contract.producers, hours) if hours else None


def _find_filterable(document: bytes) -> Sequence[str]:
    return restore_contract(json.loads(document)).filterable if _FILTERABLE in document else ()


def _pick_newest(entries: Sequence[CatalogueEntry]) -> CatalogueEntry | None:
    for state in (State.ACTIVE, State.DEPRECATED):
        for one in reversed(entries):
            if one.state is state:
                return one
    return None
