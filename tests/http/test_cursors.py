"""Cursors: what the bus gave is taken back, and nothing else is."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bus.http.cursors import (
    LAST_EVENT_ID,
    CursorInvalid,
    FeedPlace,
    Listing,
    Place,
    read_feed_place,
    read_name,
    read_numbers,
    read_place,
    read_position,
    write_feed_place,
    write_next_name,
    write_next_numbers,
    write_place,
    write_position,
)

LISTINGS = st.sampled_from(Listing)
CONTRACTS = st.from_regex(r"[a-z][a-z0-9.-]{0,40}", fullmatch=True)
NAMES = st.from_regex(r"[a-z][a-z0-9.-]{0,40}", fullmatch=True)
POSITIONS = st.integers(0, 2**63 - 1)


@given(LISTINGS, CONTRACTS, POSITIONS)
def test_a_cursor_comes_back_as_its_position(listing: Listing, contract: str, position: int):
    assert read_position(write_position(listing, contract, position), listing, contract) == position


@given(LISTINGS, CONTRACTS, POSITIONS)
def test_a_cursor_stands_in_a_url_as_it_is(listing: Listing, contract: str, position: int):
    assert write_position(listing, contract, position).replace("-", "").replace("_", "").isalnum()


@given(LISTINGS, CONTRACTS, LISTINGS, CONTRACTS, POSITIONS)
def test_a_cursor_of_another_list_is_refused(
    listing: Listing, contract: str, other: Listing, another: str, position: int
):
    assume((listing, contract) != (other, another))
    with pytest.raises(CursorInvalid):
        read_position(write_position(listing, contract, position), other, another)


@given(st.text(min_size=1))
def test_garbage_is_refused(text: str):
    assert_refused(text)


@given(st.binary(min_size=1))
def test_encoded_garbage_is_refused(text: bytes):
    assert_refused(urlsafe_b64encode(text).decode())


@pytest.mark.parametrize("position", ["-1", "01", "+1", " 1", "1_0", "٣", "", str(2**63)])
def test_a_position_that_the_bus_does_not_write_is_refused(position: str):
    assert_refused(urlsafe_b64encode(f"f\0a\0{position}".encode()).decode().rstrip("="))


def test_padding_is_refused_as_another_spelling():
    assert_refused(write_position(Listing.FEED, "a", 10) + "=")


def test_no_cursor_is_the_beginning():
    assert read_position("", Listing.FEED, "a") == 0


def assert_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        read_position(cursor, Listing.FEED, "a")


@pytest.mark.parametrize(
    "place",
    [
        Place(0, 0),
        Place(7, 7),
        Place(7, 0),
        Place(10**12 - 1, 3),
        Place(7, 3, 9),
        Place(9, 9, 9),
        Place(9, 9, 0, 50_000),
        Place(7, 3, 9, 50_000),
    ],
)
def test_a_cursor_of_records_also_says_where_its_pass_began(place: Place):
    assert read_place(write_place("a.b", place), "a.b") == place


@pytest.mark.parametrize(
    "place", [FeedPlace(0), FeedPlace(7), FeedPlace(7, 9), FeedPlace(0, 9, 3), FeedPlace(7, 0, 50_000)]
)
def test_a_cursor_of_a_feed_also_says_what_its_reader_was_told(place: FeedPlace):
    assert read_feed_place(write_feed_place("a.b", place), "a.b") == place


@pytest.mark.parametrize("written", ["7.7", "7.3", "7.", ".7", "7.8.9", "07.8", "-1"])
def test_a_place_in_a_feed_that_the_bus_does_not_write_is_refused(written: str):
    cursor = urlsafe_b64encode(f"f\0a.b\0{written}".encode()).decode().rstrip("=")
    with pytest.raises(CursorInvalid):
        read_feed_place(cursor, "a.b")


@pytest.mark.parametrize("written", ["3.7", "7.7", "7.", ".7", "7.3.1", "07.3", "-1", "9999999999999999999.1"])
def test_a_place_that_the_bus_does_not_write_is_refused(written: str):
    cursor = urlsafe_b64encode(f"r\0a.b\0{written}".encode()).decode().rstrip("=")
    with pytest.raises(CursorInvalid):
        read_place(cursor, "a.b")


def test_a_pass_ends_with_its_last_page():
    assert Place(7, 3).after(9, is_last=False) == Place(9, 3)
    assert Place(7, 3).after(9, is_last=True) == Place(9, 9)


OLD_FEED, OLD_RECORDS, OLD_PASS = "ZgBhLmIANw", "cgBhLmIANw", "cgBhLmIANy4z"
"""Behind position 7 of `a.b`, as version 0.1 of the bus gave them; the pass began at 3."""


def test_a_consumer_goes_on_after_an_upgrade_with_the_cursor_that_it_holds():
    assert read_feed_place(OLD_FEED, "a.b") == FeedPlace(7)
    assert read_place(OLD_RECORDS, "a.b") == Place(7, 7)
    assert read_place(OLD_PASS, "a.b") == Place(7, 3)


def test_only_lists_whose_consumers_hold_old_cursors_take_them():
    old = urlsafe_b64encode(b"d\0\x007").decode().rstrip("=")
    with pytest.raises(CursorInvalid):
        read_position(old, Listing.DISCLOSURES, "")


@given(LISTINGS, CONTRACTS, POSITIONS, st.data())
def test_a_cut_cursor_does_not_lead_back_to_an_earlier_place(
    listing: Listing, contract: str, position: int, data: st.DataObject
):
    cursor = write_position(listing, contract, position)
    length = data.draw(st.integers(1, len(cursor) - 1))
    with pytest.raises(CursorInvalid):
        read_position(cursor[:length], listing, contract)


@given(NAMES)
def test_a_name_comes_back_from_its_cursor_and_from_no_cut_of_it(name: str):
    cursor = write_next_name(Listing.CLIENTS, "dinkes", [name, "z"], 1)
    assert cursor is not None
    assert read_name(cursor, Listing.CLIENTS, "dinkes") == name
    for length in range(1, len(cursor)):
        with pytest.raises(CursorInvalid):
            read_name(cursor[:length], Listing.CLIENTS, "dinkes")


@given(POSITIONS, POSITIONS)
def test_numbers_come_back_from_their_cursor(first: int, second: int):
    cursor = write_next_numbers(Listing.DELIVERIES, [(first, second), (0, 0)], 1)
    assert cursor is not None
    assert read_numbers(cursor, Listing.DELIVERIES, 2) == (first, second)


@pytest.mark.parametrize("written", ["7", "7.", ".7", "7.3.1", "07.3", "-1.3", f"{2**63}.1"])
def test_numbers_that_the_bus_does_not_write_are_refused(written: str):
    cursor = write_next_name(Listing.DELIVERIES, "", [written, "z"], 1)
    assert cursor is not None
    with pytest.raises(CursorInvalid):
        read_numbers(cursor, Listing.DELIVERIES, 2)


def test_a_refused_cursor_names_its_parameter():
    with pytest.raises(CursorInvalid) as refused:
        read_position("!!!!", Listing.FEED, "a.b", LAST_EVENT_ID)
    assert [error.pointer for error in refused.value.errors] == ["/header/last-event-id"]
