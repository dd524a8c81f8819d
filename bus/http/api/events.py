"""One event by its position, and for its sender the deliveries."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from bus import json
from bus.actions import Actor, Verb
from bus.delivery import Delivery
from bus.disclosures import LONGEST_REASON, Channel, Disclosure, EventUnknown
from bus.http.acts import acting
from bus.http.event_documents import CloudEvent
from bus.http.page import NO_STORE, EventReader, Reading
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised
from bus.identity import Principal, Scope
from bus.journal import Entry

router = APIRouter(prefix="/v1/events", tags=["Events"], route_class=Authorised)

Position = Annotated[int, Path(ge=1, le=2**63 - 1, description="`position` of the receipt, `sequence` of the event")]


class EventDelivery(BaseModel):
    """Where an event went, as its sender may know it; why a sink failed is its subscriber's affair."""

    id: str
    subscription: str
    state: str = Field(description="pending, delivered, dead or discarded")
    attempts: int
    next_attempt: datetime | None
    finished_at: datetime | None
    status: int | None = Field(description="HTTP status of the sink's last answer")


class EventAnswer(BaseModel):
    """An event."""

    event: CloudEvent = Field(description="as your grant shows it; whole if you sent it")
    deliveries: list[EventDelivery] | None = Field(None, description="only for who sent it")


class OpeningOrder(BaseModel):
    """Why somebody opens an event."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "keluhan warga nomor 12"}]})

    reason: str = Field(min_length=1, max_length=LONGEST_REASON, description="one line; disclosures keep it")


_ANSWER: Final[dict[int | str, dict[str, Any]]] = {200: {"model": EventAnswer}}


@router.get("/{position}", response_class=Response, responses=_ANSWER)
def read_event(rooms: TheRooms, caller: EventReader, position: Position) -> Response:
    """The event at a position; 404 if there is none, or none that you may see."""
    entry = rooms.journal.find_place(position)
    body = None if entry is None else _show_to_sender(rooms, caller, entry) or _show_through_view(rooms, caller, entry)
    if body is None:
        raise EventUnknown("Nothing is there that you may see.")
    return Response(body, headers=NO_STORE, media_type="application/json")


@router.post("/{position}/open", response_class=Response, responses={**_ANSWER, 422: {}})
def open_event(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.EVENTS_READ, Verb.EVENT_OPEN))],
    position: Position,
    order: OpeningOrder,
) -> Response:
    """The event at a position, with the reason why you open it; 404 if there is none, or none that you may see.

    The operator (scope `admin` too) and the sender see it whole, others through their grant. The action log and, for personal
    data, a disclosure have the reason; both are on disk before the answer.
    """
    shown = rooms.openings.open(position, by, order.reason)
    return Response(b'{"event":%b}' % shown.text, headers=NO_STORE, media_type="application/json")


def _show_to_sender(rooms: Rooms, caller: Principal, entry: Entry) -> bytes | None:
    """The event whole with its deliveries, for the participant that sent it."""
    if caller.participant != entry.participant:
        return None
    version = rooms.catalogue.version_numbered(entry.version_id)
    deliveries = rooms.deliveries.of_event(entry.position, rooms.subscriptions.all())
    if version.is_personal:
        rooms.disclosures.record([_make_disclosure(caller, entry, version.contract.version)])
    shown = json.dumps([_write_delivery(delivery) for delivery in deliveries])
    return b'{"event":%b,"deliveries":%b}' % (entry.body, shown)


def _make_disclosure(caller: Principal, entry: Entry, version: str) -> Disclosure:
    return Disclosure(
        participant=caller.participant,
        client_id=caller.client_id,
        channel=Channel.EVENT,
        contract_id=entry.contract_id,
        version=version,
        purpose="own event",
        legal_basis="",
        fields=[""],
        positions=[entry.position],
    )


def _show_through_view(rooms: Rooms, caller: Principal, entry: Entry) -> bytes | None:
    """The event through the caller's view."""
    name = rooms.catalogue.version_numbered(entry.version_id).contract.name
    reading = Reading(rooms, name, caller, Channel.EVENT)
    found = reading.event(entry)
    if found is None:
        return None
    text, view = found
    reading.disclose(entry, view)
    return b'{"event":%b}' % text


def _write_delivery(delivery: Delivery) -> dict[str, Any]:
    document = EventDelivery(
        id=delivery.id,
        subscription=delivery.subscription,
        state=delivery.state.name.lower(),
        attempts=delivery.attempts,
        next_attempt=delivery.next_attempt,
        finished_at=delivery.finished_at,
        status=delivery.status,
    )
    return document.model_dump(mode="json")
