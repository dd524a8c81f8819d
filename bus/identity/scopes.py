"""Scopes: what a client may do, as its access tokens say, and the answer to a token that lacks one."""

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bus.problem import Forbidden

if TYPE_CHECKING:
    from bus.identity.tokens import Principal

REALM: Final = 'Bearer realm="bus"'
"""How each challenge for an access token begins (RFC 6750, section 3)."""
CLIENT_CHALLENGE: Final = 'Basic realm="bus"'
"""The challenge for a client's proof (RFC 7617, section 2)."""


class ScopeMissing(Forbidden):
    """Your access token lacks the scope that this request needs."""

    slug = "scope-missing"


class Scope(StrEnum):
    """All scopes. The contracts decide which contracts a scope reaches."""

    EVENTS_PUBLISH = "events.publish"
    EVENTS_READ = "events.read"
    QUERIES_CALL = "queries.call"
    CONTRACTS_READ = "contracts.read"
    CONTRACTS_WRITE = "contracts.write"
    CONTRACTS_APPROVE = "contracts.approve"
    SUBSCRIPTIONS_MANAGE = "subscriptions.manage"
    AUDIT_READ = "audit.read"
    ADMIN = "admin"


MEANINGS: dict[Scope, str] = {
    Scope.EVENTS_PUBLISH: "publish events under the contracts that name you a producer",
    Scope.EVENTS_READ: "read the feeds and records that a contract grants you",
    Scope.QUERIES_CALL: "ask the queries that a contract grants you",
    Scope.CONTRACTS_READ: "read the catalogue of contracts, and ask for access to them",
    Scope.CONTRACTS_WRITE: "propose contracts",
    Scope.CONTRACTS_APPROVE: "activate, deprecate and retire contracts",
    Scope.SUBSCRIPTIONS_MANAGE: "manage your subscriptions and their deliveries",
    Scope.AUDIT_READ: "ask who received a person's data, and who changed what",
    Scope.ADMIN: "manage participants and their clients",
}

GIVEN_BY_OFFICES: Final = frozenset(
    {
        Scope.EVENTS_PUBLISH,
        Scope.EVENTS_READ,
        Scope.QUERIES_CALL,
        Scope.CONTRACTS_READ,
        Scope.SUBSCRIPTIONS_MANAGE,
    }
)
"""The scopes that a participant gives its own clients. The contracts bound what they reach. The operator gives the others."""


def require(principal: "Principal", scope: str) -> None:
    """Refuse a principal without that scope.

    Raises:
        ScopeMissing: the token lacks the scope (RFC 6750, section 3.1).
    """
    if scope not in principal.scopes:
        raise ScopeMissing(
            f"This needs the scope {scope}; ask the operator for it, then ask for a token with it.",
            headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'},
        )
