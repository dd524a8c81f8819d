"""The action log over HTTP: who changed or steered what, and who tried to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from bus.actions import Actor, Channel, Found, Result, Verb, Wanted, to_document
from bus.http.acts import acting
from bus.http.cursors import After, Limit, Listing, read_position, write_position
from bus.http.page import NO_STORE
from bus.http.rooms import TheRooms
from bus.http.security import Authorised
from bus.http.values import Moment
from bus.http.written import write_page
from bus.identity import Scope

router = APIRouter(prefix="/v1/actions", tags=["Actions"], route_class=Authorised)

_NO_CONTROL = r"^[^\x00-\x1f]+$"

Who = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=100,
        pattern=_NO_CONTROL,
        description="by this participant, client (its id), or user of the operating system",
    ),
]
What = Annotated[Verb | None, Query(description="acts of this kind alone")]
About = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=255,
        pattern=_NO_CONTROL,
        description="about the object with this id; a contract's name stands for all of its versions",
    ),
]
Since = Annotated[Moment | None, Query(description="at this moment or later")]
Until = Annotated[Moment | None, Query(description="before this moment")]


class ActorDocument(BaseModel):
    """Who acted."""

    participant: str | None = Field(description="null: nobody who proved who they are")
    client_id: str | None = Field(description="the OAuth client; null for a command, a process or the console")
    user: str | None = Field(
        description="the operating system's user, in the console a member of staff; null for a client's request"
    )
    as_operator: bool = Field(description="with the operator's right over what belongs to others")


class ObjectDocument(BaseModel):
    """What an act was about."""

    kind: str = Field(examples=["subscription"])
    id: str = Field(examples=["sub_k3v5m2qa7xw4c6dnb5ty"])


class ActionDocument(BaseModel):
    """One act of administration or steering."""

    at: datetime
    who: ActorDocument
    on_behalf_of: str | None = Field(description="the participant whose thing it is")
    address: str = Field(
        description="from where: the client's network address, or the name of the machine", alias="from"
    )
    channel: Channel
    what: Verb
    object: ObjectDocument
    before: dict[str, Any] | None = Field(description="the members that it changed, as they were; without secrets")
    after: dict[str, Any] | None = Field(description="the same members since then")
    details: dict[str, Any] | None = Field(description="what else tells it from others of its kind")
    result: Result
    count: int = Field(description="how many equal acts it stands for: failed logins and refusals are counted together")
    trace_id: str | None = Field(description="of the request (W3C Trace Context)")


class ActionList(BaseModel):
    """A page of actions, newest first."""

    actions: list[ActionDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


@router.get("", response_model=ActionList)
def list_actions(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.AUDIT_READ, Verb.ACTIONS_READ))],
    who: Who = None,
    since: Since = None,
    until: Until = None,
    what: What = None,
    object: About = None,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """Who changed or steered what, who tried to without the right to it, and which logins failed; newest first.

    Who asked is in the log too.
    """
    before = read_position(after, Listing.ACTIONS, "") or None
    found = rooms.actions.search(Wanted(who, what, object, since, until), before, limit + 1, by)
    told = [ActionDocument(**to_document(one)) for one in found[:limit]]
    return write_page(ActionList(actions=told, next=_next(found, limit)), NO_STORE)


def _next(found: Sequence[Found], limit: int) -> str | None:
    return write_position(Listing.ACTIONS, "", found[limit - 1].id) if len(found) > limit else None
