"""Structured logs: JSON lines on standard error. No line holds personal data.

Here are the fields that every line has. The fields of one line stand where it is logged.
"""

import json
import logging
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

import orjson
import structlog

from bus.telemetry.advice import add_advice
from bus.telemetry.metrics import UNEXPECTED
from bus.texts import escape_unseen_in_json

log = structlog.get_logger("bus")


def configure_logging(level: str = "INFO") -> None:
    """Have structlog and the standard library's loggers write JSON lines to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        add_advice,
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


def log_done(event: str, **fields: Any) -> None:
    """Log something that is done. A failure of the log does not undo it, so nothing is raised."""
    try:
        log.info(event, **fields)
    except (OSError, ValueError):
        # Standard error is closed, or the disk behind it is full.
        UNEXPECTED.labels("log").inc()
