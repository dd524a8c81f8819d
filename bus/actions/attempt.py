"""Attempts: what somebody tried and may not do. Whoever tries chooses how often, so that attempts are counted."""

from dataclasses import dataclass, replace

from bus.actions.action import Action, Object, Result, Verb
from bus.actions.actor import Actor, make_anonymous
from bus.household import name_household

_OTHERS = "(others)"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that was tried in vain; equal attempts are counted together.

    Attributes:
        tried: what it would have been.
        reason: the slug of the problem that refused it.
        whose: what the bound on entries is kept for: a client's id, or empty for everybody whom the bus does not know.
    """

    what: Verb
    by: Actor
    on: Object
    on_behalf_of: str | None
    tried: str
    reason: str
    whose: str

    def without_particulars(self) -> "Attempt":
        """The attempt without what tells it from others of the same client."""
        by = replace(self.by, address=_OTHERS)
        on = self.on if self.what is Verb.LOGIN_FAIL else Object(self.on.kind, _OTHERS)
        return replace(self, by=by, on=on, tried=_OTHERS, reason=_OTHERS)

    def to_action(self, count: int) -> Action:
        """The entry for so many of it."""
        details = {"tried": self.tried, "reason": self.reason}
        return Action(self.what, self.by, self.on, self.on_behalf_of, None, None, details, Result.REFUSED, count)


def make_refused_act(tried: Verb, by: Actor, on: Object, reason: str) -> Attempt:
    """An act that was refused, since the actor may not do it."""
    # Each request has another trace; equal attempts are one entry.
    by = replace(by, trace_id=None)
    return Attempt(Verb.AUTHORITY_REFUSED, by, on, None, tried.value, reason, by.client_id or "")


def make_refused_request(by: Actor, operation: str, reason: str) -> Attempt:
    """A request that only reads, or asks for a token, and was refused, since the actor may not make it.

    Args:
        operation: method and template of the path. The path itself may hold a person's key.
    """
    by = replace(by, trace_id=None)
    on = Object("operation", operation)
    return Attempt(Verb.AUTHORITY_REFUSED, by, on, None, "request", reason, by.client_id or "")


def make_failed_login(client_id: str | None, participant: str | None, address: str) -> Attempt:
    """A login that failed.

    Args:
        client_id: of the client that it was tried as; None where the bus has no such client: the text is the attacker's.
        participant: whose client it is.
    """
    reason = "unproven" if client_id else "unknown-client"
    on = Object("client", client_id or "(unknown)")
    by = make_anonymous(name_household(address))
    return Attempt(Verb.LOGIN_FAIL, by, on, participant, "login", reason, client_id or "")
