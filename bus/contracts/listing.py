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
from sqlalchemy.engine import Connection

from bus import json
from bus.contracts.document import Classification, Kind
from bus.contracts.errors import NoSuchContract
from bus.contracts.lifecycle import State
from bus.contracts.registered import version_order
from bus.contracts.tables import CONTRACTS, VERSIONS
from bus.storage import Storage

_MOST_HEADINGS: Final = 20_000
_MOST_BYTES: Final = 8 * 1024 * 1024
"""What one page may cost: documents that are unpacked for it, and what it says of versions."""
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
    # Of a blob's length neither database reads the blob.
    sa.func.length(VERSIONS.c.document).label("bytes"),
).join(CONTRACTS)


@dataclass(frozen=True, slots=True)
class ListedVersion:
    """A version in an overview: where it is in its life; times in microseconds since 1970.

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
class ListedContract:
    """A contract in an overview.

    Attributes:
        heading: of the version that is shown.
        versions: lowest first.
    """

    name: str
    heading: Heading
    versions: tuple[ListedVersion, ...]

    @property
    def current(self) -> ListedVersion | None:
        """The newest version in force; None while there is none."""
        return _pick_in_force(self.versions)


@dataclass(frozen=True, slots=True)
class Page:
    """Contracts in order of name; there may be more behind it."""

    contracts: Sequence[ListedContract]
    has_more: bool


class Listing:
    """Reads overviews of contracts, drafts included, from the database. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._headings: OrderedDict[tuple[int, int, int], Heading] = OrderedDict()
        self._changing = threading.Lock()

    def page(self, limit: int, after: str = "") -> Page:
        """At most `limit` contracts after a name, fewer if they are costly to read, and one at least if there is one."""
        statement = sa.select(CONTRACTS.c.name).where(CONTRACTS.c.name > after).order_by(CONTRACTS.c.name)
        found: list[ListedContract] = []
        room = _MOST_BYTES
        with self._storage.read() as connection:
            names = connection.scalars(statement.limit(limit + 1)).all()
            for name in names[:limit]:
                versions = _read_versions(connection, name)
                room -= self._estimate_cost(versions)
                if found and room < 0:
                    break
                found.append(ListedContract(name, self._get_heading(connection, _pick_shown(versions)), versions))
        return Page(found, len(found) < len(names))

    def read_contract(self, name: str) -> tuple[ListedContract, bytes]:
        """A contract, and the document of its current version (without one in force: of its newest) as JSON.

        Raises:
            NoSuchContract: there is none.
        """
        with self._storage.read() as connection:
            versions = _read_versions(connection, name)
            if not versions:
                raise NoSuchContract(f"There is no contract {name}.")
            shown = _pick_shown(versions)
            return ListedContract(name, self._get_heading(connection, shown), versions), _read_document(
                connection, shown.id
            )

    def _estimate_cost(self, versions: Sequence[ListedVersion]) -> int:
        shown = _pick_shown(versions)
        return len(versions) * _VERSION_BYTES + (0 if _make_key(shown) in self._headings else shown.bytes)

    def _get_heading(self, connection: Connection, version: ListedVersion) -> Heading:
        with self._changing:
            found = self._headings.get(_make_key(version))
        return found or self._read_heading(connection, version)

    def _read_heading(self, connection: Connection, version: ListedVersion) -> Heading:
        document = json.loads(_read_document(connection, version.id))
        heading = Heading(
            document["title"],
            document["owner"],
            Kind(document["kind"]),
            Classification(document["classification"]),
        )
        with self._changing:
            self._headings[_make_key(version)] = heading
            while len(self._headings) > _MOST_HEADINGS:
                self._headings.popitem(last=False)
        return heading


def _make_key(version: ListedVersion) -> tuple[int, int, int]:
    return version.id, version.changed_at, version.bytes


def _read_versions(connection: Connection, name: str) -> tuple[ListedVersion, ...]:
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
        for row in connection.execute(_LISTED_VERSIONS.where(CONTRACTS.c.name == name))
    ]
    return tuple(sorted(found, key=lambda one: version_order(one.version)))


def _read_document(connection: Connection, version_id: int) -> bytes:
    return bytes(connection.execute(sa.select(VERSIONS.c.document).where(VERSIONS.c.id == version_id)).scalar_one())


def _pick_in_force(versions: Sequence[ListedVersion]) -> ListedVersion | None:
    for state in (State.ACTIVE, State.DEPRECATED):
        if found := [one for one in versions if one.state is state]:
            return found[-1]
    return None


def _pick_shown(versions: Sequence[ListedVersion]) -> ListedVersion:
    return _pick_in_force(versions) or versions[-1]
