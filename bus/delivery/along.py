"""Along with an append: makes a small append's deliveries in its transaction, and hands them over after the commit.

It is only for runs that stay in this process: a publisher must not wait for a broker.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog

from bus.delivery.fan_out import FanOut, MadeDeliveries
from bus.delivery.turn import Turn
from bus.journal import Row, Take
from bus.storage import Transaction
from bus.telemetry import UNEXPECTED

log = structlog.get_logger(__name__)


class AlongAppends:
    """The relay's part in the appends of its own process; see `bus.journal.Beside`."""

    def __init__(self, turn: Turn[FanOut]) -> None:
        self._turn = turn

    @contextmanager
    def take_part(self) -> Iterator[Take | None]:
        """Make deliveries in an append. None: the relay makes them, or nobody subscribed."""
        leader = self._turn.leader
        if leader is None or not leader.contract_ids:
            yield None
            return
        with self._turn.for_append() as fan_out:
            if fan_out is None:
                yield None
                return
            made: list[MadeDeliveries] = []

            def take(transaction: Transaction, rows: Sequence[Row]) -> None:
                if (one := fan_out.take_along(transaction, rows)) is not None:
                    made.append(one)

            yield take
            _pass_on(fan_out, made)


def _pass_on(fan_out: FanOut, made: Sequence[MadeDeliveries]) -> None:
    try:
        for one in made:
            fan_out.committed(one)
    except Exception:
        # The events are committed already. If this fails, leased deliveries are handed over again when their lease ends.
        UNEXPECTED.labels("relay").inc()
        log.exception("relay.not_handed_over")
