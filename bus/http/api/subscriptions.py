"""Subscriptions over HTTP: a participant's standing orders; the operator sees and steers everybody's."""

import asyncio
from dataclasses import asdict
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from bus import clock, json
from bus.actions import Actor, Verb
from bus.contracts import Tags
from bus.delivery import (
    NewSubscription,
    Subscription,
    SubscriptionState,
    find_withheld,
    preview_replay,
)
from bus.http.acts import acting
from bus.http.api.preconditions import IfMatch, IfNoneMatch
from bus.http.api.subscription_documents import (
    DeliveryCounts,
    Redriven,
    ReplayOrder,
    ReplayPreview,
    Secret,
    SubscriptionChange,
    SubscriptionDetail,
    SubscriptionDocument,
    SubscriptionList,
    SubscriptionMade,
    SubscriptionOrder,
    TrialResult,
    WithheldContract,
    describe_subscription,
)
from bus.http.conditional import matches
from bus.http.cursors import After, Limit, Listing, read_numbers, write_next_numbers
from bus.http.idempotency import FirstAnswer, IdempotencyKey, answer_once
from bus.http.openapi_parts import refer_headers
from bus.http.packing import HOLDS_SECRET
from bus.http.page import NO_STORE
from bus.http.path_parameters import SubscriptionId
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.http.subscribing import change_settings, find_place_before, subscribe
from bus.http.trial import try_sink
from bus.http.written import write_model, write_page
from bus.identity import Principal, Scope
from bus.problem import Forbidden
from bus.storage import Transaction

router = APIRouter(prefix="/v1/subscriptions", tags=["Subscriptions"], route_class=Authorised)

Manager = Annotated[Principal, Depends(caller(Scope.SUBSCRIPTIONS_MANAGE))]


def _to(what: Verb) -> Any:
    """Who does this, with the right to manage subscriptions."""
    return Depends(acting(Scope.SUBSCRIPTIONS_MANAGE, what))


_PREVIEWED: Final[dict[str, Any]] = {"model": ReplayPreview, "description": "The preview, with `preview=true`"}
Preview = Annotated[
    bool, Query(description="deliver nothing, and tell how many events and keys a replay would deliver")
]
Pending = Annotated[
    bool,
    Query(
        description="also make due at once what waits for its next attempt, and try the sink though its circuit is open: "
        "for a sink that was mended"
    ),
]
_STANDING_BYTES: Final = 8
_SHOWN: Final = {"headers": refer_headers("ETag")}
_MADE: Final[dict[int | str, dict[str, Any]]] = {201: {"headers": refer_headers("Location")}, 409: {}, 422: {}}
_CHANGED: Final[dict[int | str, dict[str, Any]]] = {200: _SHOWN, 409: {}, 422: {}}
_READ: Final[dict[int | str, dict[str, Any]]] = {
    200: _SHOWN,
    304: {"description": "It is still as `If-None-Match` says", **_SHOWN},
}


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


@router.post("", status_code=201, response_model=SubscriptionMade, dependencies=[HOLDS_SECRET], responses=_MADE)
async def add_subscription(
    request: Request,
    rooms: TheRooms,
    by: Annotated[Actor, _to(Verb.SUBSCRIPTION_ADD)],
    order: SubscriptionOrder,
    key: IdempotencyKey,
) -> Response:
    """Subscribe. The secret is in this answer and nowhere else."""
    participant = order.participant or by.participant
    if participant != by.participant and not by.is_operator:
        raise NotTheOperator(f"You are {by.participant}; leave participant out.")
    return await answer_once(request, rooms, by, key, partial(_make_subscription, rooms, by, order, participant))


async def _make_subscription(
    rooms: Rooms, by: Actor, order: SubscriptionOrder, participant: str, first: FirstAnswer
) -> None:
    def give(transaction: Transaction, made: Subscription) -> None:
        document = SubscriptionMade(**describe_subscription(made), secret=next(iter(made.secrets), None))
        first.give(transaction, write_model(document, {"Location": f"{router.prefix}/{made.id}", **NO_STORE}, 201))

    new = NewSubscription(participant, order.contracts, order.sink.sink(), order.filters, order.ordered_by)
    await subscribe(rooms, by, new, order.start, give)


@router.get("/{id}", response_model=SubscriptionDetail, responses=_READ)
def read_subscription(rooms: TheRooms, caller: Manager, id: SubscriptionId, tags: IfNoneMatch = "") -> Response:
    """One subscription, and how its deliveries stand.

    Its ETag names both: the part before the dot names the settings, which a change of them gives as `If-Match`.
    """
    return _answer_detail(rooms, rooms.subscriptions.get(id, whose(caller)), tags)


@router.patch("/{id}", response_model=SubscriptionDetail, responses=_CHANGED)
async def change_subscription(
    rooms: TheRooms,
    by: Annotated[Actor, _to(Verb.SUBSCRIPTION_CHANGE)],
    id: SubscriptionId,
    change: SubscriptionChange,
    tags: IfMatch,
) -> Response:
    """Give a subscription another sink or other filters; what is pending goes there too. Another sink enables a disabled one.

    With the ETag of what you read as `If-Match`, nothing changes if somebody else changed the settings meanwhile. How many
    deliveries there are does not matter to it.
    """
    sink = None if change.sink is None else change.sink.sink()
    await change_settings(rooms, by, id, sink, change.filters, _settings_of(tags))
    return await asyncio.to_thread(_read_answer, rooms, by, id)


@router.delete("/{id}", status_code=204)
def delete_subscription(
    rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_DELETE)], id: SubscriptionId, tags: IfMatch
) -> None:
    """End a subscription; its deliveries are gone with it."""
    rooms.subscriptions.delete(rooms.subscriptions.get(id, by.reach), by, _settings_of(tags))


@router.post("/{id}/pause")
def pause_subscription(
    rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_PAUSE)], id: SubscriptionId
) -> SubscriptionDetail:
    """Let deliveries wait."""
    return _moved(rooms, by, id, SubscriptionState.PAUSED)


@router.post("/{id}/resume")
def resume_subscription(
    rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_RESUME)], id: SubscriptionId
) -> SubscriptionDetail:
    """Let deliveries go again, those that waited first. It enables a disabled subscription too."""
    return _moved(rooms, by, id, SubscriptionState.ACTIVE)


@router.post("/{id}/replay", status_code=202, responses={200: _PREVIEWED, 409: {}})
async def replay_subscription(
    rooms: TheRooms,
    response: Response,
    by: Annotated[Actor, _to(Verb.SUBSCRIPTION_REPLAY)],
    id: SubscriptionId,
    order: ReplayOrder,
    preview: Preview = False,
) -> SubscriptionDetail | ReplayPreview:
    """Deliver past events again. One replay at a time. With `preview`, tell how many these are, and deliver nothing."""
    subscription = await asyncio.to_thread(rooms.subscriptions.get, id, by.reach)
    after = await asyncio.to_thread(find_start, rooms, order.start)
    until = await asyncio.to_thread(rooms.journal.last_position)
    if preview:
        response.status_code = 200
        look = partial(preview_replay, rooms.journal, rooms.catalogue, subscription, after, until)
        return ReplayPreview(**asdict(await rooms.reading.run(look, who=by.participant)))
    await asyncio.to_thread(rooms.subscriptions.replay, subscription, after, until, by)
    return await asyncio.to_thread(read_detail, rooms, by, id)


@router.post("/{id}/redrive")
def redrive_subscription(
    rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_REDRIVE)], id: SubscriptionId, pending: Pending = False
) -> Redriven:
    """Make every dead delivery due again; after a mend, also what waits for its next attempt."""
    subscription = rooms.subscriptions.get(id, by.reach)
    redriven = rooms.deliveries.redrive(subscription, by)
    hastened = rooms.deliveries.hasten(subscription, by) if pending else 0
    return Redriven(redriven=redriven, hastened=hastened)


@router.post("/{id}/rotate-secret", dependencies=[HOLDS_SECRET], responses={409: {}})
def rotate_secret(
    rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_ROTATE_SECRET)], id: SubscriptionId, response: Response
) -> Secret:
    """A new secret. Webhooks carry a signature of each secret: the one before signs for a day, older ones to their own ends.

    Ten may sign at a time. The 409 says when the next one ends.
    """
    secret = rooms.subscriptions.rotate_secret(rooms.subscriptions.get(id, by.reach), by)
    response.headers["Cache-Control"] = "no-store"
    return Secret(secret=secret)


@router.post("/{id}/test", responses={409: {}, 422: {}})
async def test_subscription(
    rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_TEST)], id: SubscriptionId
) -> TrialResult:
    """Send one signed example event of type `bus.test` to the webhook now, and tell what it said."""
    trial = await try_sink(rooms, by, id)
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


def find_start(rooms: Rooms, start: int | Literal["beginning"] | datetime) -> int:
    """The position after which events come, if a position, the beginning or a moment is to be the first."""
    if isinstance(start, datetime):
        return rooms.journal.position_before(clock.micros(start))
    return find_place_before(start)


def _moved(rooms: Rooms, by: Actor, id: str, state: SubscriptionState) -> SubscriptionDetail:
    rooms.subscriptions.set_state(rooms.subscriptions.get(id, by.reach), state, by)
    return read_detail(rooms, by, id)


def read_detail(rooms: Rooms, by: Actor, id: str) -> SubscriptionDetail:
    """One subscription that an actor reaches, and how its deliveries stand."""
    return _detail(rooms, rooms.subscriptions.get(id, by.reach))


def _read_answer(rooms: Rooms, by: Actor, id: str) -> Response:
    return _answer_detail(rooms, rooms.subscriptions.get(id, by.reach))


def _answer_detail(rooms: Rooms, subscription: Subscription, if_none_match: str = "") -> Response:
    """The answer with a subscription; 304 where the caller has it as it is."""
    detail = _detail(rooms, subscription)
    standing = json.dump_canonical(
        [
            detail.catching_up,
            detail.deliveries.model_dump(),
            str(detail.oldest_pending),
            [one.model_dump() for one in detail.withheld],
        ]
    )
    etag = f'"{subscription.tag}.{blake2b(standing, digest_size=_STANDING_BYTES).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if matches(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    return write_model(detail, headers)


def _settings_of(tags: Tags) -> Tags:
    """Of each ETag the part that names the settings: how deliveries stand changes all the time, and nobody overwrites it."""
    return None if tags is None else frozenset(tag.partition(".")[0] for tag in tags)


def _detail(rooms: Rooms, subscription: Subscription) -> SubscriptionDetail:
    tally = rooms.deliveries.tally(subscription)
    none = dict.fromkeys(DeliveryCounts.model_fields, 0)
    recorded = None if tally.oldest is None else rooms.journal.recorded_after(tally.oldest - 1)
    today = clock.today()
    withheld = [
        WithheldContract(contract=name, type=refusal.to_document()["type"], detail=refusal.detail)
        for name, refusal in find_withheld(rooms.catalogue, subscription.contracts, subscription.participant, today)
    ]
    return SubscriptionDetail(
        **describe_subscription(subscription),
        deliveries=DeliveryCounts(**none | tally.counts | {"leased": tally.leased}),
        oldest_pending=None if recorded is None else clock.moment(recorded),
        withheld=withheld,
    )
