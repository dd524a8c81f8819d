"""Subscriptions over HTTP: a participant's standing orders; the operator sees and steers everybody's."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bus import clock, limits
from bus.actions import Actor, Verb
from bus.delivery import admission
from bus.delivery.acts import on_subscription
from bus.delivery.subscription import AgencySink, NewSubscription, Sink, Subscription, SubscriptionState, Webhook
from bus.delivery.trial import tried_webhook
from bus.http.acts import acting
from bus.http.cursors import After, Limit, Listing, read_numbers, write_next_numbers
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.http.values import JsonObject
from bus.http.written import write_page
from bus.identity import Principal, Scope
from bus.problem import Forbidden

router = APIRouter(prefix="/v1/subscriptions", tags=["Subscriptions"], route_class=Authorised)

Manager = Annotated[Principal, Depends(caller(Scope.SUBSCRIPTIONS_MANAGE))]

_LAST_POSITION = 2**62


def _to(what: Verb) -> Any:
    """Who does this, with the right to manage subscriptions."""
    return Depends(acting(Scope.SUBSCRIPTIONS_MANAGE, what))


class NotTheOperator(Forbidden):
    """Only the operator subscribes for another participant."""

    slug = "not-the-operator"


def _position_or_beginning(value: Any) -> Any:
    is_position = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LAST_POSITION
    if value != "beginning" and not is_position:
        raise ValueError('must be a position or "beginning"')
    return value


def _position_beginning_or_time(value: Any) -> Any:
    if isinstance(value, str) and value != "beginning":
        return _moment(value)
    return _position_or_beginning(value)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError('must be a position, "beginning" or a time (RFC 3339)') from None
    if moment.tzinfo is None:
        raise ValueError("must be a time with its offset from UTC (RFC 3339)")
    return moment


Start = Annotated[int | Literal["beginning"], BeforeValidator(_position_or_beginning)]
ReplayStart = Annotated[int | Literal["beginning"] | datetime, BeforeValidator(_position_beginning_or_time)]


class SinkDocument(BaseModel):
    """Where events go: the `url` of a webhook, or the `operation` of an agency's `adapter`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"url": "https://pajak.lamongankab.go.id/webhooks/bus"},
                {"adapter": "kemendagri", "operation": "data-balikan"},
            ]
        },
    )

    url: str | None = Field(None, max_length=2048)
    adapter: str | None = Field(None, max_length=100)
    operation: str | None = Field(None, max_length=100)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [name for name, value in self if value is not None]
        if given not in (["url"], ["adapter", "operation"]):
            raise ValueError("must hold url, or adapter and operation")
        return self

    def sink(self) -> Sink:
        """As the delivery room knows it."""
        return Webhook(self.url) if self.url is not None else AgencySink(self.adapter or "", self.operation or "")


Filters = Annotated[
    list[JsonObject],
    Field(max_length=50, description="CloudEvents filters over context attributes as you see them; all must hold"),
]


class SubscriptionOrder(BaseModel):
    """What is to be delivered, and where to."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "contracts": ["kependudukan.penduduk"],
                    "sink": {"url": "https://pajak.lamongankab.go.id/webhooks/bus"},
                    "filters": [{"prefix": {"source": "urn:app:simpenduk"}}],
                    "ordered_by": "/nik",
                    "from": "beginning",
                }
            ]
        },
    )

    contracts: list[str] = Field(min_length=1, max_length=100)
    sink: SinkDocument
    filters: Filters = []
    ordered_by: str | None = Field(
        None, max_length=500, description="JSON Pointer into the data; absent: the contracts' own order, if any"
    )
    start: Start | None = Field(
        None, alias="from", description="the first position to deliver, or beginning; absent: what comes from now on"
    )
    participant: str | None = Field(None, description="the operator may subscribe for another participant")


class SubscriptionChange(BaseModel):
    """What is to be different."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"sink": {"url": "https://pajak.lamongankab.go.id/webhooks/bus-2"}}]},
    )

    sink: SinkDocument | None = None
    filters: Filters | None = None


class ReplayOrder(BaseModel):
    """What is to be delivered again: everything from there up to now."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"from": 1200}, {"from": "2026-11-24T00:00:00+07:00"}]}
    )

    start: ReplayStart = Field(alias="from", description="the first position, beginning, or when it was recorded")


class SubscriptionDocument(BaseModel):
    """A subscription, without its secret."""

    id: str
    participant: str
    contracts: list[str]
    sink: dict[str, str]
    filters: list[dict[str, Any]]
    ordered_by: str | None
    state: Literal["active", "paused"]
    catching_up: bool = Field(description="deliveries of past events are still being made")
    created_at: datetime


class SubscriptionMade(SubscriptionDocument):
    """A new subscription; its secret is shown this once."""

    secret: str = Field(description="signs the webhooks (Standard Webhooks)", examples=["whsec_…"])


class SubscriptionDetail(SubscriptionDocument):
    """A subscription with how many of its deliveries are in each state."""

    deliveries: dict[str, int] = Field(examples=[{"pending": 3, "delivered": 1024, "dead": 0, "discarded": 0}])


class SubscriptionList(BaseModel):
    """A page of subscriptions, oldest first."""

    subscriptions: list[SubscriptionDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


class Secret(BaseModel):
    """A new secret, shown this once; the one before signs beside it for a day."""

    secret: str = Field(examples=["whsec_…"])


class Redriven(BaseModel):
    """How many dead deliveries are due again."""

    redriven: int


class TrialResult(BaseModel):
    """What the sink said to an example event of type `bus.test`."""

    delivered: bool
    status: int | None = Field(description="the HTTP status, where the sink answered")
    detail: str = Field(description="what is wrong; empty where it was delivered")
    duration_ms: int


@router.get("", response_model=SubscriptionList)
def list_subscriptions(rooms: TheRooms, caller: Manager, limit: Limit = 100, after: After = "") -> Response:
    """Your subscriptions; the operator's list has everybody's."""
    (last,) = read_numbers(after, Listing.SUBSCRIPTIONS, 1)
    found = [s for s in rooms.subscriptions.listed(whose(caller)) if s.number > last]
    told = [SubscriptionDocument(**_document(one)) for one in found[:limit]]
    following = write_next_numbers(Listing.SUBSCRIPTIONS, [(one.number,) for one in found[: limit + 1]], limit)
    return write_page(SubscriptionList(subscriptions=told, next=following))


@router.post("", status_code=201)
async def add_subscription(
    rooms: TheRooms, by: Annotated[Actor, _to(Verb.SUBSCRIPTION_ADD)], response: Response, order: SubscriptionOrder
) -> SubscriptionMade:
    """Subscribe. The secret is in this answer and nowhere else."""
    participant = order.participant or by.participant
    if participant != by.participant and not by.is_operator:
        raise NotTheOperator(f"You are {by.participant}; leave participant out.")
    sink = order.sink.sink()
    allowance = rooms.limits.of(participant)
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
    return SubscriptionMade(**_document(made), secret=made.secrets[0])


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
    admission.check_size(change.filters or (), rooms.limits.of(subscription.participant).policy)
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


@router.post("/{id}/rotate-secret")
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
    url = tried_webhook(subscription).told()
    tried = on_subscription(Verb.SUBSCRIPTION_TEST, subscription.id, subscription.participant, by, details=url)
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
    seen = admission.check_contracts(rooms.catalogue, order.contracts, participant, today)
    admission.check_size(order.filters, policy)
    admission.check_filters(order.filters, seen)
    admission.check_order(seen, order.ordered_by)


def _check_filters(rooms: Rooms, subscription: Subscription, filters: Sequence[Any]) -> None:
    """Refuse filters by what the subscriber does not see; in a thread likewise."""
    today = clock.local_date(clock.now())
    granted = (
        admission.views(rooms.catalogue, name, subscription.participant, today) for name in subscription.contracts
    )
    admission.check_filters(filters, chain.from_iterable(granted))


async def _check_sink(rooms: Rooms, sink: Sink, participant: str, contracts: Sequence[str], by: Actor) -> None:
    allowed, hosts = rooms.settings.sink_networks, rooms.settings.sink_hosts
    await admission.check_sink(
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
    return SubscriptionDetail(**_document(subscription), deliveries=counts)


def _document(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "participant": subscription.participant,
        "contracts": list(subscription.contracts),
        "sink": subscription.sink.document(),
        "filters": list(subscription.filters),
        "ordered_by": subscription.ordered_by,
        "state": subscription.state.value,
        "catching_up": subscription.replay_position is not None,
        "created_at": subscription.created_at,
    }
