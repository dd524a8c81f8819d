"""A round of a poll: the steps from one pause to the next, within bounds, and what became of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """How much a poll fetches before it pauses for the operation's interval. An agency that always has more waits as well.

    Attributes:
        steps: requests for more.
        events: events, duplicates and refused ones included.
        size: bytes of the events' JSON.
    """

    steps: int = 1_000
    events: int = 20_000
    size: int = 64 * 1024 * 1024


@dataclass(slots=True)
class Round:
    """What the steps of a round fetched, and how many of the events were refused, by the refusal's name."""

    steps: int = 0
    events: int = 0
    size: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def count_step(self, sizes: Sequence[int]) -> None:
        """Count a step, with the bytes of each of its events."""
        self.steps += 1
        self.events += len(sizes)
        self.size += sum(sizes)

    def is_full(self, policy: PollPolicy) -> bool:
        """Whether the poll pauses now, even though the agency has more."""
        return self.steps >= policy.steps or self.events >= policy.events or self.size >= policy.size

    def count_refusal(self, reason: str) -> bool:
        """Count an event that was refused; whether it is the first one of the round."""
        self.refused[reason] += 1
        return self.refused.total() == 1
