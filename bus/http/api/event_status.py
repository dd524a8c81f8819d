"""What became of an event, by its source and id: for the participant that sent it, and for the operator."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from bus import clock
from bus.http.page import NO_STORE
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.http.written import write_model
from bus.identity import Principal, Scope
from bus.journal import Entry
from bus.problem import Forbidden
from bus.refusals import RefusedEvent

router = APIRouter(prefix="/v1/events", tags=["Events"], route_class=Authorised)

_TEXT = r"^[^\x00-\x1f]+$"

Publisher = Annotated[Principal, Depends(caller(Scope.EVENTS_PUBLISH))]
Source = Annotated[
    str, Query(min_length=1, max_length=1024, pattern=_TEXT, description="the event's `source`", examples=["/dpmptsp"])
]
Id = Annotated[
    str, Query(min_length=1, max_length=1024, pattern=_TEXT, description="the event's `id`", examples=["2026-0001"])
]
Sender = Annotated[
    str | None,
    Query(min_length=1, max_length=63, pattern=_TEXT, description="who sent it; for the operator, absent: yourself"),
]


class NotYourEvent(Forbidden):
    """What became of an event is told to the participant that sent it, and to the operator."""

    slug = "not-your-event"


class EventState(StrEnum):
    """What became of an event."""

    STORED = "stored"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class BrokenRule(BaseModel):
    """A rule that an event broke, and where."""

    pointer: str = Field(
        description="where in the event; `*` stands for every index, `<other>` for a name that the contract does not know"
    )
    rule: str = Field(description="the schema's keyword, such as `required`, or the end of the problem's type")


class EventRefusal(BaseModel):
    """Why an event was refused, when it was sent last."""

    at: datetime
    type: str = Field(description="the problem's type, such as `urn:bus:problem:data-invalid`")
    title: str
    status: int = Field(description="the HTTP status")
    errors: list[BrokenRule]


class EventStatus(BaseModel):
    """What became of an event."""

    state: EventState = Field(
        description="stored: committed to disk; refused: not stored, and refused within seven days; unknown: neither"
    )
    position: int | None = Field(default=None, description="of a stored event: its place in the journal")
    recorded_at: datetime | None = Field(default=None, description="of a stored event: when it was stored")
    contract: str | None = Field(default=None, description="of a stored event: its contract")
    version: str | None = Field(default=None, description="of a stored event: the version that it was checked against")
    refusal: EventRefusal | None = Field(default=None, description="of a refused event")


@router.get("/status", response_model=EventStatus)
def read_event_status(
    rooms: TheRooms, caller: Publisher, source: Source, id: Id, participant: Sender = None
) -> Response:
    """What became of an event that you sent, by its `source` and `id`: ask it when an answer did not arrive.

    A stored event is never refused. An event is told as refused about a second after the refusal. The newest 1,000 refused
    events of a participant are kept for seven days. A refused batch is known by each of its wrong events.
    """
    sender = participant or caller.participant
    if sender != caller.participant and not caller.is_operator:
        raise NotYourEvent(f"You are {caller.participant}; leave participant out.")
    return write_model(_find_status(rooms, sender, source, id), NO_STORE)


def _find_status(rooms: Rooms, sender: str, source: str, id: str) -> EventStatus:
    entry = rooms.journal.find(sender, source, id)
    if entry is not None:
        return _tell_stored(rooms, entry)
    refused = rooms.refusals.find_event(sender, source, id)
    if refused is not None:
        return EventStatus(state=EventState.REFUSED, refusal=_tell_refusal(refused))
    return EventStatus(state=EventState.UNKNOWN)


def _tell_stored(rooms: Rooms, entry: Entry) -> EventStatus:
    contract = rooms.catalogue.version_numbered(entry.version_id).contract
    return EventStatus(
        state=EventState.STORED,
        position=entry.position,
        recorded_at=clock.moment(entry.recorded_at),
        contract=contract.name,
        version=contract.version,
    )


def _tell_refusal(refused: RefusedEvent) -> EventRefusal:
    return EventRefusal(
        at=refused.at,
        type=f"urn:bus:problem:{refused.slug}",
        title=refused.title,
        status=refused.status,
        errors=[BrokenRule(pointer=pointer, rule=rule) for rule, pointer in refused.places],
    )
