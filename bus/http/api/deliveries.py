"""Deliveries over HTTP: what became of each event of a subscription, and what its owner may do about it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from bus.actions import Actor, Verb
from bus.delivery import Delivery, DeliveryState, DeliveryUnknown, Subscription
from bus.http.acts import acting
from bus.http.api.subscriptions import whose
from bus.http.cursors import After, Limit, Listing, read_numbers, write_next_numbers
from bus.http.page import NO_STORE
from bus.http.path_parameters import DeliveryId
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.http.written import write_page
from bus.identity import Principal, Scope

router = APIRouter(prefix="/v1/deliveries", tags=["Deliveries"], route_class=Authorised)

Manager = Annotated[Principal, Depends(caller(Scope.SUBSCRIPTIONS_MANAGE))]

_LONGEST_NUMBER = 18


class DeliveryStateName(StrEnum):
    """Where a delivery is in its life."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    DISCARDED = "discarded"


class AttemptDocument(BaseModel):
    """One attempt that failed."""

    number: int
    at: datetime
    failure: str = Field(description="transient, permanent or sink down")
    status: int | None
    detail: str
    duration_ms: int


class DeliveryDocument(BaseModel):
    """One event for one subscription."""

    id: str = Field(description="the subscription's id, a dot, the event's position")
    subscription: str
    position: int
    state: DeliveryStateName
    tries: int = Field(description="how many there were since it was last made due by hand")
    next_attempt: datetime | None = Field(description="of a pending one; null while it waits behind another of its key")
    finished_at: datetime | None
    status: int | None = Field(description="what the sink answered last")
    attempts: list[AttemptDocument] = Field(description="those that failed, oldest first")


class DeliveryList(BaseModel):
    """A page of deliveries, by subscription and position."""

    deliveries: list[DeliveryDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


class AnswersOrder(BaseModel):
    """Why somebody looks who is not the subscription's owner."""

    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(None, max_length=500, description="one line; the owner of the subscription needs none")


class AnswerDocument(BaseModel):
    """What the sink answered to an attempt that failed."""

    number: int = Field(description="of the attempt")
    at: datetime
    status: int | None
    text: str | None = Field(description="the beginning of the answer's body; null: there was none")


class AnswerList(BaseModel):
    """The sink's answers to one delivery, oldest first."""

    answers: list[AnswerDocument]


@router.get("", response_model=DeliveryList, responses={404: {}})
def list_deliveries(
    rooms: TheRooms,
    caller: Manager,
    subscription: Annotated[str | None, Query(description="of this subscription alone")] = None,
    state: Annotated[DeliveryStateName | None, Query(description="in this state alone")] = None,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """The deliveries of your subscriptions, with their attempts."""
    of = _subscriptions(rooms, caller, subscription)
    wanted = None if state is None else DeliveryState[state.name]
    number, position = read_numbers(after, Listing.DELIVERIES, 2)
    found = rooms.deliveries.listed(of, wanted, (number, position), limit + 1)
    numbers = {one.id: one.number for one in of}
    places = [(numbers[delivery.subscription], delivery.position) for delivery in found]
    told = [_document(delivery) for delivery in found[:limit]]
    return write_page(DeliveryList(deliveries=told, next=write_next_numbers(Listing.DELIVERIES, places, limit)))


@router.post("/{id}/retry", status_code=202, responses={409: {}})
def retry_delivery(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.SUBSCRIPTIONS_MANAGE, Verb.DELIVERY_RETRY))],
    id: DeliveryId,
) -> DeliveryDocument:
    """Make a delivery due now: a pending one early, one that is over again."""
    subscription, position = _named(rooms, by, id)
    rooms.deliveries.retry(subscription, position, by)
    return _read(rooms, subscription, position)


@router.post("/{id}/discard", responses={409: {}})
def discard_delivery(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.SUBSCRIPTIONS_MANAGE, Verb.DELIVERY_DISCARD))],
    id: DeliveryId,
) -> DeliveryDocument:
    """Give a pending or dead delivery up; what waited behind it goes on."""
    subscription, position = _named(rooms, by, id)
    rooms.deliveries.discard(subscription, position, by)
    return _read(rooms, subscription, position)


@router.post("/{id}/answers", responses={422: {}})
def read_answers(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.SUBSCRIPTIONS_MANAGE, Verb.DELIVERY_ANSWERS))],
    id: DeliveryId,
    order: AnswersOrder,
    response: Response,
) -> AnswerList:
    """What the sink answered to the attempts that failed: the first 512 bytes of each body.

    It may repeat personal data of the event. So a caller who is not the subscription's owner gives a reason. The action log and a
    disclosure keep the reason.
    """
    subscription, position = _named(rooms, by, id)
    response.headers.update(NO_STORE)
    answers = rooms.sink_answers.open(subscription, position, by, order.reason or "")
    return AnswerList(
        answers=[AnswerDocument(number=one.number, at=one.at, status=one.status, text=one.text) for one in answers]
    )


def _subscriptions(rooms: Rooms, caller: Principal, id: str | None) -> Sequence[Subscription]:
    if id is None:
        return rooms.subscriptions.listed(whose(caller))
    return [rooms.subscriptions.get(id, whose(caller))]


def _named(rooms: Rooms, by: Actor, id: str) -> tuple[Subscription, int]:
    """The subscription and the position in a delivery's id."""
    of, _, position = id.rpartition(".")
    if not _is_number(position):
        raise DeliveryUnknown("A delivery's id is its subscription's id, a dot and a position.")
    return rooms.subscriptions.get(of, by.reach), int(position)


def _read(rooms: Rooms, subscription: Subscription, position: int) -> DeliveryDocument:
    (delivery,) = rooms.deliveries.of_event(position, [subscription])
    return _document(delivery)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER


def _document(delivery: Delivery) -> DeliveryDocument:
    return DeliveryDocument(
        id=delivery.id,
        subscription=delivery.subscription,
        position=delivery.position,
        state=DeliveryStateName[delivery.state.name],
        tries=delivery.attempts,
        next_attempt=delivery.next_attempt,
        finished_at=delivery.finished_at,
        status=delivery.status,
        attempts=[
            AttemptDocument(
                number=failed.number,
                at=failed.at,
                failure=failed.failure,
                status=failed.status,
                detail=failed.detail,
                duration_ms=failed.duration_ms,
            )
            for failed in delivery.failures
        ],
    )
