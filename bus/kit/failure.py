"""The outcome of a delivery, and the kinds of failure."""

from dataclasses import dataclass, field
from enum import Enum


class Failure(Enum):
    """Why a delivery did not arrive, as far as it matters for what to do next."""

    TRANSIENT = "transient"
    """Time heals it: a time-out, a quota, a 5xx. Tried again with backoff."""
    PERMANENT = "permanent"
    """The same event will fail the same way: dead at once."""
    SINK_DOWN = "sink down"
    """The agency or its account is unusable for every event: the circuit opens and the queue waits."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event that an adapter was asked to deliver.

    Attributes:
        failure: None when the agency has it.
        detail: for the operator; never personal data, a secret or a URL with a token in it.
        retry_after: seconds that the agency asked to wait.
        status: the HTTP status, where there was one.
        is_unsent: no byte of the event left the bus, for certain. Where in doubt it is False: the event counts as disclosed.
    """

    failure: Failure | None = None
    detail: str = ""
    retry_after: float | None = None
    status: int | None = None
    is_unsent: bool = field(default=False, compare=False)


DELIVERED = Outcome()
