"""Wakeups: whoever listens hears what its process did, in order, and nobody has to listen."""

from bus.process import Wakeups


def test_all_who_listen_are_told_in_their_order():
    wakeups, told = Wakeups(), list[tuple[str, int]]()
    wakeups.appended.listen(lambda position: told.append(("first", position)))
    wakeups.appended.listen(lambda position: told.append(("second", position)))
    wakeups.appended(7)
    assert told == [("first", 7), ("second", 7)]


def test_a_signal_that_nobody_listens_to_is_harmless():
    Wakeups().changed()


def test_who_listens_to_one_thing_is_not_told_of_another():
    wakeups, told = Wakeups(), list[bool]()
    wakeups.finished.listen(told.append)
    wakeups.changed()
    wakeups.appended(1)
    assert told == []
    wakeups.finished(True)
    assert told == [True]


def test_a_signal_given_to_a_constructor_reaches_who_listens_later():
    wakeups, told = Wakeups(), list[int]()
    given = wakeups.appended
    wakeups.appended.listen(told.append)
    given(3)
    assert told == [3]
