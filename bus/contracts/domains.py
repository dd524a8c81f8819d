"""Domains: the first part of contracts' names. A domain's owner proposes and activates the versions in it."""

import re
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bus import clock
from bus.actions import Action, Actor, Object, Verb, note
from bus.contracts.errors import DomainInvalid, DomainNotYours, NoSuchDomain, NotOperator
from bus.contracts.tables import CONTRACTS, DOMAINS
from bus.storage import Transaction

_LONGEST = 98
"""Characters: a contract's name has at most a hundred, with its noun and the dot."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain and the participant that owns it.

    Attributes:
        owner: None: nobody owns it, and the operator alone decides in it.
        since: when the participant became its owner.
    """

    name: str
    owner: str | None
    since: datetime | None


def name_domain(contract: str) -> str:
    """The domain of a contract, by the contract's name."""
    return contract.partition(".")[0]


def list_domains(transaction: Transaction) -> list[Domain]:
    """The domains that have an owner or contracts, by name."""
    owned = {
        row.name: Domain(row.name, row.owner, clock.moment(row.since)) for row in transaction.rows(sa.select(DOMAINS))
    }
    used = {name_domain(row.name) for row in transaction.rows(sa.select(CONTRACTS.c.name))}
    return [owned.get(name) or Domain(name, None, None) for name in sorted(used | owned.keys())]


def list_owned(transaction: Transaction, owner: str) -> frozenset[str]:
    """The names of the domains that a participant owns."""
    return frozenset(row.name for row in transaction.rows(sa.select(DOMAINS.c.name).where(DOMAINS.c.owner == owner)))


def read_domain(transaction: Transaction, name: str) -> Domain:
    """One domain.

    Raises:
        NoSuchDomain: it has neither an owner nor contracts.
    """
    row = next(iter(transaction.rows(sa.select(DOMAINS).where(DOMAINS.c.name == name))), None)
    if row is not None:
        return Domain(row.name, row.owner, clock.moment(row.since))
    beginning = f"{name}."
    used = sa.select(CONTRACTS.c.id).where(sa.func.substr(CONTRACTS.c.name, 1, len(beginning)) == beginning).limit(1)
    if transaction.value(used) is None:
        raise NoSuchDomain(f"No contract is in a domain {name[:_LONGEST]}, and nobody owns it.")
    return Domain(name, None, None)


def set_domain_owner(transaction: Transaction, name: str, owner: str | None, actor: Actor) -> None:
    """Give a domain to a participant; None: the operator alone decides in it again.

    Raises:
        DomainInvalid: no contract can be in a domain with this name.
        NotOperator: another participant than the operator tries it.
    """
    if not actor.is_operator:
        raise NotOperator("The operator alone says who owns a domain.")
    if len(name) > _LONGEST or not re.fullmatch("[a-z][a-z0-9-]*", name):
        raise DomainInvalid(f"{name[:_LONGEST]} is no domain: small letters, digits and hyphens, such as kesehatan.")
    before = find_domain_owner(transaction, name)
    if owner == before:
        return
    transaction.execute(sa.delete(DOMAINS).where(DOMAINS.c.name == name))
    if owner is not None:
        transaction.execute(sa.insert(DOMAINS).values(name=name, owner=owner, since=clock.micros(clock.now())))
    note(
        transaction,
        Action(
            Verb.DOMAIN_SET, actor, Object("domain", name), owner or before or "", {"owner": before}, {"owner": owner}
        ),
    )


def find_domain_owner(transaction: Transaction, name: str) -> str | None:
    """The participant that owns a domain; None: nobody does."""
    found = transaction.value(sa.select(DOMAINS.c.owner).where(DOMAINS.c.name == name))
    return None if found is None else str(found)


def check_domain(transaction: Transaction, contract: str, actor: Actor) -> None:
    """Refuse to let an actor propose or activate in a domain that it does not own.

    Raises:
        DomainNotYours: names the owner, and what to do.
    """
    if actor.is_operator:
        return
    name = name_domain(contract)
    owner = find_domain_owner(transaction, name)
    if owner is None:
        raise DomainNotYours(
            f"The domain {name} has no owner, so the operator alone proposes and activates in it. The operator names an owner"
            f" with `bus domain set {name} --owner …`."
        )
    if owner != actor.participant:
        raise DomainNotYours(f"The domain {name} belongs to {owner}, which proposes and activates in it. Ask {owner}.")
