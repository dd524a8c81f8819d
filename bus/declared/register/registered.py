"""Reading the register of adapters, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa

from bus import json
from bus.contracts import State
from bus.declared.document import AdapterDocument
from bus.declared.errors import AdapterInvalid
from bus.declared.load import check_document
from bus.declared.register.errors import NoSuchAdapter
from bus.declared.register.life import FREE_TO_CHANGE
from bus.declared.register.tables import MOVES, VERSIONS
from bus.storage import Transaction


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that somebody wants to register.

    Attributes:
        is_personal: an operation carries personal data.
        text: the document as canonical JSON.
    """

    name: str
    version: str
    owner: str
    title: str
    is_personal: bool
    text: bytes = field(repr=False)

    @property
    def document(self) -> AdapterDocument:
        """The document, read."""
        return check_document(json.loads(self.text))


def make_draft(body: Any) -> Draft:
    """The draft of a document, a JSON value.

    Raises:
        AdapterInvalid: with a pointer to each error.
    """
    document = check_document(body)
    is_personal = any(operation.least.is_about_persons for operation in document.operations)
    text = json.dump_canonical(body)
    return Draft(document.adapter, document.version, document.owner, document.title, is_personal, text)


@dataclass(frozen=True, slots=True)
class AdapterMove:
    """One step in a version's history.

    Attributes:
        at: when, in microseconds since 1970.
        client_id: the client that took the step; `command line` on the bus's own machine; None: not kept.
    """

    state: State
    at: int
    by: str
    client_id: str | None = None


@dataclass(frozen=True)
class RegisteredAdapter:
    """A version of an adapter as the register holds it; times in microseconds since 1970.

    Attributes:
        is_personal: an operation carries personal data.
        history: all steps, oldest first.
        findings: what the last check found, as JSON: a list of objects.
        text: the document as canonical JSON.
    """

    id: int
    name: str
    version: str
    state: State
    owner: str
    title: str
    is_personal: bool
    created_at: int
    created_by: str
    changed_at: int
    changed_by: str
    history: tuple[AdapterMove, ...]
    findings: bytes = field(repr=False)
    text: bytes = field(repr=False)

    @property
    def document(self) -> AdapterDocument:
        """The document, read.

        Raises:
            AdapterInvalid: this version of the bus cannot read it.
        """
        try:
            body = json.loads(self.text)
        except ValueError:
            raise AdapterInvalid(f"{self.name} {self.version} is no JSON in the database.") from None
        return check_document(body)

    @property
    def participant(self) -> str:
        """Who publishes what the version polls. It is read also of a document that this version of the bus refuses."""
        return str(json.loads(self.text)["participant"])

    @property
    def is_free(self) -> bool:
        """Whether its document may still be replaced."""
        return self.state in FREE_TO_CHANGE

    @property
    def put_in_force_at(self) -> tuple[int, int]:
        """When the version was last put in force, in microseconds since 1970, and its number."""
        return max((move.at for move in self.history if move.state is State.ACTIVE), default=0), self.id

    @cached_property
    def tag(self) -> str:
        """The name of the version's present content: another document, or another state, has another tag."""
        told = f"{self.id} {self.state.value} {self.changed_at} ".encode() + self.text
        return blake2b(told, digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class AdapterHolding:
    """The versions of adapters that one participant registered.

    Attributes:
        drafts: number of versions that were not in force yet.
        bytes: size of all documents together.
    """

    drafts: int
    versions: int
    bytes: int


def find_version(transaction: Transaction, name: str, version: str) -> RegisteredAdapter | None:
    """One version; None: there is no such version."""
    found = _read(transaction, sa.select(VERSIONS).where(VERSIONS.c.name == name, VERSIONS.c.version == version))
    return found[0] if found else None


def read_version(transaction: Transaction, name: str, version: str) -> RegisteredAdapter:
    """One version.

    Raises:
        NoSuchAdapter: there is none.
    """
    found = find_version(transaction, name, version)
    if found is None:
        raise NoSuchAdapter(f"There is no version {version[:64]} of an adapter {name[:64]}.")
    return found


def read_known_versions(transaction: Transaction, name: str) -> list[RegisteredAdapter]:
    """All versions of an adapter, lowest first; empty if there is no such adapter."""
    found = _read(transaction, sa.select(VERSIONS).where(VERSIONS.c.name == name))
    return sorted(found, key=lambda one: order_version(one.version))


def read_versions(transaction: Transaction, name: str) -> list[RegisteredAdapter]:
    """All versions of an adapter, lowest first.

    Raises:
        NoSuchAdapter: there is none.
    """
    found = read_known_versions(transaction, name)
    if not found:
        raise NoSuchAdapter(f"There is no adapter document {name[:64]}.")
    return found


def list_names(transaction: Transaction, after: str, limit: int) -> list[str]:
    """The names of adapters behind a name, in their order, at most `limit`."""
    statement = sa.select(VERSIONS.c.name).distinct().where(VERSIONS.c.name > after)
    return [row.name for row in transaction.rows(statement.order_by(VERSIONS.c.name).limit(limit))]


def read_active(transaction: Transaction) -> list[RegisteredAdapter]:
    """The active versions of all adapters."""
    return _read(transaction, sa.select(VERSIONS).where(VERSIONS.c.state == State.ACTIVE.value))


def list_settled_names(transaction: Transaction) -> frozenset[str]:
    """The names of which a version is, or was, in force."""
    free = [state.value for state in FREE_TO_CHANGE]
    statement = sa.select(VERSIONS.c.name).distinct().where(VERSIONS.c.state.not_in(free))
    return frozenset(row.name for row in transaction.rows(statement))


def measure_holding(transaction: Transaction, participant: str, besides: tuple[str, str]) -> AdapterHolding:
    """The versions of a participant, without the version (name, number) that it is about to register or replace."""
    is_draft = VERSIONS.c.state.in_([state.value for state in FREE_TO_CHANGE])
    name, version = besides
    query = (
        sa.select(
            sa.func.count().filter(is_draft),
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(sa.func.length(VERSIONS.c.document)), 0),
        )
        .where(VERSIONS.c.created_by == participant)
        .where(~((VERSIONS.c.name == name) & (VERSIONS.c.version == version)))
    )
    ((drafts, versions, size),) = transaction.rows(query)
    return AdapterHolding(int(drafts), int(versions), int(size))


def order_version(version: str) -> tuple[int, ...]:
    """The sort key of a version number: 1.10.0 comes after 1.9.0."""
    return tuple(int(part) for part in version.split("."))


def _read(transaction: Transaction, statement: sa.Select[Any]) -> list[RegisteredAdapter]:
    rows = transaction.rows(statement)
    histories = _read_histories(transaction, [row.id for row in rows])
    return [
        RegisteredAdapter(
            id=row.id,
            name=row.name,
            version=row.version,
            state=State(row.state),
            owner=row.owner,
            title=row.title,
            is_personal=bool(row.is_personal),
            created_at=row.created_at,
            created_by=row.created_by,
            changed_at=row.changed_at,
            changed_by=row.changed_by,
            history=tuple(histories[row.id]),
            findings=bytes(row.findings),
            text=bytes(row.document),
        )
        for row in rows
    ]


def _read_histories(transaction: Transaction, ids: Sequence[int]) -> dict[int, list[AdapterMove]]:
    histories: dict[int, list[AdapterMove]] = {number: [] for number in ids}
    # Versions are few: an office has a limit of them, and a page of the list few adapters.
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        statement = sa.select(MOVES).where(MOVES.c.version_id.in_(some)).order_by(MOVES.c.id)
        for row in transaction.rows(statement):
            move = AdapterMove(State(row.state), row.at, row.by, row.client_id)
            histories[row.version_id].append(move)
    return histories
