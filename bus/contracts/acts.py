"""Entries of the action log about contract versions: their states and what changed, never the documents themselves."""

from collections.abc import Sequence
from datetime import date

from bus.actions import Action, Actor, Object, Verb
from bus.contracts.document import Contract
from bus.contracts.lifecycle import State
from bus.contracts.registered import Move, RegisteredVersion

_VERBS = {
    State.DRAFT: Verb.CONTRACT_DRAFT,
    State.PROPOSED: Verb.CONTRACT_PROPOSE,
    State.ACTIVE: Verb.CONTRACT_ACTIVATE,
    State.DEPRECATED: Verb.CONTRACT_DEPRECATE,
    State.RETIRED: Verb.CONTRACT_RETIRE,
}


def drafted(contract: Contract, replaced: RegisteredVersion | None, by: Actor) -> Action:
    """The entry for a version that was registered as a draft, or got another document."""
    before = None if replaced is None else {"state": replaced.state.value}
    changed = [] if replaced is None else _list_changes(replaced.contract, contract)
    details = {"changed": changed} if changed else None
    after = {"state": State.DRAFT.value}
    return Action(Verb.CONTRACT_DRAFT, by, _name_object(contract), contract.owner, before, after, details)


def moved(
    contract: Contract,
    before: State,
    move: Move,
    by: Actor,
    *,
    sunset: date | None = None,
    grants_seen: bool = False,
) -> Action:
    """The entry for a version that moved to another state. It says if the actor saw what the version newly grants."""
    after = {"state": move.state.value} | ({"sunset": sunset.isoformat()} if sunset else {})
    details = {"accepted_undecided": True} if move.accepted_undecided else {}
    details |= {"grants_seen": True} if grants_seen else {}
    was = {"state": before.value}
    return Action(_VERBS[move.state], by, _name_object(contract), contract.owner, was, after, details or None)


def consented(contract: Contract, adapters: Sequence[str], by: Actor) -> Action:
    """The entry for an adapter's owner that agreed to the operations which a version names."""
    return Action(
        Verb.CONTRACT_CONSENT, by, _name_object(contract), contract.owner, details={"adapters": list(adapters)}
    )


def _name_object(contract: Contract) -> Object:
    return Object("contract", f"{contract.name}/{contract.version}")


def _list_changes(old: Contract, new: Contract) -> list[str]:
    """The document's members that differ."""
    names = {*old.document, *new.document}
    return sorted(name for name in names if old.document.get(name) != new.document.get(name))
