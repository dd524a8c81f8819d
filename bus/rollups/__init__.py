"""Rollups: how many events flow from whom to whom. Counts by the minute stay two days, by the hour thirteen months.

What the room offers: a `Counter` adds what is committed to the counts. A `PulledTally` counts what readers got. `Traffic` reads
the `Counts` of each `Flow`.
"""

from bus.rollups.counter import Counter
from bus.rollups.flow import Counts, Flow, Span
from bus.rollups.pulled import PulledTally
from bus.rollups.traffic import Found, Traffic, Wanted

__all__ = ["Counter", "Counts", "Flow", "Found", "PulledTally", "Span", "Traffic", "Wanted"]
