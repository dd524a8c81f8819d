"""Events as the client sends them: CloudEvents 1.0 in JSON."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from bus_lamongan_client.errors import EventInvalid

Event = Mapping[str, Any]
"""A CloudEvent as an object: `type` (the contract), `data`, `subject` (the record's key), and other attributes."""


def complete_event(event: Event, source: str) -> dict[str, Any]:
    """The event with the attributes that it lacks: `specversion`, `id`, `source`, and `time`, which is now.

    Args:
        source: of the app; an event may have its own.

    Raises:
        EventInvalid: it has no type or no source.
    """
    defaults = {"specversion": "1.0", "id": str(uuid4()), "source": source, "time": datetime.now(UTC).isoformat()}
    completed = defaults | {name: value for name, value in event.items() if value is not None or name == "data"}
    for name in ("type", "source", "id"):
        if not completed.get(name) or not isinstance(completed[name], str):
            raise EventInvalid(f"The event needs the attribute {name}, a text.")
    return completed


def mend_event(refused: Event, mended: Event) -> dict[str, Any]:
    """The mended event with `id`, `source` and `time` of the refused one, unless it has its own.

    Raises:
        EventInvalid: as `complete_event`.
    """
    kept = {name: refused[name] for name in ("id", "source", "time")}
    return complete_event(kept | dict(mended), "")


def write_json(value: Any) -> str:
    """The value as JSON text.

    Raises:
        EventInvalid: JSON cannot hold it.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise EventInvalid(f"The data are not JSON: {type(error).__name__}.") from None
    return text


def find_key(event: Event) -> str:
    """The key whose events stay in order: the contract with `partitionkey` or `subject`.

    Events without either are all of one key.
    """
    return f"{event['type']} {event.get('partitionkey') or event.get('subject') or ''}"
