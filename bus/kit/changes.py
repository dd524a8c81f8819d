"""What changed in a list that an agency gives whole each time: the new, the changed and the vanished rows as record events."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from bus.json import canonical
from bus.kit.adapter import Polled
from bus.kit.answer import MOST_ROWS
from bus.kit.event import Event
from bus.kit.failure import Failure
from bus.kit.fault import AgencyFault

MOST_EVENTS = 500
"""Events that one step of a poll makes; what is left over follows at once."""


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the steps before saw; the poll's cursor is its text.

    Attributes:
        step: how many steps there were. It is part of the events' ids: a row that changes back to what it was is news
            again, while a step that is repeated after a crash makes duplicates.
        digests: of each row by its key.
    """

    step: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)


def find_changes(
    cursor: str | None, records: Mapping[str, Mapping[str, Any]], *, contract: str, source: str, most: int = MOST_EVENTS
) -> Polled:
    """One step of a poll: events for what differs from what the cursor remembers, and the cursor that remembers it.

    Args:
        cursor: of the step before; None for the first.
        records: the whole list, each record by its key.
        contract: the events' type, a record contract.
        source: the events' source.
        most: the most events to make.

    Raises:
        AgencyFault: no records where there were some, which is more likely an accident than the end of them all; or more
            than `MOST_ROWS`, since the cursor remembers each of them.
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
    return sha256(canonical(value, str)).hexdigest()[:16]
