"""The turn: relay and append never have it together, and neither waits long for the other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bus.delivery.turn import Turn
from tests.services.waiting import until


@pytest.fixture
def turn() -> Turn[str]:
    """The turn of a process that leads."""
    turn: Turn[str] = Turn()
    with turn.for_relay():
        turn.lead("leader")
    return turn


@contextmanager
def relay_at_work(turn: Turn[str]) -> Iterator[threading.Event]:
    """A relay that has the turn until it is told to end, or the block ends."""
    begun, ending = threading.Event(), threading.Event()

    def look() -> None:
        with turn.for_relay():
            begun.set()
            ending.wait(10)

    thread = threading.Thread(target=look)
    thread.start()
    assert begun.wait(10)
    try:
        yield ending
    finally:
        ending.set()
        thread.join(10)


def test_an_append_gets_the_leader(turn: Turn[str]):
    with turn.for_append() as leader:
        assert leader == "leader"


def test_an_append_gets_nothing_while_this_process_does_not_lead():
    turn: Turn[str] = Turn()
    with turn.for_append() as leader:
        assert leader is None
    with turn.for_relay():
        turn.lead("leader")
        turn.lead(None)
    with turn.for_append() as leader:
        assert leader is None


def test_an_append_goes_on_without_a_relay_that_is_at_work(turn: Turn[str]):
    with relay_at_work(turn), turn.for_append() as leader:
        assert leader is None


def test_an_append_does_not_wait_long_for_a_relay_at_its_end(turn: Turn[str]):
    with turn.for_relay():
        turn.reach_end(is_at_end=True)
    with relay_at_work(turn), turn.for_append() as leader:
        assert leader is None


def test_an_append_waits_for_a_relay_at_its_end_that_ends_its_look(turn: Turn[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bus.delivery.turn._APPEND_SECONDS", 10.0)
    with turn.for_relay():
        turn.reach_end(is_at_end=True)
    with relay_at_work(turn) as ending:
        threading.Timer(0.01, ending.set).start()
        with turn.for_append() as leader:
            assert leader == "leader"


def test_the_relay_waits_for_the_append_under_way_and_no_further_append_comes_before(turn: Turn[str]):
    had: list[str] = []

    def look() -> None:
        with turn.for_relay():
            had.append("relay")

    thread = threading.Thread(target=look)
    with turn.for_append():
        thread.start()
        until(lambda: turn.is_awaited, 10)
        with turn.for_append() as leader:
            assert leader is None
        had.append("append")
    thread.join(10)
    assert had == ["append", "relay"]


def test_after_an_error_of_the_relay_no_append_has_a_leader(turn: Turn[str]):
    with pytest.raises(LookupError), turn.for_relay():
        raise LookupError("a mistake of ours")
    with turn.for_append() as leader:
        assert leader is None


def test_an_error_of_an_append_gives_the_turn_back(turn: Turn[str]):
    with pytest.raises(LookupError), turn.for_append():
        raise LookupError("a mistake of ours")
    with turn.for_append() as leader:
        assert leader == "leader"
