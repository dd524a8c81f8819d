"""A round of a poll: the steps between two pauses, counted and bounded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bus.agencies.changes import SeenDigests
from bus.kit import AgencyFault


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """How much a poll fetches before it pauses for the operation's interval, even if the agency has more.

    Attributes:
        steps: most steps.
        events: most events, with duplicates, refused events and unchanged rows.
        size: most bytes of the events' JSON.
    """

    steps: int = 1_000
    events: int = 20_000
    size: int = 64 * 1024 * 1024


@dataclass(slots=True)
class Round:
    """Counts the steps of a round.

    Attributes:
        steps: steps so far.
        events: events so far, with duplicates, refused events and unchanged rows.
        size: bytes of the events' JSON.
        refused: a refusal's slug to the number of events that it refused.
        seen: the rows of lists in pages.
        fault: what the round's last step with a fault could not read; None: all steps read all.
    """

    steps: int = 0
    events: int = 0
    size: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    seen: SeenDigests = field(default_factory=dict)
    fault: AgencyFault | None = None

    def count_step(self, unchanged: int) -> None:
        """Count a step, and its rows that there is nothing to do for."""
        self.steps += 1
        self.events += unchanged

    def count_events(self, sizes: Sequence[int]) -> None:
        """Count events of a step.

        Args:
            sizes: the bytes of each event.
        """
        self.events += len(sizes)
        self.size += sum(sizes)

    def is_full(self, policy: PollPolicy) -> bool:
        """Whether the poll has to pause now, even if the agency has more."""
        return self.steps >= policy.steps or self.events >= policy.events or self.size >= policy.size

    def check(self) -> None:
        """Raise the fault of a step that the round went past.

        Raises:
            AgencyFault: the agency gave no readable answer to a part of the round.
        """
        if self.fault is not None:
            raise self.fault

    def count_refusal(self, reason: str) -> bool:
        """Count a refused event; return whether it is the round's first.

        Args:
            reason: the refusal's slug.
        """
        self.refused[reason] += 1
        return self.refused.total() == 1
