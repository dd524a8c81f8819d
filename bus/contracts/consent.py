"""Consent: who must agree before a version is put in force.

Personal data need a second person (the four-eyes rule). An agency's adapter needs the word of its owner: the owner agrees that
the version uses it. The version's history holds these words. A change of the document cancels them.
"""

from collections.abc import Iterable, Sequence

from bus.actions import Actor
from bus.contracts.binding import Bindings
from bus.contracts.document import AdapterUse, Contract
from bus.contracts.errors import AdapterNotYours, AdapterWordMissing, FourEyes
from bus.contracts.lifecycle import State
from bus.contracts.persons import identifies_persons
from bus.contracts.registered import Move, RegisteredVersion
from bus.problem import FieldError


def check_four_eyes(present: RegisteredVersion, earlier: Iterable[Contract], actor: Actor) -> None:
    """Refuse an activation by the client that made the version, if the contract is about persons.

    The operator's own command line may do both; the history says so.

    Args:
        earlier: other versions of the contract that were ever in force, since the journal keeps their persons.

    Raises:
        FourEyes: says who has to do what.
    """
    if actor.is_command_line or not any(map(identifies_persons, (present.contract, *earlier))):
        return
    named = f"{present.name} {present.version}"
    if present.state is State.DRAFT and any(move.state is State.PROPOSED for move in present.history):
        raise FourEyes(f"{named} changed after it was proposed: propose it again, then let another client activate it.")
    if any(_is_same(move, actor) for move in _list_making(present.history)):
        raise FourEyes(
            f"{named} is about persons, and this client wrote or proposed it: let another client with contracts.approve,"
            " of its owner or of the operator, activate it."
        )


def check_words(present: RegisteredVersion, in_force: Iterable[Contract], actor: Actor, bindings: Bindings) -> None:
    """Refuse an activation that binds an adapter whose owner has not given its word.

    Args:
        in_force: the versions of the contract in force. Operations that they name need no new word.

    Raises:
        AdapterWordMissing: names the operations, their owners, and what to do.
    """
    given = words_given(present)
    bound = {use for contract in in_force for use in contract.adapters}
    missing = [
        (index, use)
        for index, use in enumerate(present.contract.adapters)
        if use not in bound and str(use) not in given and not _may_give(use, actor, bindings)
    ]
    if missing:
        raise AdapterWordMissing(
            f"{present.name} {present.version} names adapters whose owners have not given their word:"
            " each owner calls …/consent, or the operator activates the version.",
            errors=[
                FieldError(f"/adapters/{index}", f"needs the word of {_find_owner(use, bindings) or 'the operator'}")
                for index, use in missing
            ],
        )


def find_unasked_owners(
    present: RegisteredVersion, in_force: Iterable[Contract], bindings: Bindings
) -> tuple[str, ...]:
    """The participants that own an adapter of the version and have not given their word, by name.

    Args:
        in_force: the versions of the contract in force. Operations that they name need no new word.
    """
    given = words_given(present)
    bound = {use for contract in in_force for use in contract.adapters}
    waiting = [use for use in present.contract.adapters if use not in bound and str(use) not in given]
    return tuple(sorted({owner for use in waiting if (owner := _find_owner(use, bindings)) is not None}))


def words_given(present: RegisteredVersion) -> frozenset[str]:
    """The operations for which the history holds a word since the last change of the document."""
    return frozenset(one for move in _list_since_change(present.history) for one in move.adapters)


def words_of(contract: Contract, actor: Actor, bindings: Bindings) -> tuple[str, ...]:
    """The operations in the contract for which the actor may give the word.

    Raises:
        AdapterNotYours: there is no such operation.
    """
    words = newly_bound(contract, (), actor, bindings)
    if not words:
        raise AdapterNotYours(
            f"{actor.participant} owns no adapter that {contract.name} {contract.version} names; its owner has to agree."
        )
    return words


def newly_bound(contract: Contract, in_force: Iterable[Contract], actor: Actor, bindings: Bindings) -> tuple[str, ...]:
    """The newly bound operations for which the actor may give the word: by the activation, it gives the word."""
    bound = {use for one in in_force for use in one.adapters}
    return tuple(str(use) for use in contract.adapters if use not in bound and _may_give(use, actor, bindings))


def _may_give(use: AdapterUse, actor: Actor, bindings: Bindings) -> bool:
    # The adapter of an unknown operation may be installed later. Until then only the operator may name the operation.
    return actor.is_operator or actor.participant == _find_owner(use, bindings)


def _find_owner(use: AdapterUse, bindings: Bindings) -> str | None:
    """The participant that owns the adapter; None: only the operator decides."""
    binding = bindings(use)
    return (binding.owner or None) if binding else None


def _list_since_change(history: Sequence[Move]) -> Sequence[Move]:
    """The steps from the last change of the document on."""
    changes = [index for index, move in enumerate(history) if move.is_change]
    return history[changes[-1] if changes else 0 :]


def _list_making(history: Sequence[Move]) -> list[Move]:
    """The steps that made the version: the last change of the document, and the proposal."""
    return [
        move
        for move in _list_since_change(history)
        if move.is_change or (move.state is State.PROPOSED and not move.adapters)
    ]


def _is_same(move: Move, actor: Actor) -> bool:
    """Whether the actor may have taken a step. Steps that an older bus wrote name no client."""
    if move.client_id is None or actor.client_name is None:
        return move.by == actor.participant
    return move.client_id == actor.client_name
