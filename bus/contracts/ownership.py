"""Ownership: whom a contract's name and a document belong to."""

from bus.actions import Actor
from bus.contracts.document import Contract
from bus.contracts.errors import NotOwner, VersionTaken
from bus.contracts.registered import find_version, read_known_versions
from bus.problem import FieldError
from bus.storage import Transaction


def check_owner(transaction: Transaction, contract: Contract, actor: Actor) -> None:
    """Refuse a document that the actor may not register for its owner.

    A contract's name belongs to the owner in the version that was put in force last. Before the first activation, a name
    belongs to nobody. Each version is then a draft of its own owner.

    Raises:
        NotOwner: another participant owns the document or the name.
        VersionTaken: the version is another owner's draft.
    """
    if actor.is_operator:
        return
    if contract.owner != actor.participant:
        raise NotOwner(f"{actor.participant} cannot register what {contract.owner} owns.")
    owner = find_owner(transaction, contract.name)
    check_name(owner, contract.name, actor)
    present = find_version(transaction, contract.name, contract.version)
    if owner is None and present is not None and present.contract.owner != actor.participant:
        raise VersionTaken(
            f"{contract.name} {contract.version} is a draft of {present.contract.owner}; register another version."
            " The name belongs to the owner of the version that is activated first.",
            errors=[FieldError("/version", "must be a version that nobody else drafted")],
        )


def find_owner(transaction: Transaction, name: str) -> str | None:
    """The participant that a contract's name belongs to; None: no version of it was ever in force."""
    settled = [one for one in read_known_versions(transaction, name) if not one.is_free]
    return max(settled, key=lambda one: one.put_in_force_at).contract.owner if settled else None


def check_name(owner: str | None, name: str, actor: Actor) -> None:
    """Refuse an actor that does not own a contract's name; `owner` None: nobody owns the name yet.

    Raises:
        NotOwner: names the owner.
    """
    if owner not in (None, actor.participant):
        raise NotOwner(f"{name} belongs to {owner}: a version of {owner} is or was in force.")
