"""The listing of contracts: reads what an overview shows of each contract, and no other documents.

A document may be large, and a contract may have many versions. If each overview unpacked them all, requests for overviews
could keep the bus from all other work.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import sqlalchemy as sa

from bus import json
from bus.contracts.document import Classification, Kind
from bus.contracts.errors import NoSuchContract
from bus.contracts.lifecycle import State
from bus.contracts.registered import RegisteredVersion, version_order
from bus.contracts.tables import CONTRACTS, VERSIONS
from bus.storage import Storage, Transaction

_Key = tuple[int, int, int]
"""The name of a version with its document: its number, the time of its last change, and the document's bytes."""
_MOST_HEADINGS: Final = 20_000
_MOST_NAMES: Final = 500
_MOST_BYTES: Final = 8 * 1024 * 1024
"""The most that one page may cost in bytes: documents that are unpacked for it, and its lines about versions."""
_VERSION_BYTES: Final = 300
"""About what a page says of one version."""

_LISTED_VERSIONS = sa.select(
    VERSIONS.c.id,
    VERSIONS.c.version,
    VERSIONS.c.state,
    VERSIONS.c.created_at,
    VERSIONS.c.created_by,
    VERSIONS.c.changed_at,
    VERSIONS.c.changed_by,
    VERSIONS.c.sunset,
    # For a blob's length, neither database reads the blob.
    sa.func.length(VERSIONS.c.document).label("bytes"),
).join(CONTRACTS)


@dataclass(frozen=True, slots=True)
class ListedVersion:
    """A version's state; times in microseconds since 1970.

    Attributes:
        bytes: the size of its document.
    """

    id: int
    version: str
    state: State
    created_at: int
    created_by: str
    changed_at: int
    changed_by: str
    sunset: date | None
    bytes: int


@dataclass(frozen=True, slots=True)
class Heading:
    """What an overview says of a version's document."""

    title: str
    owner: str
    kind: Kind
    classification: Classification


@dataclass(frozen=True, slots=True)
class ListedContract:
    """A contract in an overview.

    Attributes:
        heading: the heading of the version that is shown.
        versions: all versions, lowest first.
    """

    name: str
    heading: Heading
    versions: tuple[ListedVersion, ...]

    @property
    def current(self) -> ListedVersion | None:
        """The newest version in force; None: no version is in force."""
        return _pick_in_force(self.versions)


@dataclass(frozen=True, slots=True)
class Page:
    """Contracts in order of name, and whether more follow."""

    contracts: Sequence[ListedContract]
    has_more: bool


class Listing:
    """Reads overviews of contracts, drafts included, from the database. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._headings: OrderedDict[_Key, Heading] = OrderedDict()
        self._changing = threading.Lock()

    def page(self, limit: int, after: str = "") -> Page:
        """The next contracts in order of name: at least one, if there is one; at most `limit`, fewer if that means many bytes."""
        statement = sa.select(CONTRACTS.c.name).where(CONTRACTS.c.name > after).order_by(CONTRACTS.c.name)
        found: list[ListedContract] = []
        room = _MOST_BYTES
        with self._storage.read() as transaction:
            names = [row[0] for row in transaction.rows(statement.limit(limit + 1))]
            for name in names[:limit]:
                versions = _read_versions(transaction, name)
                room -= self._estimate_cost(versions)
                if found and room < 0:
                    break
                found.append(ListedContract(name, self._get_heading(transaction, _pick_shown(versions)), versions))
        return Page(found, len(found) < len(names))

    def read_named(self, names: Sequence[str]) -> list[ListedContract]:
        """The contracts with some names, in the order of the names; leaves out names without a contract."""
        with self._storage.read() as transaction:
            found = [(name, _read_versions(transaction, name)) for name in names]
            return [
                ListedContract(name, self._get_heading(transaction, _pick_shown(versions)), versions)
                for name, versions in found
                if versions
            ]

    def find_owners(self, names: Sequence[str]) -> dict[str, frozenset[str]]:
        """By contract, the owners that its versions name."""
        return {name: frozenset(heading.owner for _, _, heading in self._read_headed(name)) for name in names}

    def read_versions(self) -> Iterator[tuple[str, ListedVersion, Heading]]:
        """Every version of every contract with its heading, in order of name and number. Reads one document at a time."""
        after = ""
        while names := self._read_names(_MOST_NAMES, after):
            for name in names:
                yield from self._read_headed(name)
            after = names[-1]

    def get_heading(self, registered: RegisteredVersion) -> Heading:
        """The heading of a version that was read before. Unpacks its document once."""
        key = (registered.id, registered.changed_at, len(registered.text))
        return self._find_kept(key) or self._keep(key, registered.text)

    def read_contract(self, name: str) -> tuple[ListedContract, bytes]:
        """A contract, and the document of its current version as JSON. If no version is in force, of its newest version.

        Raises:
            NoSuchContract: there is none.
        """
        with self._storage.read() as transaction:
            versions = _read_versions(transaction, name)
            if not versions:
                raise NoSuchContract(f"There is no contract {name}.")
            shown = _pick_shown(versions)
            return ListedContract(name, self._get_heading(transaction, shown), versions), _read_document(
                transaction, shown.id
            )

    def _estimate_cost(self, versions: Sequence[ListedVersion]) -> int:
        shown = _pick_shown(versions)
        return len(versions) * _VERSION_BYTES + (0 if _make_key(shown) in self._headings else shown.bytes)

    def _read_headed(self, name: str) -> list[tuple[str, ListedVersion, Heading]]:
        with self._storage.read() as transaction:
            return [(name, one, self._get_heading(transaction, one)) for one in _read_versions(transaction, name)]

    def _read_names(self, limit: int, after: str) -> Sequence[str]:
        statement = sa.select(CONTRACTS.c.name).where(CONTRACTS.c.name > after).order_by(CONTRACTS.c.name)
        with self._storage.read() as transaction:
            return [row.name for row in transaction.rows(statement.limit(limit))]

    def _get_heading(self, transaction: Transaction, version: ListedVersion) -> Heading:
        key = _make_key(version)
        return self._find_kept(key) or self._keep(key, _read_document(transaction, version.id))

    def _find_kept(self, key: _Key) -> Heading | None:
        with self._changing:
            return self._headings.get(key)

    def _keep(self, key: _Key, text: bytes) -> Heading:
        document = json.loads(text)
        heading = Heading(
            document["title"],
            document["owner"],
            Kind(document["kind"]),
            Classification(document["classification"]),
        )
        with self._changing:
            self._headings[key] = heading
            while len(self._headings) > _MOST_HEADINGS:
                self._headings.popitem(last=False)
        return heading


def _make_key(version: ListedVersion) -> _Key:
    return version.id, version.changed_at, version.bytes


def _read_versions(transaction: Transaction, name: str) -> tuple[ListedVersion, ...]:
    found = [
        ListedVersion(
            row.id,
            row.version,
            State(row.state),
            row.created_at,
            row.created_by,
            row.changed_at,
            row.changed_by,
            date.fromisoformat(row.sunset) if row.sunset else None,
            row.bytes,
        )
        for row in transaction.rows(_LISTED_VERSIONS.where(CONTRACTS.c.name == name))
    ]
    return tuple(sorted(found, key=lambda one: version_order(one.version)))


def _read_document(transaction: Transaction, version_id: int) -> bytes:
    return bytes(transaction.value(sa.select(VERSIONS.c.document).where(VERSIONS.c.id == version_id)))


def _pick_in_force(versions: Sequence[ListedVersion]) -> ListedVersion | None:
    for state in (State.ACTIVE, State.DEPRECATED):
        if found := [one for one in versions if one.state is state]:
            return found[-1]
    return None


def _pick_shown(versions: Sequence[ListedVersion]) -> ListedVersion:
    return _pick_in_force(versions) or versions[-1]
