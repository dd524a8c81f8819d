"""Subscribing: makes a subscription and changes its settings, with every check. The API and the console offer it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, Literal

from bus import clock, limits
from bus.actions import Actor
from bus.contracts import Tags
from bus.delivery import (
    NewSubscription,
    Sink,
    Subscription,
    check_contracts,
    check_filter_size,
    check_filters,
    check_order,
    check_sink,
    find_views,
)
from bus.http.rooms import Rooms
from bus.storage import Transaction

Start = int | Literal["beginning"] | None
"""The first position to deliver; None: what comes from now on."""
Made = Callable[[Transaction, Subscription], None]


def _tell_nobody(transaction: Transaction, made: Subscription) -> None:
    """What a subscription's maker needs, `subscribe` returns."""


async def subscribe(
    rooms: Rooms, by: Actor, new: NewSubscription, start: Start, made: Made = _tell_nobody
) -> Subscription:
    """Make a subscription. Its secret is in `secrets`, to be shown once.

    Args:
        new: what is wanted; `start` decides on its `after`.
        made: called in the transaction that makes it.

    Raises:
        SubscriptionRefused, NotGranted, GrantExpired, GrantSuspended, FilterInvalid, FilterTooLarge: see there.
        SinkAddressRefused, SinkNotYours: see `check_sink`.
        Full: the participant has as many subscriptions as it may have.
    """
    allowance = rooms.limits.get(new.participant)
    await rooms.reading.run(partial(_check, rooms, new, allowance.policy), who=by.participant)
    await _check_sink(rooms, new.sink, new.participant, new.contracts, by)
    # One at a time: those that are counted together would be too many together.
    async with allowance.adding:
        if not by.is_operator:
            number = await asyncio.to_thread(rooms.subscriptions.count, new.participant)
            allowance.check_number(limits.Limit.SUBSCRIPTIONS, number)
        return await asyncio.to_thread(_add, rooms, by, new, start, made)


async def change_settings(
    rooms: Rooms,
    by: Actor,
    id: str,
    sink: Sink | None,
    filters: Sequence[Mapping[str, Any]] | None,
    tags: Tags = None,
) -> None:
    """Give a subscription that the actor reaches another sink or other filters; None: they stay.

    Raises:
        SubscriptionUnknown: the actor reaches no such subscription.
        SubscriptionChanged: the subscription has none of the `tags`.
        FilterInvalid, FilterTooLarge, SinkAddressRefused, SinkNotYours, SinkKindFixed: see there.
    """
    subscription = await asyncio.to_thread(rooms.subscriptions.get, id, by.reach)
    check_filter_size(filters or (), rooms.limits.get(subscription.participant).policy)
    await rooms.reading.run(partial(_check_filters, rooms, subscription, filters or ()), who=by.participant)
    if sink is not None:
        await _check_sink(rooms, sink, subscription.participant, subscription.contracts, by)
    await asyncio.to_thread(rooms.subscriptions.change, subscription, by, sink=sink, filters=filters, tags=tags)


def find_place_before(start: int | Literal["beginning"]) -> int:
    """The position after which deliveries begin, so that a given position is the first."""
    return 0 if start == "beginning" else max(0, start - 1)


def _check(rooms: Rooms, new: NewSubscription, policy: limits.Policy) -> None:
    """Refuse what may not be subscribed to so. In a thread: views are made when they are first asked for."""
    today = clock.today()
    seen = check_contracts(rooms.catalogue, new.contracts, new.participant, today)
    check_filter_size(new.filters, policy)
    check_filters(new.filters, seen)
    check_order(seen, new.ordered_by)


def _check_filters(rooms: Rooms, subscription: Subscription, filters: Sequence[Any]) -> None:
    """Refuse filters by what the subscriber does not see; in a thread likewise."""
    today = clock.today()
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


def _add(rooms: Rooms, by: Actor, new: NewSubscription, start: Start, made: Made) -> Subscription:
    after = rooms.journal.last_position() if start is None else find_place_before(start)
    contracts = list(dict.fromkeys(new.contracts))
    return rooms.subscriptions.add(replace(new, contracts=contracts, after=after), by, made=made)
