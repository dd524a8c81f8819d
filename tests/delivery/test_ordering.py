"""Which deliveries of an ordered subscription may go: the plan, and how it is cut into runs."""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bus.delivery.ordering import PARKED, ChainLink, Plan, cut_runs, make_chains_of_new, make_order_key, plan

NOW = 1000
LATER = NOW + 1


def owed(position: int, due_at: int = NOW, *, dead: bool = False) -> ChainLink:
    return ChainLink(position, due_at, dead)


def a_plan(*chain: ChainLink, room: int = 100) -> Plan:
    """The plan for what is due of one chain."""
    due = {one.position: 7 for one in chain if not one.dead and one.due_at <= NOW}
    return plan(due, {7: chain}, NOW, room)


def test_a_chain_goes_as_one_in_its_order():
    assert a_plan(owed(1), owed(2), owed(3)) == Plan(((1, 2, 3),), ())


def test_those_parked_behind_a_head_that_goes_go_along():
    assert a_plan(owed(1), owed(2, PARKED)) == Plan(((1, 2),), ())


def test_what_is_due_behind_a_head_in_flight_is_parked():
    assert a_plan(owed(1, LATER), owed(2), owed(3)) == Plan((), (2, 3))


def test_what_is_due_behind_a_dead_head_is_parked():
    assert a_plan(owed(1, dead=True), owed(2)) == Plan((), (2,))


def test_a_chain_goes_up_to_what_is_dead_in_it():
    assert a_plan(owed(1), owed(2, dead=True), owed(3)) == Plan(((1,),), (3,))


def test_what_has_no_room_beside_its_head_is_parked():
    assert a_plan(owed(1), owed(2), owed(3), room=2) == Plan(((1, 2),), (3,))


def test_a_head_without_room_stays_due():
    assert plan({1: None, 2: 7}, {7: [owed(2)]}, NOW, room=1) == Plan(((1,),), (), left=True)


def test_what_has_no_key_goes_by_itself():
    assert plan({1: None, 2: None}, {}, NOW, room=9) == Plan(((1,), (2,)), ())


def a_plan_of_new(new: dict[int, int | None], owed: Collection[int] = (), room: int = 9, longest: int = 9) -> Plan:
    return plan(new, make_chains_of_new(new, owed, NOW, longest), NOW, room)


def test_new_deliveries_of_one_key_go_as_one_chain():
    assert a_plan_of_new({1: 7, 2: 8, 3: 7}) == Plan(((1, 3), (2,)), ())


def test_a_new_delivery_waits_behind_what_is_owed_for_its_key():
    assert a_plan_of_new({1: 7, 2: None}, owed={7}) == Plan(((2,),), (1,))


def test_what_is_too_much_for_a_new_chain_waits_behind_it():
    assert a_plan_of_new({1: 7, 2: 7, 3: 7}, longest=2) == Plan(((1, 2),), (3,))


def test_new_deliveries_without_room_are_left_due():
    assert a_plan_of_new({1: 7, 2: 8, 3: None, 4: 8, 5: 7}, room=1) == Plan(((3,),), (), left=True)


def test_new_deliveries_without_a_key_are_left_due_where_there_is_no_room():
    assert a_plan_of_new({1: None, 2: None}, room=1) == Plan(((1,),), (), left=True)


def test_a_chain_is_never_cut_in_two_by_the_size_of_a_run():
    assert cut_runs([(1, 2), (3, 4), (5,)], most=3) == [[1, 2], [3, 4, 5]]


def test_keys_are_told_apart_by_value_and_kind():
    assert len({make_order_key(value) for value in ("1", 1, None, "a")}) == 4
    assert make_order_key("3524010101909001") == make_order_key("3524010101909001")


Chains = dict[int, list[ChainLink]]
times = st.sampled_from([NOW - 5, NOW, LATER, PARKED])


@st.composite
def chains(draw: st.DrawFn) -> Chains:
    """Chains of up to four keys in any state: due, in flight, in backoff, parked, dead."""
    made: Chains = {}
    for position in range(1, draw(st.integers(1, 24)) + 1):
        one = ChainLink(position, draw(times), draw(st.integers(0, 5)) == 0)
        made.setdefault(draw(st.integers(0, 3)), []).append(one)
    return made


def due_of(made: Mapping[int, Sequence[ChainLink]]) -> dict[int, int | None]:
    return {one.position: key for key, chain in made.items() for one in chain if not one.dead and one.due_at <= NOW}


@given(chains(), st.integers(1, 30))
def test_a_later_delivery_of_a_key_never_goes_before_an_earlier_one(made: Chains, room: int):
    decided = plan(due_of(made), made, NOW, room)
    key_of = {one.position: key for key, chain in made.items() for one in chain}
    for going in decided.going:
        chain = [one.position for one in made[key_of[going[0]]]]
        assert list(going) == chain[: len(going)]
        assert all(one < other for one, other in pairwise(going))


@given(chains(), st.integers(1, 30))
def test_nothing_goes_twice_nor_beyond_the_room_nor_dead(made: Chains, room: int):
    decided = plan(due_of(made), made, NOW, room)
    going = [position for chain in decided.going for position in chain]
    dead = {one.position for chain in made.values() for one in chain if one.dead}
    assert len(going) == len(set(going)) <= room
    assert not dead & set(going)
    assert not set(decided.parked) & set(going)


@given(chains(), st.integers(1, 30))
def test_a_head_is_never_parked(made: Chains, room: int):
    heads = {chain[0].position for chain in made.values()}
    assert not heads & set(plan(due_of(made), made, NOW, room).parked)


@given(st.lists(st.integers(1, 5)), st.integers(1, 12))
def test_runs_hold_every_chain_whole_and_no_more_than_they_must(lengths: list[int], most: int):
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    made = [tuple(range(start, start + length)) for start, length in zip(starts, lengths, strict=True)]
    cut = cut_runs(made, most)
    assert [position for run in cut for position in run] == list(range(sum(lengths)))
    assert all(any(set(chain) <= set(run) for run in cut) for chain in made)
    assert all(len(run) <= max(most, *lengths) for run in cut)
