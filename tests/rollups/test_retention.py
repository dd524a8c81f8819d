"""Retention of counts: old ones go, and nothing that is still kept."""

from datetime import timedelta

from bus.rollups import Span, Wanted
from bus.rollups.retention import KEPT_HOURS, KEPT_MINUTES, forget_some
from tests.a_bus import Bus
from tests.rollups.a_traffic import EVER, IN, NOON, ATraffic


def test_old_minutes_go_and_their_hours_stay(bus: Bus):
    traffic = ATraffic(bus)
    traffic.accept(1)
    traffic.accept(1, NOON + timedelta(minutes=KEPT_MINUTES))
    traffic.counter.catch_up()
    now = NOON + timedelta(minutes=KEPT_MINUTES + 1)
    while forget_some(traffic.storage, now):
        pass
    assert list(traffic.traffic.sum_spans(Span.MINUTE, Wanted(*EVER))) == [NOON + timedelta(minutes=KEPT_MINUTES)]
    assert traffic.sums()[IN].published == 2
    while forget_some(traffic.storage, NOON + timedelta(hours=KEPT_HOURS + 1)):
        pass
    assert list(traffic.traffic.sum_spans(Span.HOUR, Wanted(*EVER))) == [NOON + timedelta(minutes=KEPT_MINUTES)]
