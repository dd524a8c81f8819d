"""A share: a number of places of which nobody gets all."""

from collections import Counter


class Share:
    """Places by who holds them.

    Whoever holds none gets one while any is free. Whoever holds some gets another only while more are free than that
    (dynamic thresholds after Choudhury and Hahne, 1998): one alone gets half, two get a third each, and so on.

    Attributes:
        held: how many each holds; whoever holds none is not in it.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken = 0
        self.places_held: Counter[str] = Counter()

    @property
    def places_taken(self) -> int:
        """How many places are taken."""
        return self._taken

    def admits(self, who: str) -> bool:
        """Whether somebody may take a place now."""
        return self.places_held[who] < self._places - self._taken

    def take(self, who: str) -> None:
        """Take a place."""
        self.places_held[who] += 1
        self._taken += 1

    def give(self, who: str) -> None:
        """Give a place back."""
        self._taken -= 1
        self.places_held[who] -= 1
        if self.places_held[who] <= 0:
            del self.places_held[who]
