"""The tally: counts by kind, and what it does when there are too many kinds."""

from bus.refusals.refusal import MORE, Refusal
from bus.refusals.tally import Count, Tally
from tests.builders import a_refusal

HOUR = 3_600_000_000


def test_the_same_refusal_adds_up() -> None:
    tally = Tally()
    tally.count([a_refusal()], 5)
    tally.count([a_refusal()], 3)
    assert tally.take() == {a_refusal(): Count(2, 2, 3, 5)}


def test_an_event_that_breaks_two_rules_is_one_event() -> None:
    tally = Tally()
    tally.count([a_refusal("/data/nik"), a_refusal("/data/nama")], 1)
    taken = tally.take().values()
    assert (sum(one.count for one in taken), sum(one.events for one in taken)) == (2, 1)


def test_what_was_taken_is_not_taken_again() -> None:
    tally = Tally()
    tally.count([a_refusal()], 1)
    tally.take()
    assert tally.take() == {}


def test_what_could_not_be_written_is_taken_again_with_what_came_since() -> None:
    tally = Tally()
    tally.count([a_refusal()], 1)
    taken = tally.take()
    tally.count([a_refusal()], 2)
    tally.put_back(taken)
    assert tally.take() == {a_refusal(): Count(2, 2, 1, 2)}


def test_a_client_with_too_many_kinds_is_counted_without_their_places() -> None:
    tally = Tally()
    for number in range(1000):
        tally.count([a_refusal(f"/data/{number}")], 1)
    taken = tally.take()
    assert len(taken) == 101
    assert taken[a_refusal(MORE, rule=MORE)].events == 900


def test_one_client_does_not_crowd_out_another() -> None:
    tally = Tally()
    for number in range(1000):
        tally.count([a_refusal(f"/data/{number}")], 1)
    tally.count([a_refusal(client_id="client_2")], 1)
    assert tally.take()[a_refusal(client_id="client_2")].count == 1


def test_the_bound_holds_over_a_whole_hour_however_often_it_is_taken() -> None:
    tally = Tally()
    rows: set[Refusal] = set()
    for number in range(3000):
        tally.count([a_refusal(f"/data/{number}", contract=f"uji.c{number}", client_id=f"client_{number % 50}")], 1)
        rows |= tally.take().keys()
    assert len(rows) == 501


def test_a_new_hour_has_room_again() -> None:
    tally = Tally()
    for number in range(1000):
        tally.count([a_refusal(f"/data/{number}")], 1)
    later = a_refusal("/data/baru", hour=2 * HOUR)
    tally.count([later], 2 * HOUR)
    assert later in tally.take()


def test_no_event_is_lost_in_the_folding() -> None:
    tally = Tally()
    for number in range(3000):
        tally.count([a_refusal(f"/data/{number}", client_id=f"client_{number % 50}")], 1)
    assert sum(one.events for one in tally.take().values()) == 3000


def test_what_waits_for_a_database_that_is_away_stays_small() -> None:
    tally = Tally()
    for hour in range(1, 200):
        for number in range(100):
            tally.count([a_refusal(f"/data/{number}", hour=hour * HOUR)], 1)
        tally.put_back(tally.take())
    assert len(tally.take()) < 6_000
