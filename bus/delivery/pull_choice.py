"""The choice of a pull: which due deliveries it takes, and which are dead, held or discarded instead.

Call everything here in the pull's transaction, which holds the subscription (`Ledger.hold`).
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from bus.contracts import GrantSuspended, View
from bus.delivery import pull_statements as statements
from bus.delivery.attempts import Attempt
from bus.delivery.ledger import LeasedDelivery, Ledger, plan_in_order
from bus.delivery.ordering import HELD
from bus.delivery.outcome import hold, skip
from bus.delivery.pull_lease import PullLease, find_ends
from bus.delivery.state import DeliveryState
from bus.journal import MOST_BYTES, lengths_at, versions_at
from bus.kit import Failure
from bus.problem import Refused
from bus.storage import Transaction

_LOOKED_AT: Final = 500
"""Due deliveries that are read at once."""
_LOOKS: Final = 4
"""The most reads of one transaction, however long the backlog of a key is. On SQLite all other writers wait for it."""
_LAST: Final = 2**62
"""A position behind every other."""

FindView = Callable[[int], View | Refused]
"""The participant's view of a contract version, by its number; or the reason why it has none."""


class _Due(NamedTuple):
    """One due delivery; see the columns of `deliveries`."""

    position: int
    key: int | None
    attempts: int
    due_at: int


class Choice:
    """What one pull takes.

    Attributes:
        held: the taken deliveries, with this try counted.
    """

    def __init__(
        self,
        transaction: Transaction,
        ledger: Ledger,
        subscription: int,
        find_view: FindView,
        now: int,
        until: int,
        *,
        most_attempts: int,
        last: int | None,
        ordered: bool,
    ) -> None:
        """Begin a choice that has taken nothing.

        Args:
            until: the end of the lease, which names it.
            most_attempts: tries after which a delivery is dead.
            last: the last position that may be given; None: any may.
            ordered: whether a later event of a key must not be given before an earlier one.
        """
        self._transaction = transaction
        self._ledger = ledger
        self._subscription = subscription
        self._find_view = find_view
        self._now = now
        self._until = until
        self._most_attempts = most_attempts
        self._last = _LAST if last is None else last
        self._ordered = ordered
        self._bytes = 0
        self.held: list[LeasedDelivery] = []

    def fill(self, room: int) -> bool:
        """Take due deliveries, at most `room`. Returns whether more may be due."""
        for _ in range(_LOOKS):
            most = _LOOKED_AT if self._ordered else min(_LOOKED_AT, room - len(self.held))
            due = self._read_due(most)
            going = self._plan(due, room - len(self.held))
            fitting = self._cut(self._end_hopeless(going))
            self._take(fitting)
            if len(self.held) >= room or self._bytes >= MOST_BYTES:
                return True
            if len(due) < most:
                return False
        return True

    def _read_due(self, most: int) -> Sequence[_Due]:
        asked = {"subscription": self._subscription, "now": self._now, "last": self._last, "room": most}
        return [_Due._make(row) for row in self._transaction.rows(statements.DUE, asked)]

    def _plan(self, due: Sequence[_Due], room: int) -> Sequence[_Due]:
        """The deliveries that may be given. Of each key the first one alone; the others are parked behind it."""
        if not self._ordered:
            return due
        keys = {one.position: one.key for one in sorted(due)}
        decided = plan_in_order(self._transaction, self._subscription, keys, self._now, room, longest=1)
        wanted = self._transaction.numbers(position for chain in decided.going for position in chain)
        asked = {"subscription": self._subscription, "wanted": wanted}
        # The first of a key may have been due so late that it is not among those that were read.
        return [_Due._make(row[:4]) for row in self._transaction.rows(statements.PLACES, asked)]

    def _end_hopeless(self, going: Sequence[_Due]) -> Sequence[_Due]:
        """Write what came of earlier leases that ended. Returns the deliveries that are not dead by that."""
        if not going:
            return going
        moments = {one.due_at for one in going if one.attempts}
        ended = find_ends(self._transaction, self._subscription, moments)
        versions = versions_at(self._transaction, [one.position for one in going])
        found: list[Attempt] = []
        alive: list[_Due] = []
        for one in going:
            view = self._find_view(versions[one.position])
            lapsed = ended.get(one.due_at)
            is_over = isinstance(view, Refused) or one.attempts >= self._most_attempts
            if isinstance(view, GrantSuspended):
                found.append(self._make_withheld(one, lapsed, keeps_waiting=view.keeps_waiting))
            elif isinstance(view, Refused):
                found.append(self._make_dead(one, one.attempts + 1, Failure.PERMANENT, view.detail))
            elif lapsed is not None:
                state = DeliveryState.DEAD if is_over else DeliveryState.PENDING
                found.append(self._make_lapsed(one, lapsed, state, None if is_over else self._now))
            elif is_over:
                found.append(self._make_dead(one, one.attempts, Failure.TRANSIENT, "it was tried as often as may be"))
            if not is_over:
                alive.append(one)
        if found:
            self._ledger.record(self._transaction, found)
        return alive

    def _cut(self, going: Sequence[_Due]) -> Sequence[_Due]:
        """The first deliveries, as long as their events fit into one answer. At least one, if nothing was taken before."""
        lengths = lengths_at(self._transaction, [one.position for one in going]) if going else {}
        fitting: list[_Due] = []
        for one in sorted(going):
            if (self.held or fitting) and self._bytes + lengths[one.position] > MOST_BYTES:
                self._bytes = MOST_BYTES
                break
            self._bytes += lengths[one.position]
            fitting.append(one)
        return fitting

    def _take(self, fitting: Sequence[_Due]) -> None:
        if not fitting:
            return
        wanted = self._transaction.numbers(one.position for one in fitting)
        named = {"subscription": self._subscription, "lease": self._until}
        self._transaction.execute(statements.TAKE, {**named, "wanted": wanted})
        self.held += [LeasedDelivery(one.position, one.key, one.attempts + 1, self._until) for one in fitting]

    def _make_withheld(self, one: _Due, lapsed: PullLease | None, *, keeps_waiting: bool) -> Attempt:
        """The result for a delivery whose grant is suspended: it waits for the end of the suspension, or is discarded."""
        if lapsed is not None:
            state = DeliveryState.PENDING if keeps_waiting else DeliveryState.DISCARDED
            return self._make_lapsed(one, lapsed, state, HELD if keeps_waiting else None)
        leased = LeasedDelivery(one.position, one.key, one.attempts, one.due_at)
        return hold(self._subscription, leased) if keeps_waiting else skip(self._subscription, leased)

    def _make_lapsed(self, one: _Due, lease: PullLease, state: DeliveryState, due_at: int | None) -> Attempt:
        seconds = (lease.due_at - lease.given_at) // 1_000_000
        return Attempt(
            subscription=self._subscription,
            position=one.position,
            key=one.key,
            lease=one.due_at,
            number=one.attempts,
            state=state,
            due_at=due_at,
            at=self._now,
            failure=Failure.TRANSIENT.value,
            status=None,
            detail=f"neither acknowledged nor returned within its lease of {seconds} s",
            duration_ms=(lease.due_at - lease.given_at) // 1000,
        )

    def _make_dead(self, one: _Due, number: int, failure: Failure, detail: str) -> Attempt:
        return Attempt(
            subscription=self._subscription,
            position=one.position,
            key=one.key,
            lease=one.due_at,
            number=number,
            state=DeliveryState.DEAD,
            due_at=None,
            at=self._now,
            failure=failure.value,
            status=None,
            detail=detail,
            duration_ms=0,
        )
