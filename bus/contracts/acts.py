"""Acts on contract versions, as the action log tells them: their states and what changed, never the documents themselves."""

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
    """A version was registered as a draft, or its document replaced."""
    before = None if replaced is None else {"state": replaced.state.value}
    changed = [] if replaced is None else _changed(replaced.contract, contract)
    details = {"changed": changed} if changed else None
    after = {"state": State.DRAFT.value}
    return Action(Verb.CONTRACT_DRAFT, by, _named(contract), contract.owner, before, after, details)


def moved(contract: Contract, before: State, move: Move, by: Actor, *, sunset: date | None = None) -> Action:
    """A version took a step in its life."""
    after = {"state": move.state.value} | ({"sunset": sunset.isoformat()} if sunset else {})
    details = {"accepted_undecided": True} if move.accepted_undecided else None
    was = {"state": before.value}
    return Action(_VERBS[move.state], by, _named(contract), contract.owner, was, after, details)


def consented(contract: Contract, adapters: Sequence[str], by: Actor) -> Action:
    """An adapter's owner gave its word for the operations that a version names."""
    return Action(Verb.CONTRACT_CONSENT, by, _named(contract), contract.owner, details={"adapters": list(adapters)})


def _named(contract: Contract) -> Object:
    return Object("contract", f"{contract.name}/{contract.version}")


def _changed(old: Contract, new: Contract) -> list[str]:
    """The document's members that differ."""
    names = {*old.document, *new.document}
    return sorted(name for name in names if old.document.get(name) != new.document.get(name))
