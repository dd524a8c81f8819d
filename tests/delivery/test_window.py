"""A window follows what a sink takes, within bounds."""

from bus.delivery.window import Windows

LEAST = 1_000


class AClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_quick_sink_gets_a_window_of_what_it_takes_in_a_second():
    clock = AClock()
    windows = Windows(LEAST, clock)
    assert windows.find(1) == LEAST
    windows.note(1, 6_000)
    clock.now = 2.0
    assert windows.find(1) == 3_000


def test_no_sink_gets_more_than_the_bound():
    clock = AClock()
    windows = Windows(LEAST, clock)
    windows.note(1, 1_000_000)
    clock.now = 1.0
    assert windows.find(1) == 4 * LEAST


def test_a_sink_that_became_slow_has_the_least_window_again():
    clock = AClock()
    windows = Windows(LEAST, clock)
    windows.note(1, 4_000)
    clock.now = 1.0
    assert windows.find(1) == 4_000
    windows.note(1, 30)
    clock.now = 2.0
    assert windows.find(1) == LEAST


def test_a_quick_sink_widens_no_window_but_its_own():
    clock = AClock()
    windows = Windows(LEAST, clock)
    windows.note(1, 4_000)
    clock.now = 1.0
    assert (windows.find(2), windows.find(1)) == (LEAST, 4_000)
