"""Pulls over HTTP: a participant fetches its deliveries, and says what became of them."""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.requests import ClientDisconnect

from bus import clock, json
from bus.actions import Actor, Verb
from bus.delivery import (
    Ear,
    Item,
    NamedDeliveries,
    PulledDeliveries,
    Return,
    SettlementOutcome,
    SettlementResult,
    Subscription,
)
from bus.heavy import Steps
from bus.http.acts import acting
from bus.http.admissions import admission_of
from bus.http.api.pull_documents import (
    DETAILS,
    LONGEST_LEASE,
    Acknowledgement,
    Extension,
    PulledDocument,
    ReturnOrder,
    SeekOrder,
    Settlement,
    SettlementList,
)
from bus.http.api.subscription_documents import SubscriptionDetail
from bus.http.api.subscriptions import find_start, read_detail
from bus.http.cursors import Limit
from bus.http.page import NO_STORE
from bus.http.path_parameters import SubscriptionId
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.http.standing import Bearer
from bus.identity import Principal, Scope
from bus.limits import Limit as LimitName

router = APIRouter(prefix="/v1/subscriptions", tags=["Pulls"], route_class=Authorised)

Puller = Annotated[Principal, Depends(caller(Scope.SUBSCRIPTIONS_MANAGE, LimitName.READ))]
"""The caller. A puller's requests come as often as a reader's, so they count as reading."""

_LEASE_ID: Final = re.compile("lease_[a-z2-7]{20}", re.ASCII)
_POSITION: Final = re.compile("[1-9][0-9]{0,17}", re.ASCII)
_GRACE_SECONDS: Final = 1.0
"""How long a pull without `wait` goes on looking behind deliveries of which its view shows nothing."""
_CONFLICT: Final[dict[int | str, dict[str, Any]]] = {409: {}}

Settle = Callable[[Subscription, str, NamedDeliveries], list[SettlementOutcome]]


@router.post("/{id}/pull", response_model=PulledDocument, responses=_CONFLICT)
async def pull_deliveries(
    request: Request,
    rooms: TheRooms,
    caller: Puller,
    id: SubscriptionId,
    limit: Limit = 100,
    wait: Annotated[float, Query(ge=0, le=60, description="seconds to wait for an event when none is due")] = 0,
    lease: Annotated[
        float | None,
        Query(
            ge=1, le=LONGEST_LEASE, description="seconds for which you hold what you get; absent: as the bus is set up"
        ),
    ] = None,
) -> Response:
    """The next events of a subscription that you pull. You hold them for a while: acknowledge or return them.

    Of each key you get one event at a time. What you neither acknowledge nor return comes again when your lease has ended. Two
    pullers of one subscription never hold the same event.
    """
    subscription = await asyncio.to_thread(rooms.subscriptions.get, id, caller.participant)
    pull = _Pull(request, rooms, subscription, caller, limit, lease or rooms.settings.pull_lease_seconds)
    pulled = await pull.look_behind()
    if not pulled.items and wait:
        pulled = await pull.wait(wait)
    return _write(subscription, pulled)


@router.post("/{id}/ack", responses=_CONFLICT)
def acknowledge_deliveries(
    rooms: TheRooms, caller: Puller, id: SubscriptionId, order: Acknowledgement
) -> SettlementList:
    """You are done with these. It is on disk when this is answered, and they never come again.

    Each name gets its own result, and the answer is 200 also if none was yours any more.
    """
    return _settle(rooms, caller, id, order, rooms.settlements.acknowledge)


@router.post("/{id}/nack", responses=_CONFLICT)
def return_deliveries(rooms: TheRooms, caller: Puller, id: SubscriptionId, order: ReturnOrder) -> SettlementList:
    """You could not do these. They come again after `delay`; after too many tries they are dead, and may be redriven."""
    back = Return(order.reason, order.delay)
    return _settle(rooms, caller, id, order, partial(rooms.settlements.give_back, back=back))


@router.post("/{id}/extend", responses=_CONFLICT)
def extend_leases(rooms: TheRooms, caller: Puller, id: SubscriptionId, order: Extension) -> SettlementList:
    """Hold leases for longer, from now on. A lease that has ended cannot be extended."""
    subscription = rooms.subscriptions.get(id, caller.participant)
    leases = [name for name in order.leases if _LEASE_ID.fullmatch(name)]
    extended = rooms.settlements.extend(subscription, caller.client_id, leases, order.seconds)
    return _list_results(order.leases, [], subscription, extended)


@router.post("/{id}/seek", status_code=202, responses=_CONFLICT)
def seek_subscription(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.SUBSCRIPTIONS_MANAGE, Verb.SUBSCRIPTION_SEEK))],
    id: SubscriptionId,
    order: SeekOrder,
) -> SubscriptionDetail:
    """Go on from another position, as your grants are today. Events before it are given up, and leases end.

    While `catching_up` is true, the events come in order as far as they are ready. One seek or replay at a time.
    """
    subscription = rooms.subscriptions.get(id, by.reach)
    last = rooms.journal.last_position()
    rooms.seeks.seek(subscription, min(find_start(rooms, order.to), last), last, by)
    rooms.pull_bell.ring([subscription.number])
    return read_detail(rooms, by, id)


class _Pull(Bearer):
    """One pull. It waits as `WaitingReader` says."""

    def __init__(
        self,
        request: Request,
        rooms: Rooms,
        subscription: Subscription,
        caller: Principal,
        limit: int,
        lease: float,
    ) -> None:
        super().__init__(request, rooms, Scope.SUBSCRIPTIONS_MANAGE, (subscription.id, caller.participant))
        self._request = request
        self._subscription = subscription
        self._caller = caller
        self._limit_of_answer = limit
        self._lease = lease

    def check_grant(self) -> None:
        """Refuse a subscription whose grants have ended; see `WaitingReader`."""
        self._rooms.pulls.check(self._subscription)

    async def look_behind(self) -> PulledDeliveries:
        """What is due now. Behind deliveries of which the view shows nothing, it looks on for a while."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + _GRACE_SECONDS
        pulled = await self._rooms.reading.run_steps(self._pull(), who=self._caller.participant)
        while not pulled.items and pulled.is_more and loop.time() < ends:
            pulled = await self._rooms.reading.run_steps(self._pull(), who=self._caller.participant)
        return pulled

    async def wait(self, seconds: float) -> PulledDeliveries:
        """Wait until something is due; an empty answer if nothing was in time.

        Raises:
            Refused: the token or the grant has ended meanwhile, or the subscription is paused or gone.
            ClientDisconnect: the client went away meanwhile. It holds nothing.
        """
        admission_of(self._request).begin_to_wait()
        number = self._subscription.number
        gone = asyncio.ensure_future(_gone(self._request))
        try:
            with self._rooms.waiting.enter(self), self._rooms.pull_bell.listen(number) as ear:
                return await self._await(ear, gone, seconds)
        finally:
            gone.cancel()

    async def _await(self, ear: Ear, gone: "asyncio.Future[None]", seconds: float) -> PulledDeliveries:
        loop = asyncio.get_running_loop()
        # After it is entered: what ended before was ended without it.
        principal = await self.authorised()
        ends = loop.time() + min(seconds, principal.expires_at - clock.now().timestamp())
        while True:
            # A ring during the look is heard after it.
            ear.clear()
            pulled = await self._rooms.reading.run_woken(self._pull(), who=self._caller.participant)
            left = ends - loop.time()
            if pulled.items or self.is_finished or left <= 0:
                return pulled
            if not pulled.is_more:
                await self.wait_for(_either(ear.wait(left), gone))
            if gone.done():
                # Before the next look, which would have nobody hold what it finds.
                raise ClientDisconnect
            await self.authorised()

    def _pull(self) -> Steps[PulledDeliveries]:
        return self._rooms.pulls.pull(self._subscription, self._caller.client_id, self._limit_of_answer, self._lease)


async def _either(waiting: Any, gone: "asyncio.Future[None]") -> bool:
    """Wait for a ring, or until the client is gone."""
    ringing = asyncio.ensure_future(waiting)
    try:
        await asyncio.wait({ringing, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ringing.cancel()
        with suppress(asyncio.CancelledError):
            await ringing
    return not gone.done()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _settle(rooms: Rooms, caller: Principal, id: str, order: Acknowledgement, settle: Settle) -> SettlementList:
    subscription = rooms.subscriptions.get(id, caller.participant)
    leases = [name for name in order.leases if _LEASE_ID.fullmatch(name)]
    positions = [position for name in order.deliveries if (position := _position(name, subscription)) is not None]
    settled = settle(subscription, caller.client_id, NamedDeliveries(leases, positions))
    # What waited behind a settled delivery may be due now.
    rooms.pull_bell.ring([subscription.number])
    return _list_results(order.leases, order.deliveries, subscription, settled)


def _list_results(
    leases: Sequence[str], deliveries: Sequence[str], subscription: Subscription, settled: Sequence[SettlementOutcome]
) -> SettlementList:
    """The result for each name that the caller gave, once."""
    found = {one.name: one for one in settled}
    results = [_describe(found.get(name), lease=name) for name in dict.fromkeys(leases)]
    for name in dict.fromkeys(deliveries):
        position = _position(name, subscription)
        results.append(_describe(found.get(position) if position is not None else None, delivery=name))
    return SettlementList(results=results)


def _describe(
    settled: SettlementOutcome | None, *, lease: str | None = None, delivery: str | None = None
) -> Settlement:
    result = settled or SettlementOutcome("", SettlementResult.UNKNOWN)
    return Settlement(
        lease=lease,
        delivery=delivery,
        result=result.result,
        deliveries=result.deliveries,
        dead=result.dead,
        until=None if result.until is None else clock.moment(result.until),
        detail=DETAILS[result.result],
    )


def _position(name: str, subscription: Subscription) -> int | None:
    """The position in a delivery's id; None: it is no delivery of this subscription."""
    of, _, position = name.rpartition(".")
    return int(position) if of == subscription.id and _POSITION.fullmatch(position) else None


def _write(subscription: Subscription, pulled: PulledDeliveries) -> Response:
    """The answer; the events are written as they are stored, or as the view made them."""
    lease = pulled.lease
    head = {
        "lease": None if lease is None else lease.id,
        "until": None if lease is None else clock.rfc3339(clock.moment(lease.due_at)),
    }
    deliveries = b",".join(_write_delivery(subscription, item) for item in pulled.items)
    text = b'%b,"deliveries":[%b]}' % (json.dumps(head)[:-1], deliveries)
    return Response(text, headers=NO_STORE, media_type="application/json")


def _write_delivery(subscription: Subscription, item: Item) -> bytes:
    head = {"id": f"{subscription.id}.{item.leased.position}", "tries": item.leased.attempts}
    return b'%b,"event":%b}' % (json.dumps(head)[:-1], item.body or b"null")
