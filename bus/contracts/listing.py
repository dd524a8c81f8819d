"""The listing of contracts: what an overview says of each, read without the documents that it does not show.

A document may be large, and a contract may have many versions: an overview that unpacked them all could be asked for until
the bus does nothing else.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import sqlalchemy as sa

from bus import json
from bus.contracts.document import Classification, Kind
from bus.contracts.errors import NoSuchContract
from bus.contracts.lifecycle import State
from bus.contracts.registered import version_order
from bus.contracts.tables import CONTRACTS, VERSIONS
from bus.storage import Storage, Transaction

_MOST_HEADINGS: Final = 20_000
_MOST_BYTES: Final = 8 * 1024 * 1024
"""What one page may cost: documents that are unpacked for it, and what it says of versions."""
_VERSION_BYTES: Final = 300
"""About what a page says of one version."""

_STANDINGS = sa.select(
    VERSIONS.c.id,
    VERSIONS.c.version,
    VERSIONS.c.state,
    VERSIONS.c.created_at,
    VERSIONS.c.created_by,
    VERSIONS.c.changed_at,
    VERSIONS.c.changed_by,
    VERSIONS.c.sunset,
    # Of a blob's length neither database reads the blob.
    sa.func.length(VERSIONS.c.document).label("bytes"),
).join(CONTRACTS)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a version is in its life; times in microseconds since 1970.

    Attributes:
        bytes: of its document.
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
class Listed:
    """A contract in an overview.

    Attributes:
        heading: of the version that is shown.
        versions: lowest first.
    """

    name: str
    heading: Heading
    versions: tuple[Standing, ...]

    @property
    def current(self) -> Standing | None:
        """The newest version in force; None while there is none."""
        return _in_force(self.versions)


@dataclass(frozen=True, slots=True)
class Page:
    """Contracts in order of name; there may be more behind it."""

    contracts: Sequence[Listed]
    has_more: bool


class Listing:
    """Reads overviews of contracts, drafts included, from the database. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._headings: OrderedDict[tuple[int, int, int], Heading] = OrderedDict()
        self._changing = threading.Lock()

    def page(self, limit: int, after: str = "") -> Page:
        """The next contracts in order of name: so many, or fewer where they are costly; one at least, if there is one."""
        statement = sa.select(CONTRACTS.c.name).where(CONTRACTS.c.name > after).order_by(CONTRACTS.c.name)
        found: list[Listed] = []
        room = _MOST_BYTES
        with self._storage.read() as transaction:
            names = [row[0] for row in transaction.rows(statement.limit(limit + 1))]
            for name in names[:limit]:
                versions = _standings(transaction, name)
                room -= self._cost(versions)
                if found and room < 0:
                    break
                found.append(Listed(name, self._heading(transaction, _shown(versions)), versions))
        return Page(found, len(found) < len(names))

    def one(self, name: str) -> tuple[Listed, bytes]:
        """A contract, and the document of its current version (without one in force: of its newest) as JSON.

        Raises:
            NoSuchContract: there is none.
        """
        with self._storage.read() as transaction:
            versions = _standings(transaction, name)
            if not versions:
                raise NoSuchContract(f"There is no contract {name}.")
            shown = _shown(versions)
            return Listed(name, self._heading(transaction, shown), versions), _document(transaction, shown.id)

    def _cost(self, versions: Sequence[Standing]) -> int:
        shown = _shown(versions)
        return len(versions) * _VERSION_BYTES + (0 if _key(shown) in self._headings else shown.bytes)

    def _heading(self, transaction: Transaction, standing: Standing) -> Heading:
        with self._changing:
            found = self._headings.get(_key(standing))
        return found or self._read_heading(transaction, standing)

    def _read_heading(self, transaction: Transaction, standing: Standing) -> Heading:
        document = json.loads(_document(transaction, standing.id))
        heading = Heading(
            document["title"],
            document["owner"],
            Kind(document["kind"]),
            Classification(document["classification"]),
        )
        with self._changing:
            self._headings[_key(standing)] = heading
            while len(self._headings) > _MOST_HEADINGS:
                self._headings.popitem(last=False)
        return heading


def _key(standing: Standing) -> tuple[int, int, int]:
    return standing.id, standing.changed_at, standing.bytes


def _standings(transaction: Transaction, name: str) -> tuple[Standing, ...]:
    found = [
        Standing(
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
        for row in transaction.rows(_STANDINGS.where(CONTRACTS.c.name == name))
    ]
    return tuple(sorted(found, key=lambda one: version_order(one.version)))


def _document(transaction: Transaction, version_id: int) -> bytes:
    return bytes(transaction.value(sa.select(VERSIONS.c.document).where(VERSIONS.c.id == version_id)))


def _in_force(versions: Sequence[Standing]) -> Standing | None:
    for state in (State.ACTIVE, State.DEPRECATED):
        if found := [one for one in versions if one.state is state]:
            return found[-1]
    return None


def _shown(versions: Sequence[Standing]) -> Standing:
    return _in_force(versions) or versions[-1]
