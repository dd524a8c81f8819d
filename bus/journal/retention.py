"""Retention: deletes events that a contract does not keep any longer, a bounded number in one transaction.

Promise: each record's newest event stays, and so does the journal's newest event. Behind `Horizon.whole` no event is missing.
The records at each position behind it can be found, and every change since.

An event without a key goes when it is old. An event of a record goes when its successor is old. So one walk through a
contract's old events finds everything. It goes in their order: each event says whether it ends the time of its predecessor. A
record's deletion goes when it is old and the record has no other event left.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, NamedTuple

from bus.journal import statements, value_statements
from bus.journal.entries import lengths_at
from bus.journal.horizon import Horizon, read_horizon
from bus.journal.projection import Projection
from bus.storage import Prepared, Storage, Transaction

STEP: Final = 100
"""Events that one transaction looks at. Publishers wait for the transaction."""

FindHeld = Callable[[Transaction, Sequence[int]], Collection[int]]
"""Finds which of some positions hold events that somebody still waits for. Called in the step's transaction."""

_IN: Final = ("IN (SELECT value FROM json_each(:positions))", "= ANY(CAST(:positions AS bigint[]))")
_LOOK: Final = Prepared.in_both(
    "SELECT j.position, j.key IS NOT NULL, p.preceding FROM journal AS j "
    "LEFT JOIN journal_preceding AS p ON p.position = j.position WHERE j.contract_id = :contract "
    "AND j.position > :after AND j.position <= :until ORDER BY j.position LIMIT :most"
)
_HAS_NO_DATA: Final = (
    "json_type(CAST(j.body AS TEXT), '$.data') = 'null'",
    "json_typeof(CAST(convert_from(j.body, 'UTF8') AS json) -> 'data') = 'null'",
)
_DELETIONS: Final = Prepared(
    *(
        "SELECT r.position FROM records AS r JOIN journal AS j ON j.position = r.position "  # noqa: S608
        f"WHERE r.contract_id = :contract AND r.position {among} AND {condition}"
        for among, condition in zip(_IN, _HAS_NO_DATA, strict=True)
    )
)
"""Which of some events are the newest of their records, and delete them."""
_LOCK: Final = Prepared(
    sqlite=f"SELECT position FROM journal WHERE position {_IN[0]}",  # noqa: S608
    postgres=f"SELECT position FROM journal WHERE position {_IN[1]} ORDER BY position FOR UPDATE",  # noqa: S608
)
_DELETE_EVENTS: Final = Prepared(*(f"DELETE FROM journal WHERE position {among}" for among in _IN))  # noqa: S608
_DELETE_LINKS: Final = Prepared(*(f"DELETE FROM journal_preceding WHERE position {among}" for among in _IN))  # noqa: S608
_DELETE_RECORDS: Final = Prepared(
    *(f"DELETE FROM records WHERE contract_id = :contract AND position {among}" for among in _IN)  # noqa: S608
)
_LINK: Final = Prepared.in_both("UPDATE journal_preceding SET preceding = :preceding WHERE position = :position")
_NOTE: Final = Prepared.in_both(
    "INSERT INTO journal_retention (contract_id, looked_at, whole_from, deletions_from) "
    "VALUES (:contract, :looked_at, :whole, :deletions) ON CONFLICT (contract_id) DO UPDATE SET "
    "looked_at = excluded.looked_at, whole_from = excluded.whole_from, deletions_from = excluded.deletions_from"
)
_LOOKED_AT: Final = Prepared.in_both("SELECT looked_at FROM journal_retention WHERE contract_id = :contract")


class Step(NamedTuple):
    """What one step did.

    Attributes:
        reached: the position up to which the contract's events were looked at.
        deleted: how many events were deleted.
        held: the first event that the next walk looks at again, since somebody waits for an event. None: nobody waits.
        is_last: whether no further event of the contract is old.
    """

    reached: int
    deleted: int
    held: int | None
    is_last: bool


class _Look(NamedTuple):
    """An old event: whether it is of a record, and the position of the event before it."""

    position: int
    has_key: bool
    preceding: int | None


@dataclass(slots=True)
class _Plan:
    """What a step will delete.

    Attributes:
        replaced: events that a later event of their record replaced.
        single: events without a key.
        deletions: deletions of records.
        links: by an event, its new predecessor; None: it has none any more.
        whole: see `Horizon`; 0: the step moves nothing.
        held: see `Step`.
    """

    replaced: list[int] = field(default_factory=list)
    single: list[int] = field(default_factory=list)
    deletions: list[int] = field(default_factory=list)
    links: dict[int, int | None] = field(default_factory=dict)
    whole: int = 0
    held: int | None = None

    @property
    def going(self) -> list[int]:
        """All events that the step deletes."""
        return [*self.replaced, *self.single, *self.deletions]

    def hold(self, position: int) -> None:
        """Have the next walk look at an event again."""
        self.held = position if self.held is None else min(self.held, position)


class Retention:
    """Deletes old events of one contract after the other. Synchronous: call it from a thread, and from one at a time."""

    def __init__(self, storage: Storage, find_held: FindHeld) -> None:
        self._storage = storage
        self._find_held = find_held
        self._projection = Projection(storage)

    def begin_walk(self, contract_id: int, until: int) -> int:
        """The position after which a walk through a contract's old events begins.

        Args:
            until: the last position whose event is old.
        """
        self._projection.reach(until)
        with self._storage.read() as transaction:
            return int(transaction.value(_LOOKED_AT, {"contract": contract_id}) or 0)

    def take_step(self, contract_id: int, after: int, until: int) -> Step:
        """Look at the next old events of a contract, and delete what goes with them.

        Args:
            until: as in `begin_walk`, which the caller called before.
        """
        asked = {"contract": contract_id, "after": after, "until": until, "most": STEP}
        with self._storage.read() as transaction:
            plan, looks, is_last = self._make_plan(transaction, asked)
        if plan.going:
            # After a power failure, the events of the last steps are there again, and so is the horizon from before.
            with self._storage.write(durable=False) as transaction:
                # Nobody may move records on meanwhile. On PostgreSQL, no append waits for this lock.
                transaction.value(statements.HOLD_PROJECTION)
                # Nobody may begin to wait for an event between the look for who does and its deletion (`hold_event`).
                rows = transaction.rows(_LOCK, {"positions": transaction.numbers(plan.going)})
                plan, looks, is_last = self._make_plan(transaction, asked, {row[0] for row in rows})
                self._carry_out(transaction, contract_id, plan)
        return Step(looks[-1].position if looks else until, len(plan.going), plan.held, is_last)

    def forget_values(self, contract_id: int) -> None:
        """Have the index of a contract's values made again: it may hold values of deleted events."""
        with self._storage.write(durable=False) as transaction:
            transaction.execute(value_statements.ABANDON_CONTRACT, {"contract": contract_id})

    def end_walk(self, contract_id: int, position: int) -> None:
        """Have the next walk begin behind a position."""
        with self._storage.write(durable=False) as transaction:
            _write(transaction, contract_id, position, read_horizon(transaction, contract_id))

    def _make_plan(
        self, transaction: Transaction, asked: dict[str, int], among: Collection[int] | None = None
    ) -> tuple[_Plan, Sequence[_Look], bool]:
        """The next step's plan, what it looks at, and whether no more follows. `among`: only these events may go; None: all."""
        looks = [_Look(*row) for row in transaction.rows(_LOOK, asked)]
        is_last = len(looks) < asked["most"]
        short = _take_first(transaction, looks)
        links = {one.position: one.preceding for one in short if one.preceding is not None}
        links |= _read_links(transaction, [one for one in links.values() if one not in links])
        newest = int(transaction.value(statements.LAST))
        wanted = {*links.values(), *(one.position for one in short)}
        held = {newest, *self._find_held(transaction, sorted(wanted))} if wanted else set()
        if among is not None:
            held |= wanted.difference(among)
        plan = _Plan()
        for one in short:
            _plan_one(plan, one, links, held)
        self._plan_deletions(transaction, plan, [one for one in short if one.has_key], links, held, asked["contract"])
        return plan, short, is_last and len(short) == len(looks)

    def _plan_deletions(
        self,
        transaction: Transaction,
        plan: _Plan,
        looks: Sequence[_Look],
        links: dict[int, int],
        held: Collection[int],
        contract_id: int,
    ) -> None:
        alone = [one.position for one in looks if one.position not in links]
        asked = {"contract": contract_id, "positions": transaction.numbers(alone)}
        for (position,) in sorted(transaction.rows(_DELETIONS, asked)) if alone else ():
            if position in held:
                plan.hold(position)
            else:
                plan.deletions.append(position)
                plan.whole = max(plan.whole, position)

    def _carry_out(self, transaction: Transaction, contract_id: int, plan: _Plan) -> None:
        going = {"positions": transaction.numbers(plan.going)}
        transaction.execute(_DELETE_EVENTS, going)
        ended = [position for position, preceding in plan.links.items() if preceding is None]
        transaction.execute(_DELETE_LINKS, {"positions": transaction.numbers([*plan.going, *ended])})
        for position, preceding in plan.links.items():
            if preceding is not None:
                transaction.execute(_LINK, {"position": position, "preceding": preceding})
        if plan.deletions:
            asked = {"contract": contract_id, "positions": transaction.numbers(plan.deletions)}
            transaction.execute(_DELETE_RECORDS, asked)
        before = read_horizon(transaction, contract_id)
        horizon = Horizon(max(before.whole, plan.whole), max([before.deletions, *plan.deletions]))
        looked_at = int(transaction.value(_LOOKED_AT, {"contract": contract_id}) or 0)
        _write(transaction, contract_id, looked_at, horizon)


def _take_first(transaction: Transaction, looks: Sequence[_Look]) -> Sequence[_Look]:
    """The first old events, so few that what goes with them is within `MOST_BYTES`."""
    ends = [one.preceding if one.has_key else one.position for one in looks]
    lengths = lengths_at(transaction, [position for position in ends if position is not None])
    sizes = accumulate(0 if position is None else lengths.get(position, 0) for position in ends)
    return looks[: 1 + sum(size < statements.MOST_BYTES for size in sizes)]


def _read_links(transaction: Transaction, positions: Sequence[int]) -> dict[int, int]:
    """Events, each with the event before it of the same record."""
    if not positions:
        return {}
    return dict(transaction.rows(statements.PRECEDING, {"positions": transaction.numbers(positions)}))


def _plan_one(plan: _Plan, one: _Look, links: dict[int, int], held: Collection[int]) -> None:
    """Add to a plan what goes with one old event.

    Args:
        links: events, each with its predecessor. What goes is taken out.
    """
    if not one.has_key:
        if one.position in held:
            plan.hold(one.position)
        else:
            plan.single.append(one.position)
            plan.whole = max(plan.whole, one.position)
        return
    preceding = links.get(one.position)
    if preceding is None:
        return
    if preceding in held:
        plan.hold(one.position)
        return
    plan.replaced.append(preceding)
    plan.whole = max(plan.whole, one.position)
    # An event before it may be held. Then the chain leads there.
    earlier = links.pop(preceding, None)
    plan.links.pop(preceding, None)
    plan.links[one.position] = earlier
    if earlier is None:
        del links[one.position]
    else:
        links[one.position] = earlier


def _write(transaction: Transaction, contract_id: int, looked_at: int, horizon: Horizon) -> None:
    values = {"contract": contract_id, "looked_at": looked_at, "whole": horizon.whole, "deletions": horizon.deletions}
    transaction.execute(_NOTE, values)
