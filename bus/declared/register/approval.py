"""Approval: who may register, propose and activate an adapter's version."""

from collections.abc import Iterable, Sequence

from bus.actions import Actor
from bus.contracts import State
from bus.declared.register.errors import (
    AdapterFourEyes,
    AdapterNotOwner,
    AdapterVersionTaken,
    OperatorWordMissing,
)
from bus.declared.register.registered import AdapterMove, Draft, RegisteredAdapter
from bus.problem import FieldError


def find_owner(known: Iterable[RegisteredAdapter]) -> str | None:
    """The participant that a name belongs to: the owner in the version that was put in force last; None: nobody yet."""
    last = _find_last(known)
    return None if last is None else last.owner


def check_draft_owner(known: Sequence[RegisteredAdapter], draft: Draft, actor: Actor) -> None:
    """Refuse a document that the actor may not register for its owner.

    Raises:
        AdapterNotOwner: another participant owns the document or the name.
        AdapterVersionTaken: the version is another owner's draft.
    """
    if actor.is_operator:
        return
    if draft.owner != actor.participant:
        raise AdapterNotOwner(f"{actor.participant} cannot register what {draft.owner} owns.")
    owner = find_owner(known)
    _check_name(owner, draft.name, actor)
    present = next((one for one in known if one.version == draft.version), None)
    if owner is None and present is not None and present.owner != actor.participant:
        raise AdapterVersionTaken(
            f"{draft.name} {draft.version} is a draft of {present.owner}; register another version."
            " The name belongs to the owner of the version that is activated first.",
            errors=[FieldError("/version", "must be a version that nobody else drafted")],
        )


def check_mover(known: Sequence[RegisteredAdapter], present: RegisteredAdapter, actor: Actor, named: str) -> None:
    """Refuse a step, other than the activation, to whom neither the name nor the draft belongs.

    Args:
        named: the participant that the operator names as the adapter's owner; empty: nobody.

    Raises:
        AdapterNotOwner: names the owner.
    """
    if actor.is_operator or actor.participant == named:
        return
    owner = find_owner(known)
    _check_name(owner, present.name, actor)
    if (owner is None or present.is_free) and present.owner != actor.participant:
        raise AdapterNotOwner(f"{present.name} {present.version} is a draft of {present.owner}.")


def check_word(known: Sequence[RegisteredAdapter], present: RegisteredAdapter, actor: Actor, named: str) -> None:
    """Refuse an activation without the word of the operator, or of the owner that the operator names.

    Raises:
        OperatorWordMissing: says who may, and how the operator names an owner. Also if the version publishes as another
            participant than the version that was put in force last: nobody may speak for others by his own word.
        AdapterNotOwner: the version is a draft of another participant than the name's owner.
    """
    if actor.is_operator:
        return
    if not named or actor.participant != named:
        raise OperatorWordMissing(
            f"An adapter opens connections and names secrets. So {named or 'the operator'} puts {present.name} in force. The"
            f" operator names an owner who may do so with the setting BUS_ADAPTERS__{present.name.upper()}__OWNER."
        )
    last = _find_last(known)
    if last is None:
        _check_first(present, named)
        return
    if last.owner != present.owner:
        raise AdapterNotOwner(
            f"{present.name} {present.version} is a draft of {present.owner}; the name is {last.owner}'s."
        )
    if last.participant != present.participant:
        raise OperatorWordMissing(
            f"{present.name} {present.version} publishes as {present.participant}, and {last.version} as"
            f" {last.participant}. So the operator puts it in force."
        )


def _check_first(present: RegisteredAdapter, named: str) -> None:
    """Refuse a first version by which its named owner would give the name away, or speak for others, by his own word.

    Raises:
        OperatorWordMissing: the document has another owner, or publishes as a participant that nobody agreed to.
    """
    if present.owner == named and present.participant in (named, present.name):
        return
    raise OperatorWordMissing(
        f"{present.name} {present.version} is the first version, belongs to {present.owner} and publishes as"
        f" {present.participant}. {named} may say so alone only of itself and of a participant {present.name}. So the operator"
        " puts it in force."
    )


def check_four_eyes(
    known: Iterable[RegisteredAdapter], present: RegisteredAdapter, actor: Actor, *, serves_persons: bool = False
) -> None:
    """Refuse an activation by the client that made the version, if the adapter carries personal data.

    Whatever it carries, nobody puts in force what another changed after it was proposed: it may not be what was read.

    A version that was in force before was approved already, so the way back needs one person. The operator's command line may
    do both; the history says so.

    Args:
        serves_persons: contracts in force that name the adapter carry personal data.

    Raises:
        AdapterFourEyes: says who has to do what.
    """
    if actor.is_command_line or not present.is_free:
        return
    named = f"{present.name} {present.version}"
    made = _list_making(present.history)
    was_proposed = any(move.state is State.PROPOSED for move in present.history)
    if present.state is State.DRAFT and was_proposed and not all(_is_same(move, actor) for move in made):
        raise AdapterFourEyes(f"{named} changed after it was proposed: propose it again, then let another activate it.")
    settled = [one for one in known if not one.is_free]
    if not (serves_persons or any(one.is_personal for one in (present, *settled))):
        return
    if any(_is_same(move, actor) for move in made):
        raise AdapterFourEyes(
            f"{named} carries personal data, and this client wrote or proposed it: let another client with"
            " contracts.approve activate it."
        )


def _find_last(known: Iterable[RegisteredAdapter]) -> RegisteredAdapter | None:
    """The version that was put in force last; None: none was."""
    settled = [one for one in known if not one.is_free]
    return max(settled, key=lambda one: one.put_in_force_at) if settled else None


def _check_name(owner: str | None, name: str, actor: Actor) -> None:
    if owner not in (None, actor.participant):
        raise AdapterNotOwner(f"{name} belongs to {owner}: a version of {owner} is or was in force.")


def _list_making(history: Sequence[AdapterMove]) -> Sequence[AdapterMove]:
    """The steps from the last change of the document on: they made the version."""
    changes = [index for index, move in enumerate(history) if move.state is State.DRAFT]
    return history[changes[-1] if changes else 0 :]


def _is_same(move: AdapterMove, actor: Actor) -> bool:
    if move.client_id is None or actor.client_name is None:
        return move.by == actor.participant
    return move.client_id == actor.client_name
