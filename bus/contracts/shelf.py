"""Shelves: what the catalogue keeps in memory of one contract, its versions and their packed documents."""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from bus import json
from bus.contracts.document import AdapterUse, trusted
from bus.contracts.lifecycle import IN_FORCE, State
from bus.contracts.registered import Summary, documents, version_order
from bus.contracts.version import ContractVersion
from bus.storage import Transaction

_DATASCHEMA = re.compile(
    r"(?:(?:\S*/v1/contracts/)?([a-z][a-z0-9.-]*)(?:/versions/|/|:))?([0-9]+\.[0-9]+\.[0-9]+)(?:/schema)?"
)
_ADAPTER = b'"adapter":'
"""Stands in the text of every document that names an adapter, and in few others."""
_NEWLINE = b"\n"
"""Parts packed documents: canonical JSON has none."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A version in the index.

    Attributes:
        packed: the documents of all versions of the contract that are in force. Packed, since ten thousand unpacked ones
            take a gigabyte, and together, since they differ little. None: this version is not in force.
        place: which of them is this version's.
    """

    summary: Summary
    packed: bytes | None
    place: int = 0

    @property
    def text(self) -> bytes | None:
        """The document as JSON; None where it is not kept."""
        return zlib.decompress(self.packed).split(_NEWLINE)[self.place] if self.packed else None


@dataclass(frozen=True, slots=True)
class AdapterUses:
    """The adapters that a contract names, and the participants that have a grant in it."""

    name: str
    adapters: tuple[AdapterUse, ...]
    granted: frozenset[str]


@dataclass(slots=True)
class Shelf:
    """The versions of one contract.

    Attributes:
        stored: oldest first by version.
        uses: of the newest version in force, where it names adapters.
        chosen: what dataschemas were found to mean.
    """

    stored: Sequence[Stored]
    uses: AdapterUses | None
    chosen: dict[str | None, ContractVersion] = field(default_factory=dict)

    def newest(self) -> Stored | None:
        """The newest active version, while there is none the newest deprecated one; None: none is in force."""
        return _newest(self.stored)

    def named(self, name: str, dataschema: str) -> Stored | None:
        """The version that a dataschema names, whatever its state."""
        found = _DATASCHEMA.fullmatch(dataschema)
        if found is None or found[1] not in (None, name):
            return None
        return next((stored for stored in self.stored if stored.summary.version == found[2]), None)

    def texts(self) -> Iterable[bytes]:
        """The documents of the versions in force, as JSON."""
        packed = next((one.packed for one in self.stored if one.packed), None)
        return zlib.decompress(packed).split(_NEWLINE) if packed else ()


def shelves(transaction: Transaction, summaries: Iterable[Summary]) -> Iterator[tuple[str, Shelf]]:
    """The shelves of contracts, by name; reads the documents of the versions in force.

    Args:
        summaries: of all versions of these contracts.
    """
    ordered = sorted(summaries, key=lambda one: (one.name, version_order(one.version)))
    texts = documents(transaction, [one.id for one in ordered if one.state in IN_FORCE])
    for name, group in groupby(ordered, key=lambda one: one.name):
        yield name, _shelf(list(group), texts)


def _shelf(summaries: Sequence[Summary], texts: Iterator[bytes]) -> Shelf:
    in_force = [one for one in summaries if one.state in IN_FORCE]
    documents = [next(texts) for _ in in_force]
    packed = zlib.compress(_NEWLINE.join(documents), 1) if documents else None
    places = {one.id: place for place, one in enumerate(in_force)}
    stored = [Stored(one, packed if one.id in places else None, places.get(one.id, 0)) for one in summaries]
    newest = _newest(stored)
    return Shelf(stored, _uses(documents[newest.place]) if newest else None)


def _uses(text: bytes) -> AdapterUses | None:
    if _ADAPTER not in text:
        return None
    contract = trusted(json.loads(text))
    if not contract.adapters:
        return None
    return AdapterUses(contract.name, contract.adapters, frozenset(grant.participant for grant in contract.grants))


def _newest(stored: Sequence[Stored]) -> Stored | None:
    for state in (State.ACTIVE, State.DEPRECATED):
        for one in reversed(stored):
            if one.summary.state is state:
                return one
    return None
