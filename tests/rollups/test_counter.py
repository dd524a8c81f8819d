"""The counter: everything that is committed counts once, whoever counts and however often it is killed."""

from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bus import clock
from bus.delivery.state import DeliveryState
from bus.delivery.tables import RESULTS, SUBSCRIPTIONS
from bus.journal.tables import JOURNAL
from bus.rollups import Counts, Flow, Span, Wanted
from bus.rollups.counter import _Overtaken
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA
from tests.rollups.a_traffic import EVER, IN, NOON, ATraffic, later

DELIVERED, DEAD, PENDING = DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.PENDING


@pytest.fixture
def traffic(bus: Bus) -> ATraffic:
    return ATraffic(bus)


def test_accepted_events_count_in_the_minute_and_the_hour_in_which_they_came(traffic: ATraffic):
    traffic.accept(2)
    traffic.accept(3, later(1))
    traffic.accept(4, later(60))
    traffic.counter.catch_up()
    wanted = Wanted(*EVER)
    by_minute = traffic.traffic.sum_spans(Span.MINUTE, wanted)
    assert {at: one.published for at, one in by_minute.items()} == {NOON: 2, later(1): 3, later(60): 4}
    by_hour = traffic.traffic.sum_spans(Span.HOUR, wanted)
    assert {at: one.published for at, one in by_hour.items()} == {NOON: 5, later(60): 4}


def test_results_count_by_receiver_with_the_time_since_acceptance(traffic: ATraffic):
    positions = traffic.accept(4)
    traffic.owe(positions)
    traffic.end(positions[:2], DELIVERED, NOON + timedelta(seconds=3))
    traffic.end(positions[2:3], PENDING, failure="transient")
    traffic.end(positions[3:], DEAD, failure="permanent")
    traffic.counter.catch_up()
    counts = traffic.sums()
    assert counts == {IN: Counts(published=4), traffic.out: Counts(delivered=2, failed=1, dead=1, delay_ms=6000)}
    assert counts[traffic.out].mean_delay == 3.0


def test_what_was_not_tried_counts_for_nothing(traffic: ATraffic):
    positions = traffic.accept(2)
    traffic.owe(positions)
    traffic.end(positions[:1], PENDING)
    traffic.end(positions[1:], DeliveryState.DISCARDED)
    traffic.counter.catch_up()
    assert traffic.sums() == {IN: Counts(published=2)}


def test_an_event_that_is_delivered_twice_counts_once(traffic: ATraffic):
    positions = traffic.accept(2)
    traffic.owe(positions)
    traffic.end(positions[:1], DELIVERED)
    traffic.end(positions, DELIVERED, later(1))
    traffic.counter.catch_up()
    assert traffic.sums()[traffic.out].delivered == 2


def test_an_outcome_that_is_rolled_back_leaves_no_count(traffic: ATraffic):
    traffic.owe(traffic.accept(1))
    with suppress(ZeroDivisionError), traffic.storage.write() as transaction:
        transaction.execute(sa.insert(RESULTS).values(subscription=traffic.number, result=1, at=1, positions="[1]"))
        raise ZeroDivisionError
    traffic.counter.catch_up()
    assert traffic.sums() == {IN: Counts(published=1)}


def test_a_counter_that_starts_anew_counts_nothing_again(traffic: ATraffic):
    positions = traffic.accept(5)
    traffic.owe(positions)
    traffic.end(positions, DELIVERED)
    traffic.counter.catch_up()
    before = traffic.sums()
    traffic.another_counter().catch_up()
    assert traffic.sums() == before
    traffic.accept(1)
    traffic.another_counter().catch_up()
    assert traffic.sums()[IN].published == 6


def test_of_two_counters_that_read_the_same_only_one_writes(traffic: ATraffic):
    positions = traffic.accept(5)
    traffic.owe(positions)
    traffic.end(positions, DELIVERED)
    traffic.refuse(3, clock.now())
    first, second = traffic.counter, traffic.another_counter()
    now = clock.now_micros()
    read_by_first, read_by_second = first._read_step(now), second._read_step(now)
    first._write_step(read_by_first)
    with pytest.raises(_Overtaken):
        second._write_step(read_by_second)
    second.catch_up()
    assert traffic.sums() == {IN: Counts(published=5, refused=3), traffic.out: Counts(delivered=5)}


def test_a_step_that_breaks_off_counts_whole_later(traffic: ATraffic, monkeypatch: pytest.MonkeyPatch):
    positions = traffic.accept(3)
    traffic.owe(positions)
    traffic.end(positions, DELIVERED)
    with monkeypatch.context() as patch:
        patch.setattr("bus.rollups.counter.add_counts", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            traffic.counter.take_step()
    assert traffic.sums() == {}
    traffic.counter.catch_up()
    assert traffic.sums() == {IN: Counts(published=3), traffic.out: Counts(delivered=3)}


def test_refused_events_count_as_their_log_grows(traffic: ATraffic):
    now = clock.now()
    traffic.refuse(2, now)
    traffic.counter.catch_up()
    traffic.counter.catch_up()
    assert traffic.sums()[IN].refused == 2
    traffic.refuse(5, now)
    traffic.another_counter().catch_up()
    assert (traffic.sums()[IN].refused, traffic.sums(Span.MINUTE)[IN].refused) == (7, 7)


def test_a_delivery_whose_event_and_subscription_are_gone_still_counts(traffic: ATraffic):
    positions = traffic.accept(1)
    traffic.counter.catch_up()
    traffic.owe(positions)
    traffic.end(positions, DELIVERED)
    with traffic.storage.write() as transaction:
        transaction.execute(sa.delete(JOURNAL))
        transaction.execute(sa.delete(SUBSCRIPTIONS))
    traffic.counter.catch_up()
    assert traffic.sums()[Flow("", "", "")].delivered == 1


def test_a_long_stretch_of_deleted_events_is_passed(traffic: ATraffic, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bus.journal.counts._STEP", 2)
    traffic.accept(7)
    with traffic.storage.write() as transaction:
        transaction.execute(sa.delete(JOURNAL).where(JOURNAL.c.position < 7))
    for _ in range(10):
        traffic.counter.take_step()
    assert traffic.sums() == {IN: Counts(published=1)}


def test_notes_are_gone_once_they_are_counted(traffic: ATraffic):
    positions = traffic.accept(2)
    traffic.owe(positions)
    traffic.end(positions, DELIVERED)
    traffic.counter.catch_up()
    with traffic.storage.read() as transaction:
        assert transaction.value(sa.select(sa.func.count()).select_from(RESULTS)) == 0


def test_a_part_is_read_by_contract_participant_reader_and_page(traffic: ATraffic):
    positions = traffic.accept(1)
    traffic.owe(positions)
    traffic.end(positions, DELIVERED)
    traffic.accept(1, later(60))
    traffic.counter.catch_up()
    read, out = traffic.traffic, traffic.out
    assert set(read.sum_flows(Span.HOUR, Wanted(*EVER, reader="bapenda"))) == {out}
    assert set(read.sum_flows(Span.HOUR, Wanted(*EVER, participant=OWNER))) == {IN, out}
    assert set(read.sum_flows(Span.HOUR, Wanted(*EVER, participant="bapenda", reader="dinkes"))) == set()
    assert set(read.sum_flows(Span.HOUR, Wanted(*EVER, contract="lain.lain"))) == set()
    assert set(read.sum_flows(Span.HOUR, Wanted(NOON, later(60), contract=WARGA))) == {IN, out}
    whole = read.list(Span.HOUR, Wanted(*EVER), 10)
    assert [(one.begins_at, one.flow) for one in whole] == [(NOON, IN), (NOON, out), (later(60), IN)]
    paged = read.list(Span.HOUR, Wanted(*EVER), 2)
    paged += read.list(Span.HOUR, Wanted(*EVER), 2, (paged[-1].at, paged[-1].number))
    assert paged == whole
