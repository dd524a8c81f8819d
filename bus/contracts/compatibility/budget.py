"""The bound on work: a comparison takes so many steps and no more, however the schemas are made."""

from bus.contracts.expressions import Undecided as Undecided


class Spent(Undecided):
    """The comparison would take longer than it may."""


class Budget:
    """Counts steps down; a step is about ten microseconds of work."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int = 1) -> None:
        """Take steps.

        Raises:
            Spent: there are none left.
        """
        self._left -= steps
        if self._left < 0:
            raise Spent("the schemas are too large or too entangled to compare in the time allowed")
