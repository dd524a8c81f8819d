"""Retention deletes what nobody can miss behind the horizon, in steps, on both databases."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus import json
from bus.journal import Appender, JournalReader, Projection, Retention, Submission, retention
from bus.journal.horizon import Horizon, read_horizon
from bus.journal.tables import JOURNAL, PRECEDING, PROJECTED, RECORDS, RETENTION
from bus.storage import Storage, Transaction

CONTRACT, OTHER = 1, 2
Change = tuple[str | None, bool]
"""An event: its key, and whether it has data."""
CHANGES = st.lists(st.tuples(st.sampled_from([None, "a", "b", "c"]), st.booleans()), min_size=1, max_size=14)


@dataclass
class Site:
    """A journal, what somebody waits for, and what deletes of it."""

    storage: Storage
    held: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.retention = Retention(self.storage, self.find_held)

    def find_held(self, transaction: Transaction, positions: Sequence[int]) -> Collection[int]:
        return self.held.intersection(positions)

    def empty(self) -> None:
        self.held.clear()
        with self.storage.write() as transaction:
            for table in (JOURNAL, PRECEDING, PROJECTED, RECORDS, RETENTION):
                transaction.execute(sa.delete(table))

    def append(self, changes: Sequence[Change], contract: int = CONTRACT) -> None:
        asyncio.run(self._append(changes, contract))

    async def _append(self, changes: Sequence[Change], contract: int) -> None:
        appender = Appender(self.storage, lambda position: None)
        first = JournalReader(self.storage).last_position()
        made = [
            Submission(
                contract, 1, "dpmptsp", b"%d %d" % (contract, first + number), key, None,
                json.dumps({"data": {"isi": number} if has_data else None}),
            )
            for number, (key, has_data) in enumerate(changes)
        ]  # fmt: skip
        await appender.append(made)
        await appender.close()

    def walk(self, until: int, contract: int = CONTRACT) -> int:
        """Delete what goes up to a position; how many steps that takes."""
        reached = self.retention.begin_walk(contract, until)
        steps, held, is_last = 0, None, reached >= until
        while not is_last:
            reached, _, waiting, is_last = self.retention.take_step(contract, reached, until)
            held = waiting if held is None else held
            steps += 1
        self.retention.end_walk(contract, max(reached, until) if held is None else held - 1)
        return steps

    def positions(self, table: sa.Table = JOURNAL) -> list[int]:
        with self.storage.read() as transaction:
            return [row[0] for row in transaction.rows(sa.select(table.c.position).order_by(table.c.position))]

    def links(self) -> dict[int, int]:
        with self.storage.read() as transaction:
            return dict(row for row in transaction.rows(sa.select(PRECEDING.c.position, PRECEDING.c.preceding)))

    def horizon(self, contract: int = CONTRACT) -> Horizon:
        with self.storage.read() as transaction:
            return read_horizon(transaction, contract)._replace(end=0)

    def state_at(self, head: int) -> list[int]:
        state = JournalReader(self.storage).records(CONTRACT, head)
        return [entry.position for entry in state.read(0, 1000).entries]


@pytest.fixture
def site(storage: Storage) -> Site:
    return Site(storage)


def successors(changes: Sequence[Change]) -> dict[int, int]:
    """Each event of a record that another one replaced, and that other one, by position."""
    found: dict[int, int] = {}
    last: dict[str, int] = {}
    for position, (key, _) in enumerate(changes, 1):
        if key is not None:
            if key in last:
                found[last[key]] = position
            last[key] = position
    return found


def expect_left(changes: Sequence[Change], until: int, held: Collection[int]) -> set[int]:
    """The rule, in other words than the code's: what stays, stays for one of these reasons."""
    behind = successors(changes)
    left = {position for position in range(1, len(changes) + 1) if position > until or position in held}
    left.add(len(changes))
    left |= {position for position, later in behind.items() if later > until}
    for position, (key, has_data) in enumerate(changes, 1):
        if key is not None and position not in behind:
            earlier = any(one in left for one in range(1, position) if changes[one - 1][0] == key)
            if has_data or earlier:
                left.add(position)
    return left


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, data=st.data())
def test_what_goes_and_what_stays(
    site: Site, monkeypatch: pytest.MonkeyPatch, changes: list[Change], data: st.DataObject
):
    monkeypatch.setattr(retention, "STEP", data.draw(st.sampled_from([1, 2, 200])))
    site.empty()
    site.append(changes)
    everything = site.positions()
    Projection(site.storage).reach_end()
    states = {head: site.state_at(head) for head in everything}
    until = 0
    for _ in range(3):
        until = data.draw(st.integers(until, len(changes)))
        site.held = data.draw(st.sets(st.sampled_from(everything), max_size=3))
        before = set(site.positions())
        site.walk(until)
        left = site.positions()
        # What is held only now may have gone earlier. Nothing that is held goes.
        assert site.held & before <= set(left)
        whole = site.horizon().whole
        assert [one for one in everything if one > whole] == [one for one in left if one > whole]
        newest = {key: position for position, (key, _) in enumerate(changes, 1) if key is not None}
        assert {one for one in newest.values() if changes[one - 1][1]} <= set(left)
        for head in range(max(whole, 1), len(changes) + 1):
            deletions = {one for one in states[head] if not changes[one - 1][1] and one not in left}
            assert site.state_at(head) == [one for one in states[head] if one not in deletions]
            assert all(one <= site.horizon().deletions for one in deletions)
        assert site.positions(RECORDS) == [one for one in sorted(newest.values()) if one in left]
        assert_links_join_what_is_left(site, changes, left)
    site.held = set()
    site.walk(until)
    assert set(site.positions()) == expect_left(changes, until, ())


def assert_links_join_what_is_left(site: Site, changes: Sequence[Change], left: Sequence[int]) -> None:
    expected: dict[int, int] = {}
    last: dict[str, int] = {}
    for position in left:
        key = changes[position - 1][0]
        if key is not None:
            if key in last:
                expected[position] = last[key]
            last[key] = position
    assert site.links() == expected


def test_nothing_of_other_contracts_goes(site: Site):
    site.append([("a", True), ("a", True)], OTHER)
    site.append([(None, True), (None, True)])
    site.walk(4)
    assert site.positions() == [1, 2, 4]
    assert (site.horizon(), site.horizon(OTHER)) == (Horizon(3, 0), Horizon(0, 0))


def test_a_contract_of_which_nothing_goes_has_no_horizon(site: Site):
    site.append([("a", True), ("b", True), ("c", True)])
    site.walk(3)
    assert site.horizon() == Horizon(0, 0)


def test_positions_are_never_given_twice_though_the_newest_event_is_old(site: Site):
    site.append([(None, True), ("a", True), ("a", False)])
    site.walk(3)
    site.append([(None, True)])
    assert site.positions() == [3, 4]
    site.walk(4)
    assert site.positions() == [4]


def test_what_is_held_stays_linked_past_several_events_that_went(site: Site):
    site.append([*[("a", True)] * 4, ("b", True)])
    site.held = {1}
    site.walk(5)
    assert (site.positions(), site.links()) == ([1, 4, 5], {4: 1})
    site.held = set()
    site.walk(5)
    assert (site.positions(), site.links()) == ([4, 5], {})


def test_a_key_that_comes_back_after_its_deletion_went(site: Site):
    site.append([("a", True), ("a", False), ("b", True)])
    site.walk(3)
    assert site.positions() == [3]
    site.append([("a", True), ("a", True)])
    Projection(site.storage).reach_end()
    assert site.state_at(5) == [3, 5]
    assert site.links() == {5: 4}


def test_a_step_looks_at_a_bounded_number_of_events_and_bytes(site: Site, monkeypatch: pytest.MonkeyPatch):
    site.append([(None, True)] * (2 * retention.STEP + 1))
    assert site.walk(2 * retention.STEP) == 3
    site.empty()
    site.append([(None, True)] * 9)
    monkeypatch.setattr("bus.journal.statements.MOST_BYTES", 1)
    assert site.walk(8) == 8


class Killed(BaseException):
    """The process ends."""


@pytest.mark.parametrize("statement", ["_DELETE_LINKS", "_DELETE_RECORDS", "_NOTE"])
def test_a_kill_in_the_middle_of_a_step_leaves_all_or_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, statement: str
):
    site.append([("a", True), ("a", False), (None, True), ("b", True)])
    before = site.positions()

    execute = Transaction.execute

    def die(self: Transaction, asked: object, *given: object) -> int:
        if asked is getattr(retention, statement):
            raise Killed
        return execute(self, asked, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "execute", die)
        with pytest.raises(Killed):
            site.walk(4)
    assert (site.positions(), site.horizon()) == (before, Horizon(0, 0))
    site.walk(4)
    assert (site.positions(), site.horizon()) == ([4], Horizon(3, 2))


def test_an_event_that_a_writer_replaces_meanwhile(site: Site):
    """Between the look and the lock, a deletion stops being its record's newest event."""
    site.append([("a", True), ("a", False), ("b", True)])
    looked = []

    def find_held(transaction: Transaction, positions: Sequence[int]) -> Collection[int]:
        if not looked:
            looked.append(True)
            site.append([("a", True)])
            Projection(site.storage).reach_end()
        return ()

    walk = Retention(site.storage, find_held)
    assert walk.take_step(CONTRACT, walk.begin_walk(CONTRACT, 3), 3).deleted == 1
    assert site.positions() == [2, 3, 4]
    assert site.state_at(4) == [3, 4]
