"""The action log: the transaction of an act adds the act's entry. No entry ever changes.

Promise: no act is committed without its entry, and no entry is committed without its act.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bus import clock, json
from bus.actions.action import Action, Object, Result, Verb
from bus.actions.actor import Actor, Channel
from bus.actions.redaction import make_plain, make_printable
from bus.actions.tables import ACTIONS
from bus.storage import Storage, Transaction


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of the log: an action, with its id and time."""

    id: int
    at: datetime
    action: Action


@dataclass(frozen=True, slots=True)
class Wanted:
    """The conditions of a search. None: any value.

    Attributes:
        who: a participant, a client's id, or a user of the operating system.
        what: the kind of act.
        object: an object's id. A contract's name means all of its versions.
        since: only actions at this moment or later.
        until: only actions before this moment.
    """

    who: str | None = None
    what: Verb | None = None
    object: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def note(transaction: Transaction, *actions: Action) -> None:
    """Add entries in the transaction that makes their changes."""
    now = clock.micros(clock.now())
    if actions:
        transaction.execute(sa.insert(ACTIONS), [_make_row(action, now) for action in actions])


def find_last(transaction: Transaction, on: str, *verbs: Verb) -> datetime | None:
    """When an act of these kinds was last done to an object; None: never.

    Args:
        on: the object's id. Its entries are found by an index.
    """
    kinds = [verb.value for verb in verbs]
    done = ACTIONS.c.object == on, ACTIONS.c.what.in_(kinds), ACTIONS.c.result == Result.DONE.value
    at = transaction.value(sa.select(ACTIONS.c.at).where(*done).order_by(ACTIONS.c.id.desc()).limit(1))
    return None if at is None else clock.moment(at)


class ActionLog:
    """Adds entries that have no transaction of an act, and searches the log. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def record(self, actions: Iterable[Action]) -> None:
        """Add, durably, entries of acts that change no other table."""
        with self._storage.write() as transaction:
            note(transaction, *actions)

    def search(self, wanted: Wanted, before: int | None, limit: int, by: Actor) -> list[Found]:
        """At most `limit` actions, newest first. The search itself becomes an entry of the log too.

        Args:
            wanted: the conditions.
            before: only entries with a lower id, for the next page. None: the first page.
            limit: the most entries.
            by: the actor who searches.
        """
        statement = sa.select(ACTIONS).where(*_make_conditions(wanted)).order_by(ACTIONS.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(ACTIONS.c.id < before)
        with self._storage.read() as transaction:
            found = [_make_found(row) for row in transaction.rows(statement)]
        self.record([_make_look(wanted, before, by)])
        return found


def _make_look(wanted: Wanted, before: int | None, by: Actor) -> Action:
    asked = {
        "who": wanted.who,
        "what": wanted.what and wanted.what.value,
        "object": wanted.object,
        "since": wanted.since and wanted.since.isoformat(),
        "until": wanted.until and wanted.until.isoformat(),
        "before": before,
    }
    details = {name: value for name, value in asked.items() if value is not None}
    return Action(Verb.ACTIONS_READ, by, Object("actions", ""), details=details)


def _make_conditions(wanted: Wanted) -> Sequence[sa.ColumnElement[bool]]:
    table = ACTIONS.c
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.who is not None:
        conditions.append(
            sa.or_(table.participant == wanted.who, table.client_id == wanted.who, table.os_user == wanted.who)
        )
    if wanted.what is not None:
        conditions.append(table.what == wanted.what.value)
    if wanted.object is not None:
        below = table.object.startswith(f"{wanted.object}/", autoescape=True)
        conditions.append(sa.or_(table.object == wanted.object, below))
    if wanted.since is not None:
        conditions.append(table.at >= clock.micros(wanted.since))
    if wanted.until is not None:
        conditions.append(table.at < clock.micros(wanted.until))
    return conditions


def _make_row(action: Action, now: int) -> dict[str, object]:
    by = action.by
    return {
        "at": now,
        "participant": by.participant,
        "as_operator": by.is_operator,
        "client_id": by.client_id,
        "os_user": None if by.user is None else make_printable(by.user),
        "channel": by.channel.value,
        "address": make_printable(by.address),
        "trace_id": by.trace_id,
        "what": action.what.value,
        "kind": action.on.kind,
        "object": make_printable(action.on.id),
        "on_behalf_of": action.on_behalf_of,
        "before": _write_members(action.before),
        "after": _write_members(action.after),
        "details": _write_members(action.details),
        "result": action.result.value,
        "count": action.count,
    }


def _write_members(members: Mapping[str, Any] | None) -> str | None:
    return None if members is None else json.dumps(make_plain(members)).decode()


def _make_found(row: Any) -> Found:
    action = Action(
        what=Verb(row.what),
        by=Actor(
            participant=row.participant,
            is_operator=row.as_operator,
            channel=Channel(row.channel),
            address=row.address,
            client_id=row.client_id,
            user=row.os_user,
            trace_id=row.trace_id,
        ),
        on=Object(row.kind, row.object),
        on_behalf_of=row.on_behalf_of,
        before=_read_members(row.before),
        after=_read_members(row.after),
        details=_read_members(row.details),
        result=Result(row.result),
        count=row.count,
    )
    return Found(row.id, clock.moment(row.at), action)


def _read_members(text: str | None) -> Mapping[str, Any] | None:
    members: Mapping[str, Any] | None = None if text is None else json.loads(text)
    return members
