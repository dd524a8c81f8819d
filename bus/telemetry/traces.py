"""Traces: the trace of an event from its publisher to its last delivery (W3C Trace Context)."""

import re
from typing import Final

from bus.telemetry.logs import log_done

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def read_trace_id(traceparent: object) -> str | None:
    """The trace id in a W3C `traceparent`. None: the value is absent or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent) if isinstance(traceparent, str) else None
    return match.group(1) if match else None


def log_accepted(traceparent: object, contract: str, position: int) -> None:
    """Log that the bus accepted a traced event. Events without a trace are counted only, since a line costs throughput."""
    log_done("event.accepted", trace_id=read_trace_id(traceparent), contract=contract, position=position)
