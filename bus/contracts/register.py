"""The register of contract versions in the database: adding drafts, moving them through their life, reading them.

Every function works in the caller's transaction and checks the present state in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bus import clock, json
from bus.contracts.document import Contract, trusted
from bus.contracts.errors import NoSuchContract, NotOwner, NotReady, TransitionRefused, VersionTaken
from bus.contracts.lifecycle import State, check_step
from bus.contracts.lint import lint
from bus.contracts.tables import CONTRACTS, VERSIONS
from bus.problem import FieldError
from bus.storage import announce

TOPIC = "contracts"
"""What changes are announced under."""

_ID_BATCH = 500
"""Below every dialect's limit of bound parameters."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes the register: a participant, and whether as the operator, who may do what owners may."""

    participant: str
    is_operator: bool = False


@dataclass(frozen=True, slots=True)
class Registered:
    """A contract version as the register holds it; times in microseconds since 1970."""

    id: int
    contract_id: int
    state: State
    created_at: int
    created_by: str
    changed_at: int
    changed_by: str
    contract: Contract


@dataclass(frozen=True, slots=True)
class Summary:
    """What an index needs to know of a version without its document."""

    id: int
    contract_id: int
    name: str
    version: str
    state: State
    changed_at: int


class Change(Enum):
    """What applying a document does."""

    ADD = "add"
    REPLACE_DRAFT = "replace draft"
    ACTIVATE = "activate"


@dataclass(frozen=True, slots=True)
class Step:
    """What applying one document does; no changes: it stands already."""

    contract: Contract
    changes: tuple[Change, ...]

    def __str__(self) -> str:
        done = " and ".join(change.value for change in self.changes) or "unchanged"
        return f"{self.contract.name} {self.contract.version}: {done}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying documents does, in their order."""

    steps: tuple[Step, ...]

    @property
    def changes_anything(self) -> bool:
        """Whether one step does."""
        return any(step.changes for step in self.steps)


_COLUMNS = sa.select(VERSIONS, CONTRACTS.c.name).join(CONTRACTS)
_SUMMARIES = sa.select(
    VERSIONS.c.id, VERSIONS.c.contract_id, CONTRACTS.c.name, VERSIONS.c.version, VERSIONS.c.state, VERSIONS.c.changed_at
).join(CONTRACTS)


def plan(connection: Connection, contracts: Sequence[Contract], actor: Actor) -> Plan:
    """What applying the documents would do.

    Raises:
        NotOwner, NotReady: one may not become active by this actor, or as it stands.
        VersionTaken: one has other content than the version that stands; all of them are named.
    """
    return Plan(tuple(_planned(connection, contract, actor) for contract in _without_repeats(contracts)))


def carry_out(connection: Connection, plan: Plan, actor: Actor) -> None:
    """Do what a plan, made in the same transaction, says."""
    for step in plan.steps:
        if Change.ADD in step.changes or Change.REPLACE_DRAFT in step.changes:
            put_draft(connection, step.contract, actor)
        if Change.ACTIVATE in step.changes:
            move(connection, step.contract.name, step.contract.version, State.ACTIVE, actor)


def put_draft(connection: Connection, contract: Contract, actor: Actor) -> Registered:
    """Add a version as a draft, or replace a draft; a version that stands with the same content is left alone.

    Raises:
        NotOwner: the contract, or the document, is somebody else's.
        VersionTaken: the version is past being a draft and has other content.
    """
    _check_owner(connection, contract.name, actor, contract.owner)
    document = json.canonical(contract.document)
    present = _row(connection, contract.name, contract.version)
    now = clock.micros(clock.now())
    if present is None:
        _insert(connection, contract, document, actor, now)
    elif bytes(present.document) != document:
        replaced = connection.execute(
            sa.update(VERSIONS)
            .where(VERSIONS.c.id == present.id, VERSIONS.c.state == State.DRAFT.value)
            .values(document=document, changed_at=now, changed_by=actor.participant)
        )
        if not replaced.rowcount:
            raise _taken(contract, State(present.state))
        announce(connection, TOPIC)
    return version_of(connection, contract.name, contract.version)


def move(connection: Connection, name: str, version: str, wanted: State, actor: Actor) -> Registered:
    """Take a version to its next state.

    Raises:
        NoSuchContract, NotOwner.
        TransitionRefused: that is not a step from its present state.
        NotReady: lint has findings, so that it cannot become active.
    """
    present = version_of(connection, name, version)
    _check_owner(connection, name, actor)
    check_step(present.state, wanted)
    if wanted is State.ACTIVE:
        _check_ready(present.contract)
    moved = connection.execute(
        sa.update(VERSIONS)
        .where(VERSIONS.c.id == present.id, VERSIONS.c.state == present.state.value)
        .values(state=wanted.value, changed_at=clock.micros(clock.now()), changed_by=actor.participant)
    )
    if not moved.rowcount:
        raise TransitionRefused("Somebody else changed its state at the same moment; look again.")
    announce(connection, TOPIC)
    return version_of(connection, name, version)


def version_of(connection: Connection, name: str, version: str) -> Registered:
    """One version.

    Raises:
        NoSuchContract: there is none.
    """
    row = _row(connection, name, version)
    if row is None:
        raise NoSuchContract(f"There is no version {version} of {name}.")
    return _registered(row)


def versions_of(connection: Connection, name: str) -> list[Registered]:
    """All versions of a contract, lowest first.

    Raises:
        NoSuchContract: there is none.
    """
    rows = connection.execute(_COLUMNS.where(CONTRACTS.c.name == name).order_by(VERSIONS.c.id)).all()
    if not rows:
        raise NoSuchContract(f"There is no contract {name}.")
    return sorted(map(_registered, rows), key=lambda registered: version_order(registered.contract.version))


def version_order(version: str) -> tuple[int, ...]:
    """What versions are sorted by: 1.10.0 comes after 1.9.0."""
    return tuple(int(part) for part in version.split("."))


def page(connection: Connection, limit: int, after: str) -> list[list[Registered]]:
    """The versions of each of the next `limit` contracts whose names come after `after`."""
    names = connection.scalars(
        sa.select(CONTRACTS.c.name).where(CONTRACTS.c.name > after).order_by(CONTRACTS.c.name).limit(limit)
    )
    return [versions_of(connection, name) for name in names.all()]


def summaries(connection: Connection) -> list[Summary]:
    """Every version without its document."""
    return [
        Summary(row.id, row.contract_id, row.name, row.version, State(row.state), row.changed_at)
        for row in connection.execute(_SUMMARIES)
    ]


def documents(connection: Connection, ids: Sequence[int]) -> Iterable[tuple[int, bytes]]:
    """The documents of versions, as JSON, by version id."""
    for start in range(0, len(ids), _ID_BATCH):
        batch = ids[start : start + _ID_BATCH]
        statement = sa.select(VERSIONS.c.id, VERSIONS.c.document).where(VERSIONS.c.id.in_(batch))
        yield from ((row.id, bytes(row.document)) for row in connection.execute(statement))


def _planned(connection: Connection, contract: Contract, actor: Actor) -> Step:
    _check_owner(connection, contract.name, actor, contract.owner)
    _check_ready(contract)
    present = _row(connection, contract.name, contract.version)
    if present is None:
        return Step(contract, (Change.ADD, Change.ACTIVATE))
    state, same = State(present.state), bytes(present.document) == json.canonical(contract.document)
    if state in (State.DRAFT, State.PROPOSED):
        if same:
            return Step(contract, (Change.ACTIVATE,))
        if state is State.DRAFT:
            return Step(contract, (Change.REPLACE_DRAFT, Change.ACTIVATE))
    if not same:
        raise _taken(contract, state)
    return Step(contract, ())


def _without_repeats(contracts: Sequence[Contract]) -> Sequence[Contract]:
    seen: set[tuple[str, str]] = set()
    for contract in contracts:
        if (contract.name, contract.version) in seen:
            raise VersionTaken(f"{contract.name} {contract.version} is given twice.")
        seen.add((contract.name, contract.version))
    return contracts


def _insert(connection: Connection, contract: Contract, document: bytes, actor: Actor, now: int) -> None:
    contract_id = connection.scalar(sa.select(CONTRACTS.c.id).where(CONTRACTS.c.name == contract.name))
    if contract_id is None:
        inserted = connection.execute(sa.insert(CONTRACTS).values(name=contract.name)).inserted_primary_key
        contract_id = inserted[0] if inserted else None
    connection.execute(
        sa.insert(VERSIONS).values(
            contract_id=contract_id,
            version=contract.version,
            state=State.DRAFT.value,
            document=document,
            created_at=now,
            created_by=actor.participant,
            changed_at=now,
            changed_by=actor.participant,
        )
    )
    announce(connection, TOPIC)


def _row(connection: Connection, name: str, version: str) -> Any:
    return connection.execute(_COLUMNS.where(CONTRACTS.c.name == name, VERSIONS.c.version == version)).one_or_none()


def _registered(row: Any) -> Registered:
    return Registered(
        id=row.id,
        contract_id=row.contract_id,
        state=State(row.state),
        created_at=row.created_at,
        created_by=row.created_by,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        contract=trusted(json.loads(bytes(row.document))),
    )


def _check_owner(connection: Connection, name: str, actor: Actor, document_owner: str | None = None) -> None:
    """A name belongs to the owner in its newest version that became active; before that, in its first draft."""
    if actor.is_operator:
        return
    if document_owner not in (None, actor.participant):
        raise NotOwner(f"{actor.participant} cannot register what {document_owner} owns.")
    statement = _COLUMNS.where(CONTRACTS.c.name == name).order_by(VERSIONS.c.id)
    versions = [_registered(row) for row in connection.execute(statement)]
    settled = [version for version in versions if version.state not in (State.DRAFT, State.PROPOSED)]
    deciding = settled[-1:] or versions[:1]
    if deciding and deciding[0].contract.owner != actor.participant:
        raise NotOwner(f"{name} belongs to {deciding[0].contract.owner}.")


def _check_ready(contract: Contract) -> None:
    if findings := lint(contract):
        raise NotReady(
            f"{contract.name} {contract.version} has to be mended first.",
            errors=[FieldError(finding.pointer, finding.message) for finding in findings],
        )


def _taken(contract: Contract, state: State) -> VersionTaken:
    return VersionTaken(
        f"{contract.name} {contract.version} is {state.value} with other content; raise the version.",
        errors=[FieldError("/version", "must be a new version")],
    )
