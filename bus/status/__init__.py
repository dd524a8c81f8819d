"""Status: who does not get what, and since when; what the bus itself lacks.

What the room offers: `StatusReader` reads a `Status`, for the operator or for one participant. `describe_status` writes it as a
document, and `write_metrics` writes what metrics need of it. Nothing here counts all deliveries or events: each number has a
partial index, or a row of its own.
"""

from bus.status.agency import AgencyState, Standing
from bus.status.document import describe_poll_failure, describe_status, name_circuit, name_sink
from bus.status.metrics import write_metrics
from bus.status.reader import StatusReader
from bus.status.state import BusState, PollState, ProducerState, Status, SubscriberState

__all__ = [
    "AgencyState",
    "BusState",
    "PollState",
    "ProducerState",
    "Standing",
    "Status",
    "StatusReader",
    "SubscriberState",
    "describe_poll_failure",
    "describe_status",
    "name_circuit",
    "name_sink",
    "write_metrics",
]
