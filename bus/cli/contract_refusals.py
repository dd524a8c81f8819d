"""The refusals in `bus contract show`: the newest of a contract, and alerts of participants with many more than before."""

from collections.abc import Iterator
from typing import Any, Final

from bus import clock
from bus.refusals import RefusalLog

_NEWEST: Final = 20


def read_refusals(log: RefusalLog, contract: str) -> dict[str, list[dict[str, Any]]]:
    """`refusals` and `alerts` of a contract, with the members of GET /v1/refusals."""
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
            for alert in log.alerts(clock.now(), contract)
        ],
    }


def write_lines(refusals: list[dict[str, Any]], alerts: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each alert and refusal of `read_refusals`; no line if there are none."""
    for alert in alerts:
        yield (
            f"Since version {alert['version']} became active, the bus refused up to {alert['after']} events of "
            f"{alert['participant']} in an hour; in the week before, {alert['before']}."
        )
    if refusals:
        yield "refused, newest first:"
    for one in refusals:
        yield (
            f"{one['count']:>8}  {one['rule']} at {one['pointer'] or '(event)'}, {one['version'] or 'no version'}, "
            f"{one['participant']} {one['client_id']}, last {one['last_at']}"
        )
