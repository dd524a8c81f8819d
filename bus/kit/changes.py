"""Finds what changed in a list that an agency sends whole each time: new, changed and vanished rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from bus.json import dump_canonical
from bus.kit.adapter import Polled
from bus.kit.answer import MOST_ROWS
from bus.kit.event import Event
from bus.kit.failure import Failure
from bus.kit.fault import AgencyFault

MOST_EVENTS = 500
"""Most events that one step of a poll makes. The next step follows at once with the rest."""


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the earlier steps saw. The poll's cursor is its text.

    Attributes:
        step: the number of earlier steps, a part of each event's id. So a row that changes back makes a new event.
            A step that is repeated after a crash makes duplicates.
        digests: key to digest of each row.
    """

    step: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)


def find_changes(
    cursor: str | None, records: Mapping[str, Mapping[str, Any]], *, contract: str, source: str, most: int = MOST_EVENTS
) -> Polled:
    """One step of a poll: an event for each row that the cursor does not know, and the next cursor.

    Args:
        cursor: the cursor of the step before; None for the first step.
        records: the whole list, key to record.
        contract: the events' type, a record contract.
        source: the events' source.
        most: the most events to make.

    Raises:
        AgencyFault: transient; the list has more than `MOST_ROWS` rows, all of which the cursor would hold. Or it is empty
            and was not before, which is more likely an accident than a deletion of all rows.
    """
    if len(records) > MOST_ROWS:
        raise AgencyFault(Failure.TRANSIENT, f"a list of {len(records)} rows, more than {MOST_ROWS}")
    before = _Memory(**json.loads(cursor)) if cursor else _Memory()
    if before.digests and not records:
        detail = f"an empty list where there were {len(before.digests)} rows; none is deleted"
        raise AgencyFault(Failure.TRANSIENT, detail)
    seen = {key: digest(record) for key, record in records.items()}
    changed = [key for key, mark in seen.items() if mark != before.digests.get(key)]
    gone = [key for key in before.digests if key not in seen]
    now, left = (changed + gone)[:most], frozenset((changed + gone)[most:])

    events = [
        Event(
            id=f"{key}:{seen.get(key, 'gone')}:{before.step}",
            source=source,
            type=contract,
            subject=key,
            data=records.get(key),
        )
        for key in now
    ]
    known = {key: mark for key, mark in before.digests.items() if key in seen or key in left}
    known |= {key: seen[key] for key in now if key in seen}
    after = json.dumps({"step": before.step + 1, "digests": known}, separators=(",", ":"))
    return Polled(events, after, more=bool(left))


def digest(value: Any) -> str:
    """64 bits of SHA-256 of the value's canonical JSON, in which a `Decimal` is text."""
    return sha256(dump_canonical(value, str)).hexdigest()[:16]
