"""Subscriptions over HTTP: a participant's standing orders; the operator sees and steers everybody's."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response

from bus import clock, limits
from bus.actions import Actor, Verb
from bus.delivery import (
    NewSubscription,
    Sink,
    Subscription,
    SubscriptionState,
    check_contracts,
    check_filter_size,
    check_filters,
    check_order,
    check_sink,
    find_tried_webhook,
    find_views,
    make_subscription_act,
)
from bus.http.acts import acting
from bus.http.api.subscription_documents import (
    Redriven,
    ReplayOrder,
    Secret,
    SubscriptionChange,
    SubscriptionDetail,
    SubscriptionDocument,
    SubscriptionList,
    SubscriptionMade,
    SubscriptionOrder,
    TrialResult,
    describe_subscription,
)
from bus.http.cursors import After, Limit, Listing, read_numbers, write_next_numbers
from bus.http.packing import HOLDS_SECRET
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.http.written import write_page
from bus.identity import Principal, Scope
from bus.problem import Forbidden

router = APIRouter(prefix="/v1/subscriptions", tags=["Subscriptions"], route_class=Authorised)

Manager = Annotated[Principal, Depends(caller(Scope.SUBSCRIPTIONS_MANAGE))]


def _to(what: Verb) -> Any:
    """Who does this, with the right to manage subscriptions."""
    return Depends(acting(Scope.SUBSCRIPTIONS_MANAGE, what))


class NotTheOperator(Forbidden):
    """Only the operator subscribes for another participant."""

    slug = "not-the-operator"


@router.get("", response_model=SubscriptionList)
def list_subscriptions(rooms: TheRooms, caller: Manager, limit: Limit = 100, after: After = "") -> Response:
    """Your subscriptions; the operator's list has everybody's."""
    (last,) = read_numbers(after, Listing.SUBSCRIPTIONS, 1)
    found = [s for s in rooms.subscriptions.listed(whose(caller)) if s.number > last]
    told = [SubscriptionDocument(**describe_subscription(one)) for one in found[:limit]]
    following = write_next_numbers(Listing.SUBSCRIPTIONS, [(one.number,) for one in found[: limit + 1]], limit)
    return write_page(SubscriptionList(subscriptions=told, next=following))


@router.post("", status_code=201, dependencies=[HOLDS_SECRET])
async def add_subscription(
    rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_ADD)], response: Response, order: SubscriptionOrder
) -> SubscriptionMade:
    """Subscribe. The secret is in this answer and nowhere else."""
    participant = order.participant or by.participant
    if participant != by.participant and not by.is_operator:
        raise NotTheOperator(f"You are {by.participant}; leave participant out.")
    sink = order.sink.sink()
    allowance = rooms.limits.get(participant)
    check = partial(_check_order, rooms, participant, order, allowance.policy)
    await rooms.reading.run(check, who=by.participant)
    await _check_sink(rooms, sink, participant, order.contracts, by)
    # One at a time: those that are counted together would be too many together.
    async with allowance.adding:
        if not by.is_operator:
            number = await asyncio.to_thread(rooms.subscriptions.count, participant)
            allowance.check_number(limits.Limit.SUBSCRIPTIONS, number)
        made = await asyncio.to_thread(_add, rooms, participant, sink, order, by)
    response.headers["Location"] = f"{router.prefix}/{made.id}"
    response.headers["Cache-Control"] = "no-store"
    return SubscriptionMade(**describe_subscription(made), secret=made.secrets[0])


@router.get("/{id}")
def read_subscription(rooms: TheRooms, caller: Manager, id: str) -> SubscriptionDetail:
    """One subscription, and how its deliveries stand."""
    return _detail(rooms, rooms.subscriptions.get(id, whose(caller)))


@router.patch("/{id}")
async def change_subscription(
    rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_CHANGE)], id: str, change: SubscriptionChange
) -> SubscriptionDetail:
    """Give a subscription another sink or other filters; what is pending goes there too."""
    subscription = await asyncio.to_thread(rooms.subscriptions.get, id, by.reach)
    sink = None if change.sink is None else change.sink.sink()
    check_filter_size(change.filters or (), rooms.limits.get(subscription.participant).policy)
    await rooms.reading.run(partial(_check_filters, rooms, subscription, change.filters or ()), who=by.participant)
    if sink is not None:
        await _check_sink(rooms, sink, subscription.participant, subscription.contracts, by)
    await asyncio.to_thread(rooms.subscriptions.change, subscription, by, sink=sink, filters=change.filters)
    return await asyncio.to_thread(_read, rooms, by, id)


@router.delete("/{id}", status_code=204)
def delete_subscription(rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_DELETE)], id: str) -> None:
    """End a subscription; its deliveries are gone with it."""
    rooms.subscriptions.delete(rooms.subscriptions.get(id, by.reach), by)


@router.post("/{id}/pause")
def pause(rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_PAUSE)], id: str) -> SubscriptionDetail:
    """Let deliveries wait."""
    return _moved(rooms, by, id, SubscriptionState.PAUSED)


@router.post("/{id}/resume")
def resume(rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_RESUME)], id: str) -> SubscriptionDetail:
    """Let deliveries go again, those that waited first."""
    return _moved(rooms, by, id, SubscriptionState.ACTIVE)


@router.post("/{id}/replay", status_code=202)
def replay(
    rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_REPLAY)], id: str, order: ReplayOrder
) -> SubscriptionDetail:
    """Deliver past events again. One replay at a time."""
    subscription = rooms.subscriptions.get(id, by.reach)
    rooms.subscriptions.replay(subscription, _replayed_after(rooms, order.start), rooms.journal.last_position(), by)
    return _read(rooms, by, id)


@router.post("/{id}/redrive")
def redrive(rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_REDRIVE)], id: str) -> Redriven:
    """Make every dead delivery due again."""
    return Redriven(redriven=rooms.deliveries.redrive(rooms.subscriptions.get(id, by.reach), by))


@router.post("/{id}/rotate-secret", dependencies=[HOLDS_SECRET])
def rotate_secret(
    rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_ROTATE_SECRET)], id: str, response: Response
) -> Secret:
    """A new secret; for a day webhooks carry a signature of each, so that the receiver may change over in peace."""
    secret = rooms.subscriptions.rotate_secret(rooms.subscriptions.get(id, by.reach), by)
    response.headers["Cache-Control"] = "no-store"
    return Secret(secret=secret)


@router.post("/{id}/test")
async def test(rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_TEST)], id: str) -> TrialResult:
    """Send one signed example event of type `bus.test` to the webhook now, and tell what it said."""
    rooms.limits.take(by.participant, limits.Limit.SINK_TESTS)
    subscription = await asyncio.to_thread(rooms.subscriptions.get, id, by.reach)
    url = find_tried_webhook(subscription).told()
    tried = make_subscription_act(Verb.SUBSCRIPTION_TEST, subscription.id, subscription.participant, by, details=url)
    # Before it is sent: nothing undoes what the sink has seen.
    await asyncio.to_thread(rooms.actions.record, [tried])
    settings = rooms.settings
    allowed, hosts = settings.sink_networks, settings.sink_hosts
    trial = await rooms.trials.run(subscription, by.participant, allowed, settings.sink_timeout_seconds, hosts=hosts)
    outcome = trial.outcome
    return TrialResult(
        delivered=outcome.failure is None,
        status=outcome.status,
        detail=outcome.detail,
        duration_ms=int(trial.seconds * 1000),
    )


def whose(caller: Principal) -> str | None:
    """Whose subscriptions a caller sees: its own; everybody's (None) for the operator."""
    return None if Scope.ADMIN in caller.scopes else caller.participant


def _check_order(rooms: Rooms, participant: str, order: SubscriptionOrder, policy: limits.Policy) -> None:
    """Refuse what may not be subscribed to so. In a thread: views are made when they are first asked for."""
    today = clock.local_date(clock.now())
    seen = check_contracts(rooms.catalogue, order.contracts, participant, today)
    check_filter_size(order.filters, policy)
    check_filters(order.filters, seen)
    check_order(seen, order.ordered_by)


def _check_filters(rooms: Rooms, subscription: Subscription, filters: Sequence[Any]) -> None:
    """Refuse filters by what the subscriber does not see; in a thread likewise."""
    today = clock.local_date(clock.now())
    granted = (find_views(rooms.catalogue, name, subscription.participant, today) for name in subscription.contracts)
    check_filters(filters, chain.from_iterable(granted))


async def _check_sink(rooms: Rooms, sink: Sink, participant: str, contracts: Sequence[str], by: Actor) -> None:
    allowed, hosts = rooms.settings.sink_networks, rooms.settings.sink_hosts
    await check_sink(
        sink,
        participant,
        contracts,
        rooms.catalogue,
        rooms.agencies,
        allowed,
        rooms.names,
        hosts=hosts,
        is_operator=by.is_operator,
    )


def _add(rooms: Rooms, participant: str, sink: Sink, order: SubscriptionOrder, by: Actor) -> Subscription:
    after = rooms.journal.last_position() if order.start is None else _before(order.start)
    contracts = list(dict.fromkeys(order.contracts))
    return rooms.subscriptions.add(
        NewSubscription(participant, contracts, sink, order.filters, order.ordered_by, after), by
    )


def _replayed_after(rooms: Rooms, start: int | Literal["beginning"] | datetime) -> int:
    if isinstance(start, datetime):
        return rooms.journal.position_before(clock.micros(start))
    return _before(start)


def _before(start: int | Literal["beginning"]) -> int:
    """The position after which deliveries begin, so that a given position is the first."""
    return 0 if start == "beginning" else max(0, start - 1)


def _moved(rooms: Rooms, by: Actor, id: str, state: SubscriptionState) -> SubscriptionDetail:
    rooms.subscriptions.set_state(rooms.subscriptions.get(id, by.reach), state, by)
    return _read(rooms, by, id)


def _read(rooms: Rooms, by: Actor, id: str) -> SubscriptionDetail:
    return _detail(rooms, rooms.subscriptions.get(id, by.reach))


def _detail(rooms: Rooms, subscription: Subscription) -> SubscriptionDetail:
    counts = dict.fromkeys(("pending", "delivered", "dead", "discarded"), 0) | rooms.deliveries.counts(subscription)
    return SubscriptionDetail(**describe_subscription(subscription), deliveries=counts)
