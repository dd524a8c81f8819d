"""Telemetry: structured logs, metrics, and the trace of an event from its publisher to its last delivery.

No log line and no label holds personal data. They name contracts, participants, positions and failures, never an event's data.
"""

import json
import logging
import re
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

import orjson
import structlog
from prometheus_client import Counter, Gauge, Histogram

from bus.texts import escape_unseen_in_json

log = structlog.get_logger("bus")

ACCEPTED: Final = Counter("bus_events_accepted_total", "Events committed to the journal")
DUPLICATES: Final = Counter("bus_events_duplicate_total", "Events that the journal had already")
REFUSED: Final = Counter("bus_events_refused_total", "Requests and events refused at the gate", ["contract", "reason"])
REQUESTS: Final = Counter("bus_http_requests_total", "Requests by route", ["method", "route", "status"])
CONNECTIONS: Final = Gauge("bus_connections_open", "Connections to the front door", multiprocess_mode="livesum")
CONNECTIONS_ENDED: Final = Counter(
    "bus_connections_ended_total", "Connections that the front door refused or ended early", ["reason"]
)
TOKENS: Final = Counter("bus_tokens_issued_total", "Access tokens issued", ["participant"])
WAITING_READERS: Final = Gauge(
    "bus_waiting_readers", "Long-polls and streams that are open", multiprocess_mode="livesum"
)
LIMITED: Final = Counter("bus_limited_total", "Requests refused by a limit", ["limit", "participant"])
DELIVERIES: Final = Counter("bus_deliveries_total", "Attempts to deliver", ["sink", "outcome"])
DELIVERY_SECONDS: Final = Histogram(
    "bus_delivery_seconds",
    "From the journal to the sink's answer",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600),
)
RELAY_LAG: Final = Gauge(
    "bus_relay_lag_events", "Events in the journal that the relay has not fanned out yet", multiprocess_mode="livemax"
)
HANDED_OVER: Final = Counter("bus_handed_over_total", "Deliveries handed to the broker")
CIRCUITS_OPEN: Final = Gauge("bus_circuits_open", "Sinks that are taken to be down", multiprocess_mode="livesum")
DISCLOSED: Final = Counter("bus_disclosures_total", "Answers and deliveries with personal data", ["channel"])
UNEXPECTED: Final = Counter("bus_unexpected_errors_total", "Errors that nobody expected; each is in the log", ["part"])
POLLED: Final = Counter("bus_polled_events_total", "Events polled from agencies", ["adapter", "operation", "outcome"])
ROWS_SET_ASIDE: Final = Gauge(
    "bus_rows_set_aside", "Rows of a poll that the gate refused", ["adapter", "operation"], multiprocess_mode="livemax"
)
DELETIONS_HELD: Final = Gauge(
    "bus_poll_deletions_held",
    "Deletions that a poll holds back until the operator releases them",
    ["adapter", "operation"],
    multiprocess_mode="livemax",
)

HEAVY_JOBS: Final = Counter("bus_heavy_jobs_total", "Heavy pieces of work, by how they ended", ["outcome"])
LOOP_DELAY: Final = Histogram(
    "bus_loop_delay_seconds",
    "How late the event loop does what is due",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def configure_logging(level: str = "INFO") -> None:
    """Have structlog and the standard library's loggers write JSON lines to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Only the frames: an exception's message may hold personal data.
        structlog.processors.ExceptionRenderer(_list_frames),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_write_line)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(
                    serializer=lambda value, **given: _write_line(value, **given).decode()
                ),
            ],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # These loggers write URLs, which may hold keys and tokens.
    for name in ("httpx", "httpcore", "aiohttp.access", "uvicorn.access", "amqp"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _write_line(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """A log line as JSON. Control characters are escapes, so that a line cannot steer a terminal."""
    try:
        return escape_unseen_in_json(orjson.dumps(value, default))
    except TypeError:
        # Python allows a lone surrogate in a text, and orjson does not. No line may be lost because of it.
        return json.dumps(value, default=default or str).encode()


def _list_frames(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> list[str]:
    kind, _, trace = exc_info
    frames = []
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    return [kind.__name__, *frames]


def read_trace_id(traceparent: object) -> str | None:
    """The trace id in a W3C `traceparent`. None: the value is absent or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent) if isinstance(traceparent, str) else None
    return match.group(1) if match else None


def log_accepted(traceparent: object, contract: str, position: int) -> None:
    """Log that the bus accepted a traced event. Events without a trace are counted only, since a line costs throughput."""
    log_done("event.accepted", trace_id=read_trace_id(traceparent), contract=contract, position=position)


def log_done(event: str, **fields: Any) -> None:
    """Log something that is done. A failure of the log does not undo it, so nothing is raised."""
    try:
        log.info(event, **fields)
    except (OSError, ValueError):
        # Standard error is closed, or the disk behind it is full.
        UNEXPECTED.labels("log").inc()
