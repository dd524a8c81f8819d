"""Places that several holders share, so that no holder gets all of them."""

from collections import Counter


class Share:
    """The places, and how many each holder has.

    A holder gets another place only while more places are free than it holds (dynamic thresholds, Choudhury and Hahne, 1998).
    So a single holder gets half of the places, and two holders get a third each.

    Attributes:
        places_held: how many places each holder has, at least one.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken = 0
        self.places_held: Counter[str] = Counter()

    @property
    def places_taken(self) -> int:
        """How many places all holders have."""
        return self._taken

    def admits(self, who: str) -> bool:
        """Whether a holder may take one more place now."""
        return self.places_held[who] < self._places - self._taken

    def take(self, who: str) -> None:
        """Give a holder one more place."""
        self.places_held[who] += 1
        self._taken += 1

    def give(self, who: str) -> None:
        """Free one place of a holder."""
        self._taken -= 1
        self.places_held[who] -= 1
        if self.places_held[who] <= 0:
            del self.places_held[who]
