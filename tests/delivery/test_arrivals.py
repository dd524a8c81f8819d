"""Who waits for the queues of this process is woken by what is put into them."""

import threading

from bus.delivery.broker import Arrivals


def test_what_came_before_somebody_waits_is_not_waited_for():
    arrivals = Arrivals()
    arrivals.tell()
    assert arrivals.beyond(0, seconds=60) == 1


def test_who_waits_is_woken():
    arrivals, woken = Arrivals(), list[int]()
    waiting = threading.Thread(target=lambda: woken.append(arrivals.beyond(0, seconds=60)))
    waiting.start()
    arrivals.tell()
    waiting.join(30)
    assert woken == [1]


def test_nothing_comes_and_the_wait_ends():
    assert Arrivals().beyond(0, seconds=0.01) == 0
