"""Expressions in JSONata, evaluated within bounds. The jobs run in worker processes (`bus.heavy`).

The room imports little, since each worker process does. The server never loads the library: its import changes the
interpreter's limit of recursion.
"""

from bus.expressions.job import evaluate, judge
from bus.expressions.reading import Numbers

__all__ = ["Numbers", "evaluate", "judge"]
