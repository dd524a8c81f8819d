"""Entries of the action log about subscriptions and deliveries."""

from collections.abc import Mapping
from typing import Any

from bus.actions import Action, Actor, Channel, Object, Verb

Members = Mapping[str, Any] | None


def make_subscription_act(
    what: Verb,
    id: str,
    participant: str,
    by: Actor,
    *,
    before: Members = None,
    after: Members = None,
    details: Members = None,
) -> Action:
    """The entry for an act on a participant's subscription."""
    return Action(what, by, Object("subscription", id), participant, before, after, details)


def make_delivery_act(what: Verb, id: str, participant: str, by: Actor, *, before: str, after: str) -> Action:
    """The entry for a delivery that got another state."""
    return Action(what, by, Object("delivery", id), participant, {"state": before}, {"state": after})


def find_setter(by: Actor, participant: str) -> str | None:
    """The participant that set another participant's sink. None: the participant itself, or a contract, set it."""
    return None if by.channel is Channel.PROCESS or by.participant == participant else by.label
