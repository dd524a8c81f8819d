"""Unfinished drops: discards what waits under a suspended grant, if the process that began to discard it ended too soon.

A worker discards what comes due under such a suspension. Nobody makes pulled deliveries due for a worker, so without this they
would wait until their consumer pulls.
"""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

import structlog

from bus import clock
from bus.contracts import Catalogue, Suspension, Waiting
from bus.delivery.suspended import GrantStops

log = structlog.get_logger()

_LOOK_SECONDS: Final = 15.0
_MOMENT: Final = timedelta(seconds=60)
"""A younger suspension is left to the process that suspends, which counts what it drops."""


class UnfinishedDrops:
    """Finishes drops that broke off, each a step at a time. Belongs to the relay's thread."""

    def __init__(self, catalogue: Catalogue, grants: GrantStops, clock: Callable[[], float] = time.monotonic) -> None:
        self._catalogue = catalogue
        self._grants = grants
        self._clock = clock
        self._looks_at = 0.0
        self._finished: set[Suspension] = set()
        self._running: Iterator[None] | None = None

    def look(self) -> bool:
        """Take the next step. Returns whether there is more to do at once.

        Each suspension is looked through once: it makes no new deliveries.
        """
        if self._running is None and self._clock() >= self._looks_at:
            self._looks_at = self._clock() + _LOOK_SECONDS
            self._running = self._run()
        if self._running is not None:
            try:
                next(self._running)
            except StopIteration:
                self._running = None
        return self._running is not None

    def _run(self) -> Iterator[None]:
        present = set(self._catalogue.suspensions.values())
        self._finished &= present
        for one in present - self._finished:
            if one.waiting is not Waiting.DROP or one.since > clock.now() - _MOMENT:
                continue
            dropped = 0
            for count in self._grants.drop_in_steps(one.contract, one.participant):
                dropped += count
                yield
                if self._catalogue.find_suspension(one.contract, one.participant) != one:
                    # Somebody lifted it meanwhile, and what is left goes.
                    break
            else:
                self._finished.add(one)
            if dropped:
                log.info("grant.drop_finished", contract=one.contract, participant=one.participant, deliveries=dropped)
