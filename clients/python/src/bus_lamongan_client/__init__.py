"""A client of the bus: publish, read, pull, ask, verify webhooks; and a spool for bad lines.

`Bus` and `Spool` are for programs without asyncio, `AsyncBus` and `AsyncSpool` for programs with it. Both have the same methods.
"""

from bus_lamongan_client.answers import BatchReceipt, Page, Receipt, RejectedEvent
from bus_lamongan_client.async_bus import AsyncBus, AsyncSpool
from bus_lamongan_client.bus import Bus, Spool
from bus_lamongan_client.errors import (
    BusError,
    CredentialsRefused,
    CursorGone,
    EventInvalid,
    FieldError,
    Refused,
    SignatureInvalid,
    SnapshotInvalid,
    SpoolError,
    SpoolFull,
    Unreachable,
)
from bus_lamongan_client.pulls import Delivery, Handled, Pulled, Settlement
from bus_lamongan_client.spool import RefusedEvent, Report
from bus_lamongan_client.webhook import verify_webhook

__all__ = [
    "AsyncBus",
    "AsyncSpool",
    "BatchReceipt",
    "Bus",
    "BusError",
    "CredentialsRefused",
    "CursorGone",
    "Delivery",
    "EventInvalid",
    "FieldError",
    "Handled",
    "Page",
    "Pulled",
    "Receipt",
    "Refused",
    "RefusedEvent",
    "RejectedEvent",
    "Report",
    "Settlement",
    "SignatureInvalid",
    "SnapshotInvalid",
    "Spool",
    "SpoolError",
    "SpoolFull",
    "Unreachable",
    "verify_webhook",
]
