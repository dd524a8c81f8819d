"""Links: who sends to whom and whether it arrives, from counts and from how subscriptions stand."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bus.console.links import Chosen, Health, list_links
from bus.delivery import Health as SinkHealth
from bus.delivery import SubscriptionState
from bus.rollups import Counts, Flow
from bus.status import SubscriberState
from tests.builders import WARGA, a_subscription

ALL = Chosen()
FLOW = Flow(WARGA, "dukcapil", "bapenda")
SINCE = datetime(2026, 8, 28, tzinfo=UTC)


def a_state(participant: str = "bapenda", *, failing: bool = False, dead: int = 0, state: str = "active"):
    subscription = replace(
        a_subscription(participant, number=1, id=f"sub_{participant}"),
        contracts=[WARGA],
        state=SubscriptionState(state),
    )
    health = SinkHealth(failing_since=SINCE if failing else None)
    return SubscriberState(subscription, 0, dead, None, health)


@pytest.mark.parametrize(
    ("counts", "health"),
    [
        (Counts(delivered=5), Health.GOOD),
        (Counts(delivered=5, failed=1), Health.WARN),
        (Counts(failed=1), Health.BAD),
        (Counts(delivered=5, dead=1), Health.BAD),
    ],
)
def test_a_day_that_is_over_is_judged_by_its_counts(counts: Counts, health: Health):
    (link,) = list_links({FLOW: counts}, (), {}, ALL)
    assert (link.sender, link.receiver, link.health, link.contracts) == ("dukcapil", "bapenda", health, {WARGA})


@pytest.mark.parametrize(
    ("state", "health"),
    [
        (a_state(), Health.GOOD),
        (a_state(failing=True), Health.BAD),
        (a_state(dead=1), Health.WARN),
        (a_state(state="paused"), Health.IDLE),
        (a_state(state="disabled"), Health.BAD),
    ],
)
def test_the_present_is_judged_by_how_subscriptions_stand(state: SubscriberState, health: Health):
    (link,) = list_links({FLOW: Counts(delivered=9, failed=3)}, [state], {}, ALL)
    assert (link.health, link.counts.delivered, link.subscriptions) == (health, 9, ["sub_bapenda"])


def test_the_worst_of_two_subscriptions_decides():
    states = [a_state(failing=True), a_state()]
    for order in (states, states[::-1]):
        (link,) = list_links({FLOW: Counts(delivered=9)}, order, {}, ALL)
        assert link.health is Health.BAD


def test_a_subscription_that_got_nothing_yet_is_a_link_from_who_sent_last():
    (link,) = list_links({}, [a_state("dinkes")], {WARGA: "dukcapil"}, ALL)
    assert (link.sender, link.receiver, link.counts) == ("dukcapil", "dinkes", Counts())
    assert list_links({}, [a_state("dinkes")], {}, ALL) == []


def test_those_where_data_do_not_arrive_come_first():
    flows = {Flow(WARGA, "dukcapil", name): Counts(delivered=count) for name, count in (("a", 9), ("b", 90), ("c", 1))}
    flows[Flow(WARGA, "dukcapil", "c")] = Counts(dead=1)
    assert [one.receiver for one in list_links(flows, (), {}, ALL)] == ["c", "b", "a"]


def test_a_filter_holds_for_counts_and_for_subscriptions():
    flows = {FLOW: Counts(delivered=1), Flow("lain.lain", "dpmptsp", "dinkes"): Counts(delivered=1)}
    states = [a_state("desa")]
    senders = {WARGA: "dukcapil"}
    by_office = list_links(flows, states, senders, Chosen(office="dinkes"))
    assert [(one.sender, one.receiver) for one in by_office] == [("dpmptsp", "dinkes")]
    by_contract = list_links(flows, states, senders, Chosen(contract=WARGA))
    assert {one.receiver for one in by_contract} == {"bapenda", "desa"}


def test_events_on_their_way_into_the_bus_and_deleted_ones_are_no_link():
    assert (
        list_links({Flow(WARGA, "dukcapil"): Counts(published=1), Flow("", "", "x"): Counts(dead=1)}, (), {}, ALL) == []
    )


def test_pulled_data_are_a_link_from_who_sent_last():
    (link,) = list_links({Flow(WARGA, "", "kemendagri"): Counts(pulled=7)}, (), {WARGA: "dukcapil"}, ALL)
    assert (link.sender, link.receiver, link.events, link.health) == ("dukcapil", "kemendagri", 7, Health.GOOD)
