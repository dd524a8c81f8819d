"""The bound on work: a comparison takes at most a number of steps, whatever the schemas are."""

from bus.contracts.expressions import Undecided as Undecided


class Spent(Undecided):
    """The comparison needs more steps than its budget."""


class Budget:
    """Counts steps down. A step is about ten microseconds of work."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int = 1) -> None:
        """Use up steps.

        Raises:
            Spent: no steps are left.
        """
        self._left -= steps
        if self._left < 0:
            raise Spent("the schemas are too large or too entangled to compare in the time allowed")
