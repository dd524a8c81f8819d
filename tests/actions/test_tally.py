"""Counting what was tried in vain: told at once, and a flood of it in few entries."""

from collections import Counter

from bus.actions.action import Object, Verb
from bus.actions.attempt import Attempt, make_failed_login, make_refused_act
from bus.actions.tally import Tally
from tests.an_actor import an_actor

MINUTE = 60_000_000


def a_refused_act(number: int = 1, client_id: str = "client_x") -> Attempt:
    on = Object("subscription", f"sub_{number}")
    return make_refused_act(Verb.SUBSCRIPTION_DELETE, an_actor("bapenda", client_id=client_id), on, "scope-missing")


def test_the_first_attempt_is_told_at_once():
    tally = Tally()
    tally.count(a_refused_act(), 0)
    assert tally.take(1) == {a_refused_act(): 1}
    assert tally.take(2) == {}


def test_repetitions_are_told_as_one_count_when_the_minute_is_over():
    tally = Tally()
    for _ in range(1000):
        tally.count(a_refused_act(), 10)
    assert tally.take(20) == {a_refused_act(): 1}
    assert tally.take(MINUTE) == {a_refused_act(): 999}


def test_repetitions_are_told_when_the_process_ends():
    tally = Tally()
    tally.count(a_refused_act(), 10)
    tally.count(a_refused_act(), 10)
    assert sum(tally.take(20, all=True).values()) == 2
    assert tally.take(MINUTE) == {}


def test_requests_that_differ_in_their_trace_alone_are_one_attempt():
    one, other = (
        make_refused_act(
            Verb.CLIENT_ADD, an_actor("bapenda", trace_id=trace), Object("client", "bapenda"), "scope-missing"
        )
        for trace in ("a" * 32, "b" * 32)
    )
    assert one == other


def test_a_client_that_varies_what_it_tries_makes_a_bounded_number_of_entries():
    tally = Tally()
    told: Counter[Attempt] = Counter()
    for number in range(10_000):
        tally.count(a_refused_act(number), 10)
        told.update(tally.take(10))
    told.update(tally.take(MINUTE))
    assert len(told) < 30
    assert sum(told.values()) == 10_000


def test_one_client_s_flood_leaves_another_its_entries():
    tally = Tally()
    for number in range(10_000):
        tally.count(a_refused_act(number), 10)
    tally.count(a_refused_act(1, "client_y"), 10)
    assert tally.take(20)[a_refused_act(1, "client_y")] == 1


def test_strangers_from_everywhere_make_a_bounded_number_of_entries_a_day():
    tally = Tally()
    entries = 0
    for minute in range(1440):
        for number in range(15):
            tally.count(make_failed_login(None, None, f"10.{minute % 250}.{number}.1"), minute * MINUTE)
        entries += len(tally.take(minute * MINUTE))
    assert entries < 6_000


def test_a_flood_of_strangers_leaves_a_known_client_its_entry():
    tally = Tally()
    for number in range(10_000):
        tally.count(make_failed_login(None, None, f"10.0.{number // 250}.{number % 250}"), 10)
    mine = make_failed_login("client_x", "bapenda", "10.1.2.3")
    tally.count(mine, 10)
    assert tally.take(20)[mine] == 1


def test_wrong_logins_under_a_client_s_id_hide_none_of_its_refused_acts():
    tally = Tally()
    for number in range(1000):
        tally.count(make_failed_login("client_x", "bapenda", f"10.0.{number // 250}.{number % 250}"), 10)
    acts = [a_refused_act(number) for number in range(3)]
    for act in acts:
        tally.count(act, 10)
    told = tally.take(20)
    assert [told[act] for act in acts] == [1, 1, 1]


def test_what_could_not_be_written_is_told_the_next_time():
    tally = Tally()
    tally.count(a_refused_act(), 10)
    tally.put_back(tally.take(20))
    assert tally.take(30) == {a_refused_act(): 1}


def test_a_database_that_is_long_away_does_not_let_memory_grow():
    tally = Tally()
    for minute in range(100):
        for client in range(100):
            tally.count(a_refused_act(minute, f"client_{client}"), minute * MINUTE)
        tally.put_back(tally.take(minute * MINUTE))
    assert len(tally.take(100 * MINUTE)) < 3_000


def test_an_address_of_ipv6_counts_as_its_network():
    addresses = ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9")
    assert len({make_failed_login(None, None, address) for address in addresses}) == 1
    assert make_failed_login(None, None, "::ffff:10.1.2.3").by.address == "10.1.2.3"
