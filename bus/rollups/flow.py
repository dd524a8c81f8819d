"""Flows of data and their counts, as the bus adds them up."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Span(StrEnum):
    """The time that one count covers."""

    MINUTE = "minute"
    HOUR = "hour"

    @property
    def seconds(self) -> int:
        """The span's length."""
        return 60 if self is Span.MINUTE else 3600


class Flow(NamedTuple):
    """Data of one contract on their way.

    Attributes:
        contract: the contract's name; empty if the events named none that is registered, or are deleted.
        sender: the participant that sent the events; empty for pulled and for deleted events.
        receiver: the subscriber or reader. Empty: the events on their way into the bus.
    """

    contract: str
    sender: str
    receiver: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of a flow in a span of time.

    Attributes:
        published: events that the bus accepted.
        refused: events that the bus refused.
        delivered: events that the receiver took.
        failed: attempts that failed and are made again.
        dead: deliveries that were given up.
        pulled: events that the receiver read from feeds and records, each as often as it read them.
        delay_ms: the sum of the times between acceptance and delivery, of the delivered events, in milliseconds.
    """

    published: int = 0
    refused: int = 0
    delivered: int = 0
    failed: int = 0
    dead: int = 0
    pulled: int = 0
    delay_ms: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.published + other.published,
            self.refused + other.refused,
            self.delivered + other.delivered,
            self.failed + other.failed,
            self.dead + other.dead,
            self.pulled + other.pulled,
            self.delay_ms + other.delay_ms,
        )

    @property
    def mean_delay(self) -> float | None:
        """Seconds between acceptance and delivery, on average; None: nothing was delivered."""
        return self.delay_ms / self.delivered / 1000 if self.delivered else None
