"""Changes: which rows of an agency's list are new, changed or gone; a decision, without a database."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from bus import json
from bus.contracts import ContractVersion
from bus.kit import Event, Row, Rows, digest
from bus.problem import Conflict, Refused

_LONGEST: Final = 1024
_UNSTORABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What a database, or a terminal, does not take as text."""
_GONE: Final = "gone"
_NO_KEY: Final = "?"

Seen = MutableMapping[tuple[str, str], str]
"""Source and key of each row that was seen, to its digest."""


class RowRepeated(Conflict):
    """Another row of the agency's list has this key and says something else; ask the agency which one is right."""

    slug = "row-repeated"


@dataclass(frozen=True, slots=True)
class Change:
    """What a poll found about one row.

    Attributes:
        source: the source of the row's event.
        key: names the row among those of its source.
        digest: of what the agency sent; None: the row is gone.
        event: to be published; None if the row has a fault.
        fault: why the row has no event; None: it has one.
        is_listed: True: the next poll brings the row again. False: the agency sends the event once.
    """

    source: str
    key: str
    digest: str | None
    event: Event | None
    fault: Refused | None = None
    is_listed: bool = True


@dataclass(frozen=True, slots=True)
class Changes:
    """What a poll found in a list.

    Attributes:
        changed: new and changed rows.
        gone: published rows that a whole list no longer has; none while a row of the list has no usable key.
        present: how many rows the list has.
        same: keys of rows that the journal has as they are.
    """

    changed: Sequence[Change]
    gone: Sequence[Change]
    present: frozenset[str]
    same: Sequence[str]


Number = Callable[[str], int | str]
"""Gives the number of a row's change by the row's key. It tells changes of one row apart that say the same."""


def find_changes(listed: Rows, taken: Mapping[str, str], contract: str, number: Number, seen: Seen) -> Changes:
    """The changes in a list.

    Args:
        listed: the rows.
        taken: key to digest of each row that the journal has.
        contract: the type of the events.
        number: the number of a change, which is part of each id. A row that returns to an earlier state needs another number,
            and what is repeated after a crash the same one.
        seen: the rows that this round of the poll saw before, which the call adds to. A whole list is looked at by itself.
    """
    seen = {} if listed.is_whole else seen
    changed: list[Change] = []
    same: list[str] = []
    present: set[str] = set()
    keyless: Counter[str] = Counter()
    for row in listed.rows:
        mark = digest(row.data if row.time is None else [row.data, row.time])
        key = _name(row, mark, keyless)
        present.add(key)
        first = seen.setdefault((listed.source, key), mark)
        if first != mark:
            detail = "Another row of the list has this key and says something else."
            changed.append(Change(listed.source, key, mark, None, RowRepeated(detail)))
        elif row.fault is not None:
            changed.append(Change(listed.source, key, mark, None, row.fault))
        elif taken.get(key) == mark:
            same.append(key)
        else:
            changed.append(Change(listed.source, key, mark, _make_event(listed, row, key, mark, contract, number)))
    # Of a row without a usable key nobody can tell whether it is one that seems gone.
    tells_gone = listed.is_whole and not keyless
    gone = [key for key in taken if key not in present] if tells_gone else []
    deletions = [_make_deletion(listed.source, key, contract, number) for key in gone]
    return Changes(_drop_repeated(changed), deletions, frozenset(present), same)


def _drop_repeated(changed: Sequence[Change]) -> list[Change]:
    """The changes without rows that are there twice: equal ones are one. Of unequal ones, the last is set aside."""
    events = {change.key: change for change in changed if change.fault is None}
    faults = {change.key: change for change in changed if change.fault is not None}
    return [*events.values(), *faults.values()]


def _name(row: Row, mark: str, keyless: Counter[str]) -> str:
    """The row's key; for a row without a usable one, its digest, and a number if several say the same."""
    if is_storable(row.key):
        return row.key
    keyless[mark] += 1
    number = keyless[mark]
    return f"{_NO_KEY}{mark}" if number == 1 else f"{_NO_KEY}{mark}-{number}"


def is_storable(text: Any) -> TypeGuard[str]:
    """Whether a value is a text that every database takes as a key."""
    return isinstance(text, str) and 0 < len(text) <= _LONGEST and not _UNSTORABLE.search(text)


def _make_event(listed: Rows, row: Row, key: str, mark: str, contract: str, number: Number) -> Event:
    return Event(
        id=_make_id(key, mark, number(key)),
        source=listed.source,
        type=contract,
        subject=row.key,
        time=row.time,
        data=row.data,
    )


def _make_deletion(source: str, key: str, contract: str, number: Number) -> Change:
    event = Event(id=_make_id(key, _GONE, number(key)), source=source, type=contract, subject=key, data=None)
    return Change(source, key, None, event)


def _make_id(key: str, mark: str, number: int | str) -> str:
    written = f"{key}:{mark}:{number}"
    # An id has a bound, and a long key must not be refused for it.
    return written if len(written) <= _LONGEST else f"{digest(key)}:{mark}:{number}"


def name_event(event: Event, version: ContractVersion) -> Change:
    """An event that its agency sends only when it is new. Its name is the record's key, or else the event's id."""
    key = event.subject or json.find(event.data, version.contract.key) if version.contract.key else None
    name = next((one for one in (key, event.id) if is_storable(one)), None)
    mark = digest(event.to_document())
    source = event.source if is_storable(event.source) else ""
    return Change(source, name or f"{_NO_KEY}{mark}", mark, event, is_listed=False)


def write_body(event: Any) -> str | None:
    """The event in JSON for a later attempt; None if no JSON holds it, so that only another row can help."""
    try:
        return json.dumps(event).decode()
    except TypeError:
        return None
