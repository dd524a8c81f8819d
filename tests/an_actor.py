"""Who acts in tests, and what the action log has of it."""

from typing import Any

import sqlalchemy as sa

from bus.actions.action import Action
from bus.actions.actor import OPERATOR as NAME
from bus.actions.actor import Actor, Channel
from bus.actions.log import ActionLog, Wanted
from bus.actions.tables import ACTIONS
from bus.storage import Storage

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


def last_action(storage: Storage) -> int:
    """The id of the newest entry; 0 where there is none."""
    with storage.read() as transaction:
        return transaction.value(sa.select(sa.func.max(ACTIONS.c.id))) or 0


def actions(storage: Storage, after: int = 0) -> list[Action]:
    """The entries behind an id, oldest first."""
    found = ActionLog(storage).search(Wanted(), None, 10_000, OPERATOR)
    return [one.action for one in reversed(found) if one.id > after]


def raw_log(storage: Storage) -> str:
    """All that the log's table holds, as one text."""
    with storage.read() as transaction:
        return "\n".join(repr(tuple(row)) for row in transaction.rows(sa.select(ACTIONS)))
