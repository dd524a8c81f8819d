"""Attempts: acts, requests and logins that the bus refused. An attacker can make many, so equal attempts are counted."""

from dataclasses import dataclass, replace

from bus.actions.action import Action, Object, Result, Verb
from bus.actions.actor import STAFF, Actor, Channel, make_anonymous
from bus.household import name_household

_OTHERS = "(others)"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A refused act, request or login. The log counts equal attempts together.

    Attributes:
        what: the kind of entry.
        by: the actor.
        on: the object of the attempt.
        on_behalf_of: the participant that owns the object; None: nobody, or not known.
        tried: the refused act, or `request` or `login`.
        reason: the slug of the problem that refused it.
        whose: the client whose allowance of entries it uses; empty for all unknown clients together.
    """

    what: Verb
    by: Actor
    on: Object
    on_behalf_of: str | None
    tried: str
    reason: str
    whose: str

    def without_particulars(self) -> "Attempt":
        """The attempt without the particulars that distinguish it from other attempts of its client."""
        by = replace(self.by, address=_OTHERS)
        on = self.on if self.what is Verb.LOGIN_FAIL else Object(self.on.kind, _OTHERS)
        return replace(self, by=by, on=on, tried=_OTHERS, reason=_OTHERS)

    def to_action(self, count: int) -> Action:
        """The log's entry for `count` equal attempts."""
        details = {"tried": self.tried, "reason": self.reason}
        return Action(self.what, self.by, self.on, self.on_behalf_of, None, None, details, Result.REFUSED, count)


def make_refused_act(tried: Verb, by: Actor, on: Object, reason: str) -> Attempt:
    """The attempt of an act for which the actor lacks the authority."""
    # Each request has its own trace. Without the trace, equal attempts make one entry.
    by = replace(by, trace_id=None)
    return Attempt(Verb.AUTHORITY_REFUSED, by, on, None, tried.value, reason, by.client_id or "")


def make_refused_request(by: Actor, operation: str, reason: str) -> Attempt:
    """The attempt of a read or token request for which the actor lacks the authority.

    Args:
        by: the actor.
        operation: the method and the path's template. The path itself may hold a person's key.
        reason: the slug of the problem.
    """
    by = replace(by, trace_id=None)
    on = Object("operation", operation)
    return Attempt(Verb.AUTHORITY_REFUSED, by, on, None, "request", reason, by.client_id or "")


def make_failed_login(client_id: str | None, participant: str | None, address: str) -> Attempt:
    """The attempt of a login that failed.

    Args:
        client_id: the client that the login named. None: the bus has no such client, so an attacker chose the text.
        participant: the client's participant; None without a client.
        address: the network address that the login came from.
    """
    reason = "unproven" if client_id else "unknown-client"
    on = Object("client", client_id or "(unknown)")
    by = make_anonymous(name_household(address))
    return Attempt(Verb.LOGIN_FAIL, by, on, participant, "login", reason, client_id or "")


def make_failed_sign_in(account: str | None, participant: str | None, address: str) -> Attempt:
    """The attempt of a member of staff to sign in to the console that failed.

    Args:
        account: the account that the sign-in named. None: there is no such account, so an attacker chose the text.
        participant: the account's participant; None without an account.
        address: the network address that the sign-in came from.
    """
    reason = "unproven" if account else "unknown-account"
    by = replace(make_anonymous(name_household(address)), channel=Channel.CONSOLE)
    whose = f"{STAFF} {account}" if account else ""
    return Attempt(Verb.LOGIN_FAIL, by, Object(STAFF, account or "(unknown)"), participant, "login", reason, whose)
