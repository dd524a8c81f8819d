"""The limits of one participant, for the operator."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator

from bus.actions import Actor, Verb
from bus.http.acts import acting
from bus.http.path_parameters import ParticipantName
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.identity import Scope
from bus.limits import Limit, Policy

router = APIRouter(prefix="/v1/participants/{name}/limits", tags=["Participants"], route_class=Authorised)

Value = Annotated[int | str | None, Field(description="a rate such as 600/60s, or a number; null: the default's")]


def _write_schema() -> dict[str, Any]:
    """The schema of own limits: each as the policy declares it, or null."""
    declared: dict[str, dict[str, Any]] = Policy.model_json_schema()["properties"]
    values = {name: {key: one for key, one in schema.items() if key != "default"} for name, schema in declared.items()}
    properties = {name: {"anyOf": [schema, {"type": "null"}]} for name, schema in values.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


class LimitsOrder(BaseModel):
    """A participant's own limits; what is not given is the default's."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"limits": {"publish": "50000/10s", "subscriptions": 300}}]}
    )

    limits: Annotated[dict[str, Value], WithJsonSchema(_write_schema())] = Field(description=f"of {', '.join(Limit)}")

    @field_validator("limits", mode="before")
    @classmethod
    def _check_numbers(cls, limits: Any) -> Any:
        # The policy is also read from the environment, where numbers are texts.
        for name, value in limits.items() if isinstance(limits, dict) else ():
            declared = Policy.model_fields.get(name)
            is_number = type(value) is int or (type(value) is float and value.is_integer())
            if declared is not None and declared.annotation is int and value is not None and not is_number:
                raise ValueError(f"{name} must be an integer or null")
        return limits


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


@router.put("", responses={422: {}})
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
