"""Subscriptions in the database, on SQLite and PostgreSQL: made, found, changed, ended."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bus import clock
from bus.actions import ActionLog, Verb, Wanted
from bus.delivery.replays import advance_replay, end_replay, go_live
from bus.delivery.signing_secrets import ROTATION_SECONDS
from bus.delivery.subscription import AgencySink, Subscription, SubscriptionState, SubscriptionUnknown, Webhook
from bus.delivery.subscriptions import ReplayUnderWay, Subscriptions
from bus.delivery.tables import SUBSCRIPTIONS
from bus.identity.keys import Keys
from bus.storage import Changes, Storage
from tests.an_actor import OPERATOR
from tests.builders import a_new_subscription

HOOK = Webhook("https://pajak.example/hook")


@pytest.fixture
def subscriptions(storage: Storage, bus_keys: Keys) -> Subscriptions:
    return Subscriptions(storage, bus_keys)


def test_what_was_ordered_is_read_back(subscriptions: Subscriptions):
    made = subscriptions.add(a_new_subscription(filters=[{"exact": {"type": "x"}}], after=7), OPERATOR)
    read = subscriptions.get(made.id, "bapenda")
    assert read == made
    assert (read.sink, read.filters, read.replay_position) == (HOOK, ({"exact": {"type": "x"}},), 7)
    assert (read.state, read.from_position) == (SubscriptionState.ACTIVE, None)


def test_an_agencys_sink_is_read_back(subscriptions: Subscriptions):
    sink = AgencySink("kemendagri", "data-balikan")
    assert subscriptions.get(subscriptions.add(a_new_subscription(sink=sink), OPERATOR).id, None).sink == sink


def test_secrets_rest_encrypted(subscriptions: Subscriptions, storage: Storage):
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    with storage.read() as transaction:
        stored = transaction.value(sa.select(SUBSCRIPTIONS.c.secrets))
    assert made.secrets[0].startswith("whsec_")
    assert made.secrets[0].removeprefix("whsec_") not in stored


def test_somebody_elses_subscription_is_not_found(subscriptions: Subscriptions):
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    with pytest.raises(SubscriptionUnknown):
        subscriptions.get(made.id, "dinkes")


def test_each_sees_its_own_and_the_operator_all_oldest_first(subscriptions: Subscriptions):
    made = [subscriptions.add(a_new_subscription(who), OPERATOR) for who in ("dinkes", "bapenda", "dinkes")]
    assert subscriptions.listed("dinkes") == [made[0], made[2]]
    assert subscriptions.listed(None) == made


def test_a_subscription_that_is_to_be_there_once_is_made_once(subscriptions: Subscriptions, bus_keys: Keys):
    first = subscriptions.add(a_new_subscription(), OPERATOR, id="sub_standing")
    again = subscriptions.add(a_new_subscription(), OPERATOR, id="sub_standing")
    assert again == first
    assert len(subscriptions.listed(None)) == 1


def test_processes_that_make_the_same_at_once_agree(storage: Storage, bus_keys: Keys):
    processes = [Subscriptions(storage, bus_keys) for _ in range(4)]
    made: list[Subscription] = []
    barrier = threading.Barrier(len(processes))

    def make(process: Subscriptions) -> None:
        barrier.wait(10)
        made.append(process.add(a_new_subscription(), OPERATOR, id="sub_standing"))

    threads = [threading.Thread(target=make, args=[process]) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len({(one.number, one.secrets) for one in made}) == 1


def test_the_first_changes_of_two_processes_do_not_collide(storage: Storage, bus_keys: Keys):
    processes = [Subscriptions(storage, bus_keys) for _ in range(4)]
    barrier = threading.Barrier(len(processes))

    def make(number: int) -> None:
        barrier.wait(10)
        processes[number].add(a_new_subscription(), OPERATOR, id=f"sub_{number}")

    threads = [threading.Thread(target=make, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.id for one in processes[0].listed(None)} == {"sub_0", "sub_1", "sub_2", "sub_3"}


def test_a_number_is_never_used_twice(subscriptions: Subscriptions):
    first = subscriptions.add(a_new_subscription(), OPERATOR)
    subscriptions.delete(first, OPERATOR)
    assert subscriptions.add(a_new_subscription(), OPERATOR).number > first.number


def test_sink_and_filters_are_changed_and_the_rest_stays(subscriptions: Subscriptions):
    made = subscriptions.add(a_new_subscription(filters=[{"exact": {"type": "x"}}]), OPERATOR)
    subscriptions.change(made, OPERATOR, sink=Webhook("https://pajak.example/new"))
    changed = subscriptions.get(made.id, None)
    assert (changed.sink, changed.filters, changed.secrets) == (
        Webhook("https://pajak.example/new"),
        made.filters,
        made.secrets,
    )


def test_a_rotated_secret_signs_beside_the_one_before(subscriptions: Subscriptions):
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    second = subscriptions.rotate_secret(made, OPERATOR)
    assert subscriptions.get(made.id, None).secrets == (second, *made.secrets)
    # By somebody who knows only the first: what is stored counts.
    third = subscriptions.rotate_secret(made, OPERATOR)
    assert subscriptions.get(made.id, None).secrets == (third, second, *made.secrets)


def test_secrets_that_are_rotated_at_once_all_sign(storage: Storage, bus_keys: Keys):
    made = Subscriptions(storage, bus_keys).add(a_new_subscription(), OPERATOR)
    with ThreadPoolExecutor(4) as processes:
        new = list(processes.map(lambda _: Subscriptions(storage, bus_keys).rotate_secret(made, OPERATOR), range(4)))
    assert set(Subscriptions(storage, bus_keys).get(made.id, None).secrets) == {*new, *made.secrets}


def test_a_disabled_subscription_says_why_and_is_resumed(subscriptions: Subscriptions):
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    assert subscriptions.disable(made, OPERATOR)
    disabled = subscriptions.get(made.id, None).state
    assert disabled is SubscriptionState.DISABLED
    assert "410" in (disabled.reason or "")
    subscriptions.set_state(made, SubscriptionState.ACTIVE, OPERATOR)
    resumed = subscriptions.get(made.id, None).state
    assert (resumed, resumed.reason) == (SubscriptionState.ACTIVE, None)


def test_another_sink_enables_a_disabled_subscription_and_the_same_one_does_not(subscriptions: Subscriptions):
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    subscriptions.disable(made, OPERATOR)
    for sink, state in [
        (HOOK, SubscriptionState.DISABLED),
        (Webhook("https://pajak.example/new"), SubscriptionState.ACTIVE),
    ]:
        subscriptions.change(subscriptions.get(made.id, None), OPERATOR, sink=sink)
        assert subscriptions.get(made.id, None).state is state


def test_a_paused_subscription_stays_paused_whatever_its_sink_becomes(subscriptions: Subscriptions):
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    subscriptions.set_state(made, SubscriptionState.PAUSED, OPERATOR)
    assert not subscriptions.disable(made, OPERATOR)
    subscriptions.change(subscriptions.get(made.id, None), OPERATOR, sink=Webhook("https://pajak.example/new"))
    assert subscriptions.get(made.id, None).state is SubscriptionState.PAUSED


def test_a_late_answer_of_the_sink_before_does_not_disable_the_present_one(subscriptions: Subscriptions):
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    subscriptions.change(made, OPERATOR, sink=Webhook("https://pajak.example/new"))
    assert not subscriptions.disable(made, OPERATOR)
    assert subscriptions.get(made.id, None).state is SubscriptionState.ACTIVE


def test_the_action_log_says_why_a_subscription_was_disabled_once(subscriptions: Subscriptions, storage: Storage):
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    assert [subscriptions.disable(made, OPERATOR) for _ in range(3)] == [True, False, False]
    wanted = Wanted(what=Verb.SUBSCRIPTION_DISABLE)
    (found,) = ActionLog(storage).search(wanted, None, 10, OPERATOR)
    assert (found.action.before, found.action.after) == ({"state": "active"}, {"state": "disabled"})
    assert "410" in str(found.action.details)


def test_a_paused_subscription_is_resumed(subscriptions: Subscriptions):
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    subscriptions.set_state(made, SubscriptionState.PAUSED, OPERATOR)
    assert subscriptions.get(made.id, None).state is SubscriptionState.PAUSED
    subscriptions.set_state(made, SubscriptionState.ACTIVE, OPERATOR)
    assert subscriptions.get(made.id, None).state is SubscriptionState.ACTIVE


def a_live_one(subscriptions: Subscriptions, storage: Storage) -> Subscription:
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    with storage.write() as transaction:
        go_live(transaction, made.number, 10)
    return subscriptions.get(made.id, None)


def test_the_relay_takes_a_subscription_up(subscriptions: Subscriptions, storage: Storage):
    live = a_live_one(subscriptions, storage)
    assert (live.from_position, live.replay_position) == (10, None)


def test_a_replay_begins_goes_on_and_ends(subscriptions: Subscriptions, storage: Storage):
    live = a_live_one(subscriptions, storage)
    subscriptions.replay(live, after=2, until=9, by=OPERATOR)
    with storage.write() as transaction:
        advance_replay(transaction, live.number, 5)
    running = subscriptions.get(live.id, None)
    assert (running.replay_position, running.replay_until, running.from_position) == (5, 9, 10)
    with storage.write() as transaction:
        end_replay(transaction, live.number)
    assert subscriptions.get(live.id, None) == live


def test_one_replay_at_a_time(subscriptions: Subscriptions, storage: Storage):
    live = a_live_one(subscriptions, storage)
    subscriptions.replay(live, after=2, until=9, by=OPERATOR)
    with pytest.raises(ReplayUnderWay):
        subscriptions.replay(live, after=0, until=9, by=OPERATOR)


def test_a_subscription_that_catches_up_is_not_replayed_beside(subscriptions: Subscriptions):
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    with pytest.raises(ReplayUnderWay):
        subscriptions.replay(made, after=0, until=9, by=OPERATOR)


def test_other_processes_notice_a_change(subscriptions: Subscriptions, storage: Storage, bus_keys: Keys):
    other = Subscriptions(storage, bus_keys)
    changes = Changes(storage)
    changes.on("subscriptions", other.refresh)
    changes.look()
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    changes.look()
    assert other.numbered(made.number) == made


def _another(storage: Storage, keys: Keys) -> Subscriptions:
    """The subscriptions as another process knows them."""
    other = Subscriptions(storage, keys)
    other.refresh()
    return other


def test_what_did_not_change_is_the_same_object_after_a_refresh(
    subscriptions: Subscriptions, storage: Storage, bus_keys: Keys
):
    made = [subscriptions.add(a_new_subscription(), OPERATOR) for _ in range(3)]
    other = _another(storage, bus_keys)
    before = other.all()
    other.refresh()
    assert other.all() is before
    subscriptions.set_state(made[1], SubscriptionState.PAUSED, OPERATOR)
    other.refresh()
    after = other.all()
    assert [one is was for one, was in zip(after, before, strict=True)] == [True, False, True]
    assert after[1].state is SubscriptionState.PAUSED


def test_each_kind_of_change_is_seen_by_another_process(subscriptions: Subscriptions, storage: Storage, bus_keys: Keys):
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    other = _another(storage, bus_keys)
    changes: list[Any] = [
        lambda: subscriptions.set_state(made, SubscriptionState.PAUSED, OPERATOR),
        lambda: subscriptions.change(made, OPERATOR, sink=Webhook("https://pajak.example/other")),
        lambda: subscriptions.change(made, OPERATOR, filters=[{"exact": {"type": "x"}}]),
        lambda: subscriptions.rotate_secret(made, OPERATOR),
        lambda: subscriptions.set_state(made, SubscriptionState.ACTIVE, OPERATOR),
        lambda: subscriptions.disable(subscriptions.get(made.id, None), OPERATOR),
        lambda: _in_transaction(storage, go_live, made.number, 5),
        lambda: subscriptions.replay(made, 1, 4, OPERATOR),
        lambda: _in_transaction(storage, advance_replay, made.number, 2),
        lambda: _in_transaction(storage, end_replay, made.number),
        lambda: subscriptions.add(a_new_subscription(), OPERATOR),
        lambda: subscriptions.delete(made, OPERATOR),
    ]
    for change in changes:
        change()
        other.refresh()
        assert list(other.all()) == list(_another(storage, bus_keys).all())


def test_a_subscription_made_and_one_deleted_between_two_looks_are_both_seen(
    subscriptions: Subscriptions, storage: Storage, bus_keys: Keys
):
    gone = subscriptions.add(a_new_subscription(), OPERATOR)
    other = _another(storage, bus_keys)
    subscriptions.delete(gone, OPERATOR)
    new = subscriptions.add(a_new_subscription(), OPERATOR)
    other.refresh()
    assert [one.id for one in other.all()] == [new.id]
    assert other.numbered(gone.number) is None


def test_a_secret_that_expired_signs_no_more_after_a_refresh(storage: Storage, bus_keys: Keys):
    now = clock.now()
    subscriptions = Subscriptions(storage, bus_keys, lambda: now)
    made = subscriptions.add(a_new_subscription(), OPERATOR)
    subscriptions.rotate_secret(made, OPERATOR)
    assert len(subscriptions.get(made.id, None).secrets) == 2
    now += timedelta(seconds=ROTATION_SECONDS + 1)
    assert len(subscriptions.get(made.id, None).secrets) == 1


def test_a_refresh_reads_what_changed_alone(subscriptions: Subscriptions, storage: Storage, bus_keys: Keys):
    for _ in range(30):
        subscriptions.add(a_new_subscription(), OPERATOR)
    other = _another(storage, bus_keys)
    subscriptions.set_state(subscriptions.all()[3], SubscriptionState.PAUSED, OPERATOR)
    read: list[int] = []
    with noting_rows(other, read):
        other.refresh()
    assert read == [subscriptions.all()[3].number]


@contextmanager
def noting_rows(subscriptions: Subscriptions, read: list[int]) -> Iterator[None]:
    """Note which rows are made into subscriptions while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        whole = subscriptions._subscription
        patch.setattr(subscriptions, "_subscription", lambda row: (read.append(row.number), whole(row))[1])
        yield


def _in_transaction(storage: Storage, change: Callable[..., None], *arguments: int) -> None:
    with storage.write() as transaction:
        change(transaction, *arguments)
