"""The outcome of a delivery, and the kinds of failure."""

from dataclasses import dataclass, field
from enum import Enum


class Failure(Enum):
    """Why a delivery failed, by what the bus does next."""

    TRANSIENT = "transient"
    """A time-out, a quota, a 5xx: a later attempt can succeed. The bus tries again with backoff."""
    PERMANENT = "permanent"
    """The same event will fail the same way. The delivery is dead at once."""
    SINK_DOWN = "sink down"
    """No event can reach the agency, or the agency refuses the account. The circuit opens and the queue waits."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event that an adapter was asked to deliver.

    Attributes:
        failure: None: the agency has the event.
        detail: a text for the operator, without personal data, secrets and URLs.
        retry_after: seconds that the agency asks the bus to wait; None: the agency did not say.
        status: the HTTP status; None: there was no answer.
        answer: the beginning of what the sink answered to an event that it did not take. It may repeat personal data, so it is
            never logged.
        is_unsent: True: no byte of the event left the bus. In doubt it is False, and the event counts as disclosed.
    """

    failure: Failure | None = None
    detail: str = ""
    retry_after: float | None = None
    status: int | None = None
    is_unsent: bool = field(default=False, compare=False)
    answer: bytes = field(default=b"", compare=False, repr=False)


DELIVERED = Outcome()
