"""Places: who gets one, and who loses it for somebody else."""

from dataclasses import dataclass
from ipaddress import ip_network

import pytest

from bus.household import household
from bus.http.front_door.places import PlaceLimits, Places, Rank, Worth, most_connections


@dataclass(eq=False)
class AGuest:
    """A connection that is idle since some time, or busy (None)."""

    peer: str = "203.0.113.1"
    idle_since: tuple[Worth, float] | None = None
    is_out: bool = False

    def push_out(self) -> None:
        self.is_out = True


HALF, IDLE, KNOWN = Worth
LIMITS = PlaceLimits(most=4, most_each=2, reserve=1, operators=(ip_network("127.0.0.0/8"),))


def full(*guests: AGuest) -> Places:
    places = Places(LIMITS)
    for guest in guests:
        assert places.take(guest, is_proxy=False) is Rank.FULL
    return places


def test_who_has_sent_no_head_goes_before_who_is_idle_and_who_is_idle_before_who_is_busy():
    guests = [
        AGuest("203.0.113.1", (IDLE, 1.0)),
        AGuest("203.0.113.2", (HALF, 9.0)),
        AGuest("203.0.113.3", (IDLE, 2.0)),
        AGuest("203.0.113.4"),
    ]
    places = full(*guests)
    # The crowds are of the same size: that of the first address is the first to be asked.
    assert places.take(AGuest("203.0.113.5", (IDLE, 0.0)), is_proxy=False) is Rank.FULL
    assert sum(guest.is_out for guest in guests) == 1
    assert not guests[3].is_out


def test_a_crowd_pays_for_itself():
    crowd = [AGuest("203.0.113.1", (IDLE, 5.0)), AGuest("203.0.113.1", (HALF, 6.0))]
    others = [AGuest("203.0.113.2", (IDLE, 0.0)), AGuest("203.0.113.3", (IDLE, 0.0))]
    places = full(*crowd, *others)
    assert places.take(AGuest("203.0.113.4"), is_proxy=False) is Rank.FULL
    assert [guest.is_out for guest in (*crowd, *others)] == [False, True, False, False]


def test_a_crowd_of_known_clients_pays_for_no_stranger():
    office = [AGuest("203.0.113.1", (KNOWN, 0.0)), AGuest("203.0.113.1", (KNOWN, 0.0))]
    strangers = [AGuest("203.0.113.2", (HALF, 8.0)), AGuest("203.0.113.3", (HALF, 9.0))]
    places = full(*office, *strangers)
    for number in (4, 5):
        assert places.take(AGuest(f"203.0.113.{number}"), is_proxy=False) is Rank.FULL
    assert [guest.is_out for guest in (*office, *strangers)] == [False, False, True, True]


def test_known_clients_make_room_where_there_is_no_stranger():
    office = [AGuest("203.0.113.1", (KNOWN, 0.0)), AGuest("203.0.113.1", (KNOWN, 1.0))]
    places = full(*office, AGuest("203.0.113.2"), AGuest("203.0.113.3"))
    assert places.take(AGuest("203.0.113.4"), is_proxy=False) is Rank.FULL
    assert [guest.is_out for guest in office] == [True, False]


def test_one_address_has_its_share_unless_it_is_a_trusted_proxy():
    busy = [AGuest(), AGuest()]
    places = full(*busy)
    assert places.take(AGuest(), is_proxy=False) is Rank.RESERVE
    assert places.take(AGuest(), is_proxy=False) is None
    assert places.take(AGuest(), is_proxy=True) is Rank.FULL


def test_a_place_that_was_left_is_free():
    busy = [AGuest(), AGuest()]
    places = full(*busy)
    places.leave(busy[0])
    places.leave(busy[0])
    assert places.count == 1
    assert places.take(AGuest(), is_proxy=False) is Rank.FULL


@pytest.mark.parametrize(
    ("client", "path", "may"),
    [
        ("203.0.113.1", "/healthz", True),
        ("203.0.113.1", "/readyz", True),
        ("203.0.113.1", "/v1/events", False),
        ("127.0.0.1", "/v1/events", True),
    ],
)
def test_the_reserve_is_for_health_and_operators(client: str, path: str, may: bool):
    assert Places(LIMITS).may_ask(Rank.RESERVE, client, path) is may
    assert Places(LIMITS).may_ask(Rank.FULL, client, path)


def test_a_house_with_ipv6_is_one_client():
    assert household("2001:db8:1:2::1") == household("2001:db8:1:2:ffff::9") != household("2001:db8:1:3::1")
    assert household("::ffff:203.0.113.1") == household("203.0.113.1") != household("203.0.113.2")


@pytest.mark.parametrize(
    ("files", "wanted", "most"),
    [(1024, 0, 768), (1024, 5000, 768), (1024, 100, 100), (65_536, 0, 10_000), (65_536, 30_000, 30_000), (200, 0, 1)],
)
def test_files_are_left_for_everything_but_connections(files: int, wanted: int, most: int):
    assert most_connections(files, wanted) == most


def test_what_strangers_do_not_finish_has_a_quarter_of_the_places_and_the_oldest_goes():
    places = Places(PlaceLimits(most=12, most_each=12, reserve=1, operators=()))
    strangers = [AGuest(f"203.0.113.{number}") for number in range(6)]
    for guest in strangers:
        assert places.take(guest, is_proxy=False) is Rank.FULL
    for guest in strangers[:3]:
        places.mark_unfinished(guest)
    places.mark_finished(strangers[0])
    for guest in strangers[3:]:
        # The second time it stays as old as it was.
        places.mark_unfinished(strangers[2])
        places.mark_unfinished(guest)
    assert [guest.is_out for guest in strangers] == [False, True, True, False, False, False]
    assert places.count == 4


def test_when_places_run_out_what_a_stranger_began_first_goes_first():
    guests = [
        AGuest("203.0.113.1", (IDLE, 0.0)),
        AGuest("203.0.113.1", (IDLE, 0.0)),
        AGuest("203.0.113.2"),
        AGuest("203.0.113.3"),
    ]
    places = full(*guests[:3])
    places.mark_unfinished(guests[2])
    assert places.take(guests[3], is_proxy=False) is Rank.FULL
    assert places.take(AGuest("203.0.113.4"), is_proxy=False) is Rank.FULL
    assert [guest.is_out for guest in guests] == [False, False, True, False]


def test_who_left_is_not_pushed_out_again():
    places = Places(LIMITS)
    left, present = AGuest("203.0.113.1"), AGuest("203.0.113.2")
    for guest in (left, present):
        places.take(guest, is_proxy=False)
    places.mark_unfinished(left)
    places.leave(left)
    places.mark_unfinished(present)
    assert not left.is_out
    assert not present.is_out
