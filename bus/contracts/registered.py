"""Reading the register of contract versions, in the caller's transaction."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa

from bus import json
from bus.contracts.document import Contract, restore_contract
from bus.contracts.errors import NoSuchContract
from bus.contracts.lifecycle import FREE_TO_CHANGE, State
from bus.contracts.tables import CONTRACTS, MOVES, VERSIONS
from bus.storage import Transaction

_ID_BATCH = 500
"""Below every dialect's limit of bound parameters."""


@dataclass(frozen=True, slots=True)
class Move:
    """One step in a version's history.

    Attributes:
        state: the version's state after the step.
        at: when, in microseconds since 1970.
        accepted_undecided: the version was put in force although its compatibility could not be decided.
        client_id: the client that took the step; `command line` on the bus's own machine; None: an older bus took the step.
        adapters: the operations (`kemendagri/cari-nik`) to which the adapter's owner agreed with this step.
    """

    state: State
    at: int
    by: str
    accepted_undecided: bool = False
    client_id: str | None = None
    adapters: tuple[str, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether the version got another document. The word for an adapter leaves a draft as it is."""
        return self.state is State.DRAFT and not self.adapters


@dataclass(frozen=True)
class RegisteredVersion:
    """A contract version as the register holds it; times in microseconds since 1970.

    Attributes:
        sunset: the day after which the owner intends to retire a deprecated version; None: no day is set.
        history: all steps, oldest first, with each change of the draft.
        text: the document as canonical JSON. A document may be large, so `contract` unpacks it only when needed.
    """

    id: int
    contract_id: int
    name: str
    version: str
    state: State
    created_at: int
    created_by: str
    changed_at: int
    changed_by: str
    sunset: date | None
    history: tuple[Move, ...]
    text: bytes = field(repr=False)

    @cached_property
    def contract(self) -> Contract:
        """The document, unpacked."""
        return restore_contract(json.loads(self.text))

    @property
    def is_free(self) -> bool:
        """Whether its document may still be replaced."""
        return self.state in FREE_TO_CHANGE

    @property
    def put_in_force_at(self) -> tuple[int, int]:
        """When the version was put in force, in microseconds since 1970, and its number. Sorts versions by activation."""
        return max((move.at for move in self.history if move.state is State.ACTIVE), default=0), self.id

    @cached_property
    def tag(self) -> str:
        """The name of the version's present content: another document, or another state, has another tag."""
        told = f"{self.id} {self.state.value} {self.changed_at} ".encode() + self.text
        return blake2b(told, digest_size=12).hexdigest()

    @property
    def steps(self) -> tuple[Move, ...]:
        """The history for people: of several changes of a draft in a row, only the last."""
        following = (*self.history[1:], None)
        pairs = zip(self.history, following, strict=True)
        return tuple(move for move, then in pairs if not (move.is_change and then is not None and then.is_change))

    def holds(self, contract: Contract) -> bool:
        """Whether a document equals the registered one."""
        return self.text == json.dump_canonical(contract.document)


@dataclass(frozen=True, slots=True)
class Basis:
    """The state of the register that a version is judged by before it is put in force.

    Attributes:
        present: the version as it is registered; None: it is not registered.
        active: the active versions, lowest first.
    """

    name: str
    version: str
    present: RegisteredVersion | None
    active: tuple[RegisteredVersion, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags that are equal for two equal bases."""
        return (self.present.tag if self.present else "", *(one.tag for one in self.active))


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A version without its document, as the catalogue keeps it.

    Attributes:
        deprecated_at: when the version became deprecated, in microseconds since 1970; None: it is not deprecated.
        sunset: the day after which the owner intends to retire a deprecated version; None: no day is set.
    """

    id: int
    contract_id: int
    name: str
    version: str
    state: State
    deprecated_at: int | None
    sunset: date | None


@dataclass(frozen=True, slots=True)
class Succession:
    """The activation of a contract's newest version after another version; `at` in microseconds since 1970."""

    name: str
    version: str
    at: int


_COLUMNS = sa.select(VERSIONS, CONTRACTS.c.name).join(CONTRACTS)
_STATES = {state.value: state for state in State}
_IS_DEPRECATED = VERSIONS.c.state == State.DEPRECATED.value
_ENTRIES = sa.select(
    VERSIONS.c.id,
    VERSIONS.c.contract_id,
    CONTRACTS.c.name,
    VERSIONS.c.version,
    VERSIONS.c.state,
    # SQLite must read past the document to the columns behind it. So these are read only for deprecated versions.
    sa.case((_IS_DEPRECATED, VERSIONS.c.changed_at)).label("deprecated_at"),
    sa.case((_IS_DEPRECATED, VERSIONS.c.sunset)).label("sunset"),
).join(CONTRACTS)


def find_version(transaction: Transaction, name: str, version: str) -> RegisteredVersion | None:
    """One version; None: there is no such version."""
    found = _read_registered(transaction, _COLUMNS.where(CONTRACTS.c.name == name, VERSIONS.c.version == version))
    return found[0] if found else None


def read_version(transaction: Transaction, name: str, version: str) -> RegisteredVersion:
    """One version.

    Raises:
        NoSuchContract: there is none.
    """
    found = find_version(transaction, name, version)
    if found is None:
        raise NoSuchContract(f"There is no version {version} of {name}.")
    return found


def read_versions(transaction: Transaction, name: str) -> list[RegisteredVersion]:
    """All versions of a contract, lowest first.

    Raises:
        NoSuchContract: there is none.
    """
    found = read_known_versions(transaction, name)
    if not found:
        raise NoSuchContract(f"There is no contract {name}.")
    return sorted(found, key=lambda registered: version_order(registered.version))


def read_known_versions(transaction: Transaction, name: str) -> list[RegisteredVersion]:
    """All versions of a contract in the order of their registration; empty if there is no such contract."""
    return _read_registered(transaction, _COLUMNS.where(CONTRACTS.c.name == name).order_by(VERSIONS.c.id))


def read_proposed(transaction: Transaction) -> list[RegisteredVersion]:
    """All proposed versions of all contracts, in the order of their registration."""
    return _read_registered(
        transaction, _COLUMNS.where(VERSIONS.c.state == State.PROPOSED.value).order_by(VERSIONS.c.id)
    )


def read_basis(transaction: Transaction, name: str, version: str) -> Basis:
    """The present basis for the judgement of a version."""
    versions = read_known_versions(transaction, name)
    active = [one for one in versions if one.state is State.ACTIVE]
    return Basis(
        name=name,
        version=version,
        present=next((one for one in versions if one.version == version), None),
        active=tuple(sorted(active, key=lambda one: version_order(one.version))),
    )


def version_order(version: str) -> tuple[int, ...]:
    """The sort key of a version number: 1.10.0 comes after 1.9.0."""
    return tuple(int(part) for part in version.split("."))


def read_last_move(transaction: Transaction) -> int:
    """The number of the last step of any version; 0: there is none."""
    return int(transaction.value(sa.select(sa.func.coalesce(sa.func.max(MOVES.c.id), 0))) or 0)


def read_entries(transaction: Transaction, moved_after: int | None = None) -> list[CatalogueEntry]:
    """Versions without their documents.

    Args:
        moved_after: the number of a step: reads only versions that took a later step; None: reads all versions.
    """
    statement = _ENTRIES
    if moved_after is not None:
        statement = statement.where(VERSIONS.c.id.in_(sa.select(MOVES.c.version_id).where(MOVES.c.id > moved_after)))
    return [
        CatalogueEntry(
            number,
            contract_id,
            sys.intern(name),
            sys.intern(version),
            _STATES[state],
            deprecated_at,
            _parse_date(sunset),
        )
        for number, contract_id, name, version, state, deprecated_at, sunset in transaction.rows(statement)
    ]


def find_successions(transaction: Transaction, since: int, name: str | None = None) -> list[Succession]:
    """For each contract the last activation that followed another one, if it happened since a time. Newest first.

    Args:
        since: microseconds since 1970.
        name: only this contract; None: all contracts.
    """
    activation = sa.select(VERSIONS.c.contract_id, VERSIONS.c.version, MOVES.c.at).join(MOVES)
    activations = activation.where(MOVES.c.state == State.ACTIVE.value).subquery()
    earlier = sa.select(activations.c.contract_id, sa.func.min(activations.c.at).label("first"))
    first = earlier.group_by(activations.c.contract_id).subquery()
    statement = (
        sa.select(CONTRACTS.c.name, activations.c.version, activations.c.at)
        .join(CONTRACTS, CONTRACTS.c.id == activations.c.contract_id)
        .join(first, first.c.contract_id == activations.c.contract_id)
        .where(activations.c.at >= since, activations.c.at > first.c.first)
        .order_by(activations.c.at)
    )
    if name is not None:
        statement = statement.where(CONTRACTS.c.name == name)
    last = {row.name: Succession(row.name, row.version, row.at) for row in transaction.rows(statement)}
    return sorted(last.values(), key=lambda one: -one.at)


def read_documents(transaction: Transaction, ids: Sequence[int]) -> Iterator[bytes]:
    """The documents of versions, as JSON, in the order of the ids."""
    for start in range(0, len(ids), _ID_BATCH):
        batch = ids[start : start + _ID_BATCH]
        statement = sa.select(VERSIONS.c.id, VERSIONS.c.document).where(VERSIONS.c.id.in_(batch))
        found = {number: bytes(document) for number, document in transaction.rows(statement)}
        yield from (found[number] for number in batch)


def _read_registered(transaction: Transaction, statement: sa.Select[Any]) -> list[RegisteredVersion]:
    rows = transaction.rows(statement)
    histories = _read_histories(transaction, [row.id for row in rows])
    return [
        RegisteredVersion(
            id=row.id,
            contract_id=row.contract_id,
            name=row.name,
            version=row.version,
            state=State(row.state),
            created_at=row.created_at,
            created_by=row.created_by,
            changed_at=row.changed_at,
            changed_by=row.changed_by,
            sunset=_parse_date(row.sunset),
            history=tuple(histories[row.id]),
            text=bytes(row.document),
        )
        for row in rows
    ]


def _read_histories(transaction: Transaction, ids: Sequence[int]) -> dict[int, list[Move]]:
    histories: dict[int, list[Move]] = {number: [] for number in ids}
    statement = sa.select(MOVES).where(MOVES.c.version_id.in_(ids)).order_by(MOVES.c.id)
    for row in transaction.rows(statement) if ids else ():
        adapters = tuple((row.adapters or "").split())
        move = Move(State(row.state), row.at, row.by, row.accepted_undecided, row.client_id, adapters)
        histories[row.version_id].append(move)
    return histories


def _parse_date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
