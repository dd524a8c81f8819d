"""Who acts in tests: the operator at the machine, or a participant's client over HTTP."""

from typing import Any

from bus.actions.actor import OPERATOR as NAME
from bus.actions.actor import Actor, Channel

OPERATOR = Actor(NAME, is_operator=True, channel=Channel.CLI, address="bus-1", user="budi")


def an_actor(participant: str, **changes: Any) -> Actor:
    """A client of a participant, which may do what owners may."""
    known: dict[str, Any] = {
        "is_operator": False,
        "channel": Channel.HTTP,
        "address": "10.1.2.3",
        "client_id": "client_x",
    }
    return Actor(participant, **(known | changes))
