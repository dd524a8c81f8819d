"""The limits of one participant, for the operator."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from bus.actions import Actor, Verb
from bus.http.acts import acting
from bus.http.parameters import ParticipantName
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.identity import Scope
from bus.limits import Limit, Policy

router = APIRouter(prefix="/v1/participants/{name}/limits", tags=["Participants"], route_class=Authorised)

Value = Annotated[str | int | None, Field(description="a rate such as 600/60s, or a number; null: the default's")]


class LimitsOrder(BaseModel):
    """A participant's own limits; what is not given is the default's."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"limits": {"publish": "50000/10s", "subscriptions": 300}}]}
    )

    limits: dict[str, Value] = Field(description=f"of {', '.join(Limit)}")


class LimitsDocument(BaseModel):
    """What a participant may do."""

    participant: str
    limits: dict[str, str | int] = Field(description="the participant's own values")
    in_force: Policy = Field(description="every limit: its own value, or the default")


@router.get("", dependencies=[Depends(caller(Scope.ADMIN))])
def read_limits(rooms: TheRooms, name: ParticipantName) -> LimitsDocument:
    """What a participant may do; its own values and those in force."""
    rooms.participants.get(name)
    return _document(rooms, name)


@router.put("")
async def put_limits(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.LIMITS_SET))],
    name: ParticipantName,
    order: LimitsOrder,
) -> LimitsDocument:
    """Replace a participant's own limits; in force here at once, and in every process within a second."""
    return await asyncio.to_thread(_put, rooms, name, order.limits, by)


def _put(rooms: Rooms, name: str, own: dict[str, Any], by: Actor) -> LimitsDocument:
    rooms.participants.get(name)
    rooms.limits.register.put(name, own, by)
    rooms.limits.refresh()
    return _document(rooms, name)


def _document(rooms: Rooms, name: str) -> LimitsDocument:
    register = rooms.limits.register
    own = register.read(name)
    return LimitsDocument(participant=name, limits=dict(own), in_force=register.defaults.with_own(own))
