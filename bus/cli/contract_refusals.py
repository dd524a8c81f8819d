"""What `bus contract show` tells of refusals: the newest under a contract, and whose jumped after a change of version."""

from collections.abc import Iterator
from typing import Any, Final

from bus import clock
from bus.refusals import RefusalLog

_NEWEST: Final = 20


def told(log: RefusalLog, contract: str) -> dict[str, list[dict[str, Any]]]:
    """`refusals` and `alerts` of a contract, with the names that GET /v1/refusals gives them."""
    return {
        "refusals": [
            {
                "version": found.refusal.version or None,
                "participant": found.refusal.participant,
                "client_id": found.refusal.client_id,
                "rule": found.refusal.rule,
                "pointer": found.refusal.pointer,
                "count": found.count,
                "last_at": clock.rfc3339(found.last_at),
            }
            for found in log.search(contract, limit=_NEWEST)
        ],
        "alerts": [
            {
                "version": alert.version,
                "activated_at": clock.rfc3339(alert.activated_at),
                "participant": alert.jump.participant,
                "before": alert.jump.before,
                "after": alert.jump.after,
            }
            for alert in log.find_alerts(clock.now(), contract)
        ],
    }


def for_people(refusals: list[dict[str, Any]], alerts: list[dict[str, Any]]) -> Iterator[str]:
    """What `told` gave, a line for each; nothing where nothing was refused."""
    for alert in alerts:
        yield (
            f"Since {alert['version']} is active, {alert['participant']} had up to {alert['after']} events refused in an hour; "
            f"{alert['before']} in the week before."
        )
    if refusals:
        yield "refused, newest first:"
    for one in refusals:
        yield (
            f"{one['count']:>8}  {one['rule']} at {one['pointer'] or '(event)'}, {one['version'] or 'no version'}, "
            f"{one['participant']} {one['client_id']}, last {one['last_at']}"
        )
