"""Changes the register of adapters: adds drafts, and moves versions from state to state.

Every function works in the caller's transaction and checks the present state in it. The announcement comes first. All other
changes of the register then wait until the commit, so versions are judged against the present register.
"""

import sqlalchemy as sa

from bus import clock
from bus.actions import Action, Actor, Object, Verb, note
from bus.contracts import State, Tags
from bus.declared.register import approval
from bus.declared.register.errors import AdapterNameTaken, AdapterTransition, AdapterVersionChanged, AdapterVersionTaken
from bus.declared.register.life import check_step
from bus.declared.register.registered import (
    AdapterMove,
    Draft,
    RegisteredAdapter,
    find_version,
    read_known_versions,
    read_version,
)
from bus.declared.register.tables import MOVES, VERSIONS
from bus.problem import FieldError
from bus.storage import Transaction, announce

TOPIC = "adapters"
"""The topic under which changes are announced."""

_VERBS = {
    State.DRAFT: Verb.ADAPTER_DRAFT,
    State.PROPOSED: Verb.ADAPTER_PROPOSE,
    State.ACTIVE: Verb.ADAPTER_ACTIVATE,
    State.DEPRECATED: Verb.ADAPTER_DEPRECATE,
    State.RETIRED: Verb.ADAPTER_RETIRE,
}


def put_draft(
    transaction: Transaction, draft: Draft, findings: bytes, actor: Actor, tags: Tags = None
) -> RegisteredAdapter:
    """Add a version as a draft, or replace a draft. A version that is registered with the same content stays as it is.

    A replaced proposal becomes a draft again, so that only what was proposed is approved.

    Raises:
        AdapterNotOwner: the name, or the document, belongs to another participant.
        AdapterVersionTaken: the version may not change any more, or is another owner's draft.
        AdapterVersionChanged: the version has none of the `tags`.
    """
    announce(transaction, TOPIC)
    known = read_known_versions(transaction, draft.name)
    approval.check_draft_owner(known, draft, actor)
    present = find_version(transaction, draft.name, draft.version)
    if present is None:
        if tags is not None:
            raise AdapterVersionChanged(f"There is no version {draft.version} of {draft.name} yet.")
        _insert(transaction, draft, findings, actor)
    else:
        _check_unchanged(present, tags)
        if present.text != draft.text:
            _replace(transaction, present, draft, findings, actor)
    return read_version(transaction, draft.name, draft.version)


def propose(
    transaction: Transaction, present: RegisteredAdapter, findings: bytes, actor: Actor, named: str
) -> RegisteredAdapter:
    """Propose a draft that was judged. Raises what `read_mover` raises.

    Args:
        present: the draft as it was judged.
        findings: what the check found.
        named: the participant that the operator names as the adapter's owner; empty: nobody.
    """
    announce(transaction, TOPIC)
    found = read_mover(transaction, present.name, present.version, actor, frozenset({present.tag}), named)
    _keep_findings(transaction, found, findings)
    return _move(transaction, found, State.PROPOSED, actor)


def activate(
    transaction: Transaction,
    present: RegisteredAdapter,
    findings: bytes,
    actor: Actor,
    named: str,
    *,
    serves_persons: bool,
) -> RegisteredAdapter:
    """Put a judged version in force. The version that was in force becomes deprecated.

    Args:
        serves_persons: contracts in force that name the adapter carry personal data.

    Raises:
        OperatorWordMissing, AdapterNotOwner, AdapterFourEyes, AdapterTransition, AdapterVersionChanged: see there.
    """
    announce(transaction, TOPIC)
    found = read_candidate(transaction, present.name, present.version, actor, frozenset({present.tag}), named)
    known = read_known_versions(transaction, present.name)
    approval.check_four_eyes(known, found, actor, serves_persons=serves_persons)
    for other in known:
        if other.state is State.ACTIVE:
            _move(transaction, other, State.DEPRECATED, actor)
    _keep_findings(transaction, found, findings)
    return _move(transaction, found, State.ACTIVE, actor)


def read_candidate(
    transaction: Transaction, name: str, version: str, actor: Actor, tags: Tags, named: str
) -> RegisteredAdapter:
    """The version that an actor may put in force. Raises what `activate` raises."""
    present = read_version(transaction, name, version)
    known = read_known_versions(transaction, name)
    approval.check_word(known, present, actor, named)
    _check_unchanged(present, tags)
    check_step(present.state, State.ACTIVE)
    approval.check_four_eyes(known, present, actor)
    return present


def read_mover(
    transaction: Transaction, name: str, version: str, actor: Actor, tags: Tags, named: str
) -> RegisteredAdapter:
    """The version that an actor may move, except into force.

    Raises:
        NoSuchAdapter, AdapterNotOwner, AdapterVersionChanged: see there.
    """
    present = read_version(transaction, name, version)
    approval.check_mover(read_known_versions(transaction, name), present, actor, named)
    _check_unchanged(present, tags)
    return present


def withdraw(
    transaction: Transaction, name: str, version: str, wanted: State, actor: Actor, tags: Tags, named: str
) -> RegisteredAdapter:
    """Take a version out of force: `DEPRECATED` can be activated again, `RETIRED` cannot.

    Raises what `read_mover` raises, and AdapterTransition. It is never refused for the contracts that name the adapter: an owner
    can always stop it. Their deliveries wait.
    """
    announce(transaction, TOPIC)
    return _move(transaction, read_mover(transaction, name, version, actor, tags, named), wanted, actor)


def check_name_free(name: str, coded: frozenset[str]) -> None:
    """Refuse the name of an installed adapter.

    Raises:
        AdapterNameTaken: names it.
    """
    if name in coded:
        raise AdapterNameTaken(
            f"{name} is an installed adapter of this bus; choose another name.",
            errors=[FieldError("/adapter", "must not be the name of an installed adapter")],
        )


def _move(transaction: Transaction, present: RegisteredAdapter, wanted: State, actor: Actor) -> RegisteredAdapter:
    check_step(present.state, wanted)
    move = _make_step(wanted, actor)
    statement = sa.update(VERSIONS).where(VERSIONS.c.id == present.id, VERSIONS.c.state == present.state.value)
    if not transaction.execute(statement.values(state=wanted.value, changed_at=move.at, changed_by=move.by)):
        raise AdapterTransition("Somebody else changed its state at the same moment; look again.")
    _remember(transaction, present.id, move)
    before, after = {"state": present.state.value}, {"state": wanted.value}
    note(transaction, Action(_VERBS[wanted], actor, _name(present), present.owner, before, after))
    return read_version(transaction, present.name, present.version)


def _check_unchanged(present: RegisteredAdapter, tags: Tags) -> None:
    if tags is not None and present.tag not in tags:
        raise AdapterVersionChanged(
            f"{present.changed_by} changed {present.name} {present.version} since you read it;"
            f" it is {present.state.value} now. Read it again and repeat what you meant to change.",
            headers={"ETag": f'"{present.tag}"'},
        )


def _insert(transaction: Transaction, draft: Draft, findings: bytes, actor: Actor) -> None:
    move = _make_step(State.DRAFT, actor)
    values = _list_values(draft, findings, move) | {"created_at": move.at, "created_by": move.by}
    inserted = sa.insert(VERSIONS).values(name=draft.name, version=draft.version, **values)
    _remember(transaction, transaction.value(inserted.returning(VERSIONS.c.id)), move)
    _note_draft(transaction, draft, None, actor)


def _replace(transaction: Transaction, present: RegisteredAdapter, draft: Draft, findings: bytes, actor: Actor) -> None:
    if not present.is_free:
        raise AdapterVersionTaken(
            f"{draft.name} {draft.version} is {present.state.value} with other content; raise the version.",
            errors=[FieldError("/version", "must be a new version")],
        )
    move = _make_step(State.DRAFT, actor)
    values = _list_values(draft, findings, move)
    if present.owner != draft.owner:
        # It no longer counts as the draft of the participant that owned it.
        values |= {"created_at": move.at, "created_by": move.by}
    transaction.execute(sa.update(VERSIONS).where(VERSIONS.c.id == present.id).values(**values))
    _remember(transaction, present.id, move)
    _note_draft(transaction, draft, present, actor)


def _list_values(draft: Draft, findings: bytes, move: AdapterMove) -> dict[str, object]:
    return {
        "state": move.state.value,
        "owner": draft.owner,
        "title": draft.title,
        "is_personal": draft.is_personal,
        "findings": findings,
        "document": draft.text,
        "changed_at": move.at,
        "changed_by": move.by,
    }


def _keep_findings(transaction: Transaction, present: RegisteredAdapter, findings: bytes) -> None:
    transaction.execute(sa.update(VERSIONS).where(VERSIONS.c.id == present.id).values(findings=findings))


def _note_draft(transaction: Transaction, draft: Draft, replaced: RegisteredAdapter | None, actor: Actor) -> None:
    before = None if replaced is None else {"state": replaced.state.value}
    on = Object("adapter", f"{draft.name}/{draft.version}")
    note(transaction, Action(Verb.ADAPTER_DRAFT, actor, on, draft.owner, before, {"state": State.DRAFT.value}))


def _name(present: RegisteredAdapter) -> Object:
    return Object("adapter", f"{present.name}/{present.version}")


def _make_step(state: State, actor: Actor) -> AdapterMove:
    return AdapterMove(state, clock.micros(clock.now()), actor.participant, actor.client_name)


def _remember(transaction: Transaction, version_id: int, move: AdapterMove) -> None:
    values = {"state": move.state.value, "at": move.at, "by": move.by, "client_id": move.client_id}
    transaction.execute(sa.insert(MOVES).values(version_id=version_id, **values))
