"""Telemetry: structured logs, metrics, and the trace of an event from its publisher to its last delivery.

No log line and no label holds personal data. They name contracts, participants, positions and failures, never an event's data.

What the room offers:

- Logs: `configure_logging` once for a process, `log_done` for an act that is done. Other modules log with structlog itself.
- Metrics: one name for each metric, in capitals.
- Traces: `read_trace_id` reads a `traceparent`, `log_accepted` logs a traced event.
"""

from bus.telemetry.logs import configure_logging, log_done
from bus.telemetry.metrics import (
    ACCEPTED,
    CIRCUITS_OPEN,
    CONNECTIONS,
    CONNECTIONS_ENDED,
    DELETIONS_HELD,
    DELIVERIES,
    DELIVERY_SECONDS,
    DISCLOSED,
    DUPLICATES,
    EVENTS_DELETED,
    HANDED_OVER,
    HEAVY_JOBS,
    LIMITED,
    LOOP_DELAY,
    POLLED,
    QUERY_CIRCUIT,
    QUOTA_LEFT,
    REFUSED,
    REQUESTS,
    ROWS_SET_ASIDE,
    SUBSCRIPTION_ATTEMPTS,
    TOKENS,
    UNEXPECTED,
    WAITING_READERS,
)
from bus.telemetry.traces import log_accepted, read_trace_id

__all__ = [
    "ACCEPTED",
    "CIRCUITS_OPEN",
    "CONNECTIONS",
    "CONNECTIONS_ENDED",
    "DELETIONS_HELD",
    "DELIVERIES",
    "DELIVERY_SECONDS",
    "DISCLOSED",
    "DUPLICATES",
    "EVENTS_DELETED",
    "HANDED_OVER",
    "HEAVY_JOBS",
    "LIMITED",
    "LOOP_DELAY",
    "POLLED",
    "QUERY_CIRCUIT",
    "QUOTA_LEFT",
    "REFUSED",
    "REQUESTS",
    "ROWS_SET_ASIDE",
    "SUBSCRIPTION_ATTEMPTS",
    "TOKENS",
    "UNEXPECTED",
    "WAITING_READERS",
    "configure_logging",
    "log_accepted",
    "log_done",
    "read_trace_id",
]
