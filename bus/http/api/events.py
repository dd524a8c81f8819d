"""One event by its position, and for its sender the deliveries."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from bus import json
from bus.delivery import Delivery
from bus.disclosures import Channel, Disclosure
from bus.http.event_documents import CloudEvent
from bus.http.page import NO_STORE, EventReader, Reading
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised
from bus.identity import Principal
from bus.journal import Entry, split_place
from bus.problem import NotFound

router = APIRouter(prefix="/v1/events", tags=["Events"], route_class=Authorised)

Position = Annotated[int, Path(ge=1, le=2**63 - 1, description="`position` of the receipt, `sequence` of the event")]


class EventUnknown(NotFound):
    """There is no event at this position that you may see."""

    slug = "event-unknown"


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


_ANSWER: Final[dict[int | str, dict[str, Any]]] = {200: {"model": EventAnswer}}


@router.get("/{position}", response_class=Response, responses=_ANSWER)
def read_event(rooms: TheRooms, caller: EventReader, position: Position) -> Response:
    """The event at a position; 404 if there is none, or none that you may see."""
    entry = _find(rooms, position)
    body = None if entry is None else _show_to_sender(rooms, caller, entry) or _show_through_view(rooms, caller, entry)
    if body is None:
        raise EventUnknown("Nothing is there that you may see.")
    return Response(body, headers=NO_STORE, media_type="application/json")


def _find(rooms: Rooms, number: int) -> Entry | None:
    """The event at a position, or with a `sequence`, which also names the event's epoch."""
    epoch, position = split_place(number)
    entry = rooms.journal.at([position]).get(position)
    if entry is None or (epoch and int(json.loads(entry.body)["sequence"]) != number):
        return None
    return entry


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
