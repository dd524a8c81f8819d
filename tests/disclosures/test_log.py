"""The log may say too much, never too little: what is counted, what is shared and what is taken out again."""

import pytest

from bus.disclosures import Channel, Disclosure, DisclosureLog, Found, Noted, Wanted
from bus.journal import Persons
from bus.storage import Storage


def a_disclosure(*positions: int, **changes: str) -> Disclosure:
    given = {"participant": "dinkes", "version": "1.0.0", "purpose": "uji", "legal_basis": "PKS"} | changes
    return Disclosure(client_id=None, channel=Channel.WEBHOOK, contract_id=1, fields=[""], positions=positions, **given)


@pytest.fixture
def log(storage: Storage) -> DisclosureLog:
    return DisclosureLog(storage, Persons(storage))


def rows(log: DisclosureLog) -> list[Found]:
    return log.search(Wanted(participant="dinkes"), None, 100)


def held(log: DisclosureLog) -> list[tuple[list[int], int, int]]:
    return sorted((one.positions, one.unsent, one.times) for one in rows(log))


def withdraw(storage: Storage, log: DisclosureLog, *noted: Noted) -> None:
    with storage.write() as transaction:
        log.withdraw(transaction, noted)


def test_runs_that_come_together_share_a_row_for_each_grant(log: DisclosureLog):
    log.announce([[a_disclosure(1, 2)], [a_disclosure(4), a_disclosure(3, purpose="lain")]])
    assert held(log) == [([1, 2, 4], 0, 1), ([3], 0, 1)]


def test_what_stayed_is_taken_out_of_a_shared_row_and_what_others_sent_is_not(storage: Storage, log: DisclosureLog):
    first, second = log.announce([[a_disclosure(1, 2)], [a_disclosure(3, 4)]])
    withdraw(storage, log, first[0]._replace(positions=frozenset({2})))
    withdraw(storage, log, second[0])
    assert held(log) == [([1], 3, 1)]


def test_an_event_for_two_sinks_of_a_participant_is_in_two_rows(storage: Storage, log: DisclosureLog):
    first, _ = log.announce([[a_disclosure(1, 2)], [a_disclosure(2, 3)]])
    withdraw(storage, log, *first)
    assert held(log) == [([], 2, 1), ([2, 3], 0, 1)]


def test_what_was_announced_twice_is_not_taken_out(storage: Storage, log: DisclosureLog):
    """One of the two may have been sent."""
    first, second = log.announce([[a_disclosure(1)], [a_disclosure(1)]])
    withdraw(storage, log, *first)
    withdraw(storage, log, *second)
    assert held(log) == [([1], 0, 2)]


def test_what_is_announced_again_after_all_of_it_stayed_is_as_new(storage: Storage, log: DisclosureLog):
    for _ in range(3):
        ((noted,),) = log.announce([[a_disclosure(1)]])
        withdraw(storage, log, noted)
    log.announce([[a_disclosure(1)]])
    assert held(log) == [([1], 0, 1)]


def test_what_is_announced_again_after_a_part_of_it_was_sent_is_never_taken_out(storage: Storage, log: DisclosureLog):
    ((noted,),) = log.announce([[a_disclosure(1, 2)]])
    withdraw(storage, log, noted._replace(positions=frozenset({2})))
    ((again,),) = log.announce([[a_disclosure(1, 2)]])
    withdraw(storage, log, again)
    assert held(log) == [([1, 2], 0, 2)]


@pytest.mark.parametrize("name", ["participant", "version", "purpose", "legal_basis"])
def test_what_differs_in_anything_is_another_disclosure(log: DisclosureLog, name: str):
    log.record([a_disclosure(1), a_disclosure(1, **{name: "dinkes2"}), a_disclosure(2)])
    assert len(log.search(Wanted(participant="dinkes2" if name == "participant" else "dinkes"), None, 9)) in (1, 3)
    assert len(rows(log)) == (2 if name == "participant" else 3)


def test_the_same_is_counted_with_its_first_and_last_time(log: DisclosureLog):
    for _ in range(4):
        log.record([a_disclosure(1, 2)])
    (found,) = rows(log)
    assert found.times == 4
    assert found.at < found.last_at
