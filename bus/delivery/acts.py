"""Acts on subscriptions and deliveries, as the action log tells them."""

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
    """Something was done to a participant's subscription."""
    return Action(what, by, Object("subscription", id), participant, before, after, details)


def make_delivery_act(what: Verb, id: str, participant: str, by: Actor, *, before: str, after: str) -> Action:
    """A delivery was given another state."""
    return Action(what, by, Object("delivery", id), participant, {"state": before}, {"state": after})


def find_setter(by: Actor, participant: str) -> str | None:
    """Who set a participant's sink, if not the participant; None too for a sink that a contract says."""
    return None if by.channel is Channel.PROCESS or by.participant == participant else by.label
