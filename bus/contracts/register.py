"""The register of contract versions in the database: adds drafts, and moves versions from state to state.

Every function works in the caller's transaction and checks the present state in it.
"""

from datetime import date

import sqlalchemy as sa

from bus import clock, json
from bus.actions import Actor as Actor
from bus.actions import note
from bus.contracts import suspension
from bus.contracts.access_request import follow_owner
from bus.contracts.acts import consented, drafted, moved
from bus.contracts.binding import Bindings
from bus.contracts.consent import check_four_eyes, check_words, newly_bound, words_given, words_of
from bus.contracts.document import Contract
from bus.contracts.domains import check_domain
from bus.contracts.errors import (
    ChangedMeanwhile,
    NoSuchContract,
    NotOwner,
    SunsetPast,
    TransitionRefused,
    VersionChanged,
    VersionTaken,
)
from bus.contracts.lifecycle import IN_FORCE, State, check_step
from bus.contracts.ownership import check_name, check_owner, find_owner
from bus.contracts.registered import (
    Basis,
    Move,
    RegisteredVersion,
    find_version,
    read_basis,
    read_known_versions,
    read_version,
)
from bus.contracts.suspension import Waiting
from bus.contracts.tables import CONTRACTS, MOVES, VERSIONS
from bus.problem import FieldError
from bus.storage import Transaction, announce

TOPIC = "contracts"
"""The topic under which changes are announced."""

Tags = frozenset[str] | None
"""Tags: a change is refused if the version has none of them; None: the version may have any tag."""


def put_draft(transaction: Transaction, contract: Contract, actor: Actor, tags: Tags = None) -> RegisteredVersion:
    """Add a version as a draft, or replace a draft. A version that is registered with the same content stays as it is.

    A replaced proposal becomes a draft again, so that an owner approves only what was proposed.

    Raises:
        NotOwner: the contract, or the document, belongs to another participant.
        VersionTaken: the version has other content and may not change any more, or is another owner's draft.
        VersionChanged: the version has none of the `tags`.
    """
    _lock(transaction, contract.name)
    check_owner(transaction, contract, actor)
    present = find_version(transaction, contract.name, contract.version)
    if present is None:
        if tags is not None:
            raise VersionChanged(f"There is no version {contract.version} of {contract.name} yet.")
        _insert(transaction, contract, actor)
    else:
        _check_unchanged(present, tags)
        if not present.holds(contract):
            _replace(transaction, present, contract, actor)
    return read_version(transaction, contract.name, contract.version)


def propose(transaction: Transaction, name: str, version: str, actor: Actor, tags: Tags = None) -> RegisteredVersion:
    """Propose a draft to those who approve in its domain.

    Raises:
        NoSuchContract, DomainNotYours, NotOwner, TransitionRefused, VersionChanged: see there.
    """
    return _move(transaction, _check_approvable(transaction, name, version, actor, tags), State.PROPOSED, actor)


def read_candidate(
    transaction: Transaction, name: str, version: str, actor: Actor, tags: Tags = None
) -> tuple[Contract, Basis]:
    """The version that somebody wants to put in force, and the basis that it must be judged by.

    Raises:
        NoSuchContract, DomainNotYours, NotOwner, TransitionRefused, VersionChanged: see there.
    """
    present = _check_approvable(transaction, name, version, actor, tags)
    check_step(present.state, State.ACTIVE)
    return present.contract, read_basis(transaction, name, version)


def consent(
    transaction: Transaction, name: str, version: str, actor: Actor, bindings: Bindings, tags: Tags = None
) -> RegisteredVersion:
    """Record that an adapter's owner agrees to the operations that a version names. A change of the document cancels it.

    Raises:
        AdapterNotYours: the actor owns no adapter that the version names.
        NoSuchContract, TransitionRefused, VersionChanged: see there.
    """
    _lock(transaction, name)
    present = read_version(transaction, name, version)
    _check_unchanged(present, tags)
    words = words_of(present.contract, actor, bindings)
    if not present.is_free:
        raise TransitionRefused(f"The version is {present.state.value}; a word for it comes before that.")
    if not words_given(present).issuperset(words):
        _remember(transaction, present.id, _make_step(present.state, actor, adapters=words))
        note(transaction, consented(present.contract, words, actor))
    return read_version(transaction, name, version)


def activate(
    transaction: Transaction,
    basis: Basis,
    actor: Actor,
    bindings: Bindings,
    *,
    accepted_undecided: bool = False,
    grants_seen: bool = False,
) -> RegisteredVersion:
    """Put a version in force that was approved on a basis.

    The judgement takes time, and this transaction keeps others from writing. So the caller judges before the transaction.

    Raises:
        DomainNotYours, NotOwner, TransitionRefused, FourEyes, AdapterWordMissing: see there.
        ChangedMeanwhile: the register changed since the basis was read.
    """
    check_basis(transaction, basis)
    present = _check_approvable(transaction, basis.name, basis.version, actor, None)
    settled = [one for one in read_known_versions(transaction, basis.name) if not one.is_free]
    in_force = [one.contract for one in settled if one.state in IN_FORCE]
    check_four_eyes(present, [one.contract for one in settled], actor)
    check_words(present, in_force, actor, bindings)
    words = newly_bound(present.contract, in_force, actor, bindings)
    return _move(
        transaction,
        present,
        State.ACTIVE,
        actor,
        accepted_undecided=accepted_undecided,
        grants_seen=grants_seen,
        adapters=words,
    )


def check_basis(transaction: Transaction, basis: Basis) -> None:
    """Hold the contract until the transaction ends, if it is as it was.

    Raises:
        ChangedMeanwhile: the basis is no longer what stands.
    """
    _lock(transaction, basis.name)
    if read_basis(transaction, basis.name, basis.version).tags != basis.tags:
        raise ChangedMeanwhile(f"{basis.name} changed while {basis.version} was judged; do it again.")


def deprecate(
    transaction: Transaction, name: str, version: str, actor: Actor, tags: Tags = None, *, sunset: date | None = None
) -> RegisteredVersion:
    """Mark a version as superseded. It still takes events.

    Args:
        sunset: the last day on which it takes events, in Lamongan's calendar; None: no day is set.

    Raises:
        NoSuchContract, NotOwner, TransitionRefused, VersionChanged: see there.
        SunsetPast: the sunset is over.
    """
    if sunset is not None and sunset < clock.today():
        raise SunsetPast(f"{sunset} is over.", errors=[FieldError("/sunset", "must not be in the past")])
    return _move(
        transaction, _check_movable(transaction, name, version, actor, tags), State.DEPRECATED, actor, sunset=sunset
    )


def retire(transaction: Transaction, name: str, version: str, actor: Actor, tags: Tags = None) -> RegisteredVersion:
    """Take a version out of force for good.

    Raises:
        NoSuchContract, NotOwner, TransitionRefused, VersionChanged: see there.
    """
    return _move(transaction, _check_movable(transaction, name, version, actor, tags), State.RETIRED, actor)


def suspend_grant(
    transaction: Transaction,
    name: str,
    participant: str,
    reason: str,
    waiting: Waiting,
    actor: Actor,
    deliveries: int = 0,
) -> None:
    """Suspend a participant's grant in all versions of a contract, those of the future too.

    Args:
        deliveries: how many deliveries wait under the grant, for the action log.

    Raises:
        NoSuchContract, NotOwner, NotOperator, ReasonInvalid: see there.
        NoSuchGrant: no version in force has a grant of the participant.
    """
    contract_id, owner = check_steward(transaction, name, actor)
    in_force = [one.contract for one in read_known_versions(transaction, name) if one.state in IN_FORCE]
    if all(contract.grant(participant) is None for contract in in_force):
        raise suspension.refuse_unknown(name, participant)
    announce(transaction, TOPIC)
    place = suspension.GrantPlace(contract_id, name, owner, participant)
    suspension.suspend(transaction, place, reason, waiting, actor, deliveries)


def resume_grant(transaction: Transaction, name: str, participant: str, actor: Actor) -> None:
    """Lift the suspension of a participant's grant.

    Raises:
        NoSuchContract, NotOwner, NotOperator, NotSuspended: see there.
    """
    contract_id, owner = check_steward(transaction, name, actor)
    announce(transaction, TOPIC)
    suspension.resume(transaction, suspension.GrantPlace(contract_id, name, owner, participant), actor)


def check_steward(transaction: Transaction, name: str, actor: Actor) -> tuple[int, str]:
    """The contract's number and its owner. It locks the contract. The actor is the owner or the operator.

    Raises:
        NoSuchContract, NotOwner: see there.
    """
    _lock(transaction, name)
    contract_id = transaction.value(sa.select(CONTRACTS.c.id).where(CONTRACTS.c.name == name))
    owner = find_owner(transaction, name)
    if contract_id is None or owner is None:
        raise NoSuchContract(f"No version of {name} is or was in force.")
    if not actor.is_operator:
        check_name(owner, name, actor)
    return int(contract_id), owner


def refuse_taken(contract: Contract, state: State) -> VersionTaken:
    """The refusal of other content for a version that may not change any more."""
    return VersionTaken(
        f"{contract.name} {contract.version} is {state.value} with other content; raise the version.",
        errors=[FieldError("/version", "must be a new version")],
    )


def _check_movable(transaction: Transaction, name: str, version: str, actor: Actor, tags: Tags) -> RegisteredVersion:
    _lock(transaction, name)
    present = read_version(transaction, name, version)
    _check_mover(transaction, present, actor)
    _check_unchanged(present, tags)
    return present


def _check_approvable(transaction: Transaction, name: str, version: str, actor: Actor, tags: Tags) -> RegisteredVersion:
    """A version that the actor may propose and activate: the actor owns the domain, or is the operator."""
    _lock(transaction, name)
    present = read_version(transaction, name, version)
    check_domain(transaction, name, actor)
    owner = find_owner(transaction, name)
    if owner not in (None, present.contract.owner) and not actor.is_operator:
        # Before the name had an owner, another participant could register a draft. Its activation would give the name away.
        raise NotOwner(f"{name} {version} is a draft of {present.contract.owner}, and {name} belongs to {owner}.")
    _check_unchanged(present, tags)
    return present


def _check_mover(transaction: Transaction, present: RegisteredVersion, actor: Actor) -> None:
    """Refuse a step to an actor that owns neither the name nor, while the version may change, its document."""
    if actor.is_operator:
        return
    owner = find_owner(transaction, present.name)
    check_name(owner, present.name, actor)
    if (owner is None or present.is_free) and present.contract.owner != actor.participant:
        raise NotOwner(f"{present.name} {present.version} is a draft of {present.contract.owner}.")


def _move(
    transaction: Transaction,
    present: RegisteredVersion,
    wanted: State,
    actor: Actor,
    *,
    sunset: date | None = None,
    accepted_undecided: bool = False,
    grants_seen: bool = False,
    adapters: tuple[str, ...] = (),
) -> RegisteredVersion:
    check_step(present.state, wanted)
    move = _make_step(wanted, actor, accepted_undecided=accepted_undecided, adapters=adapters)
    values = {"state": wanted.value, "changed_at": move.at, "changed_by": move.by}
    if sunset is not None:
        values["sunset"] = sunset.isoformat()
    updated = transaction.execute(
        sa.update(VERSIONS).where(VERSIONS.c.id == present.id, VERSIONS.c.state == present.state.value).values(**values)
    )
    if not updated:
        raise TransitionRefused("Somebody else changed its state at the same moment; look again.")
    _remember(transaction, present.id, move)
    if wanted is State.ACTIVE:
        follow_owner(transaction, present.contract_id, present.contract.owner)
    note(transaction, moved(present.contract, present.state, move, actor, sunset=sunset, grants_seen=grants_seen))
    return read_version(transaction, present.name, present.version)


def _lock(transaction: Transaction, name: str) -> None:
    """Lock a contract's versions until the transaction ends, since they are judged against each other."""
    transaction.one(sa.select(CONTRACTS.c.id).where(CONTRACTS.c.name == name).with_for_update())


def _check_unchanged(present: RegisteredVersion, tags: Tags) -> None:
    if tags is not None and present.tag not in tags:
        raise VersionChanged(
            f"{present.changed_by} changed {present.name} {present.version} since you read it;"
            f" it is {present.state.value} now. Read it again and repeat what you meant to change.",
            headers={"ETag": f'"{present.tag}"'},
        )


def _insert(transaction: Transaction, contract: Contract, actor: Actor) -> None:
    contract_id = transaction.value(sa.select(CONTRACTS.c.id).where(CONTRACTS.c.name == contract.name))
    if contract_id is None:
        contract_id = transaction.value(sa.insert(CONTRACTS).values(name=contract.name).returning(CONTRACTS.c.id))
    move = _make_step(State.DRAFT, actor)
    inserted = sa.insert(VERSIONS).values(
        contract_id=contract_id,
        version=contract.version,
        state=move.state.value,
        document=json.dump_canonical(contract.document),
        created_at=move.at,
        created_by=move.by,
        changed_at=move.at,
        changed_by=move.by,
    )
    version_id = transaction.value(inserted.returning(VERSIONS.c.id))
    _remember(transaction, version_id, move)
    note(transaction, drafted(contract, None, actor))


def _replace(transaction: Transaction, present: RegisteredVersion, contract: Contract, actor: Actor) -> None:
    if not present.is_free:
        raise refuse_taken(contract, present.state)
    move = _make_step(State.DRAFT, actor)
    values = {"state": move.state.value, "changed_at": move.at, "changed_by": move.by}
    if present.contract.owner != contract.owner:
        # The draft had another owner, from before the name had one. It no longer counts as that participant's draft.
        values |= {"created_at": move.at, "created_by": move.by}
    statement = sa.update(VERSIONS).where(VERSIONS.c.id == present.id)
    transaction.execute(statement.values(document=json.dump_canonical(contract.document), **values))
    _remember(transaction, present.id, move)
    note(transaction, drafted(contract, present, actor))


def _make_step(state: State, actor: Actor, *, accepted_undecided: bool = False, adapters: tuple[str, ...] = ()) -> Move:
    """A step that the actor takes now."""
    now = clock.micros(clock.now())
    return Move(state, now, actor.participant, accepted_undecided, actor.client_name, adapters)


def _remember(transaction: Transaction, version_id: int, move: Move) -> None:
    # This comes first: other changes of the register then wait until the commit. So steps become visible in the order of
    # their numbers. A reader that asks for steps after the last one it saw misses none.
    announce(transaction, TOPIC)
    transaction.execute(
        sa.insert(MOVES).values(
            version_id=version_id,
            state=move.state.value,
            at=move.at,
            by=move.by,
            accepted_undecided=move.accepted_undecided,
            client_id=move.client_id,
            adapters=" ".join(move.adapters) or None,
        )
    )
