"""Actions as JSON objects, for the API and the command line."""

from typing import Any

from bus import clock
from bus.actions.log import Found


def to_document(found: Found) -> dict[str, Any]:
    """The JSON object of an action from the log."""
    action, by = found.action, found.action.by
    return {
        "at": clock.rfc3339(found.at),
        "who": {
            "participant": by.participant or None,
            "client_id": by.client_id,
            "user": by.user,
            "as_operator": by.is_operator,
        },
        "on_behalf_of": action.on_behalf_of,
        "from": by.address,
        "channel": by.channel.value,
        "what": action.what.value,
        "object": {"kind": action.on.kind, "id": action.on.id},
        "before": action.before,
        "after": action.after,
        "details": action.details,
        "result": action.result.value,
        "count": action.count,
        "trace_id": by.trace_id,
    }
