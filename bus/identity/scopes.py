"""Scopes: what a client may do, as its access tokens say."""

from enum import StrEnum


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
    Scope.CONTRACTS_READ: "read the catalogue of contracts",
    Scope.CONTRACTS_WRITE: "propose contracts",
    Scope.CONTRACTS_APPROVE: "activate, deprecate and retire contracts",
    Scope.SUBSCRIPTIONS_MANAGE: "manage your subscriptions and their deliveries",
    Scope.AUDIT_READ: "ask who received a person's data, and who changed what",
    Scope.ADMIN: "manage participants and their clients",
}
