"""Staff over HTTP, for the operator: the people who use the console, their one-time links, and the end of their sessions."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from bus.actions import Actor, Verb
from bus.http.acts import acting
from bus.http.cursors import After, Limit, Listing, read_name, write_next_name
from bus.http.openapi_parts import refer_headers
from bus.http.packing import HOLDS_SECRET
from bus.http.page import NO_STORE
from bus.http.path_parameters import StaffName
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.http.written import write_page
from bus.identity import Scope
from bus.staff import LINK_PATH, Account, Role

router = APIRouter(prefix="/v1/staff", tags=["Staff"], route_class=Authorised)

_OPERATOR: Final = [Depends(caller(Scope.ADMIN))]
_NAMES_NONE: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "There is no such account"}}
_MADE: Final[dict[int | str, dict[str, Any]]] = {
    201: {"headers": refer_headers("Location")},
    404: {"description": "There is no such participant"},
    409: {},
}


class StaffDocument(BaseModel):
    """The account of one member of staff."""

    name: str
    role: Role
    participant: str | None = Field(description="the participant that the member acts for; null: the role has none")
    created_at: datetime
    is_set_up: bool = Field(description="whether anything proves the account yet")
    is_disabled: bool = Field(description="whether the account is shut out for good")


class StaffList(BaseModel):
    """A page of accounts in order of name."""

    staff: list[StaffDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


class NewStaff(BaseModel):
    """A member of staff to add."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "andi", "role": "pemilik-aplikasi", "participant": "bapenda"}]},
    )

    name: str = Field(json_schema_extra={"pattern": "^[a-z][a-z0-9-]{1,62}$", "maxLength": 63})
    role: Role
    participant: str | None = Field(
        None, min_length=1, max_length=63, description="needed by pemilik-aplikasi and pemilik-kontrak alone"
    )


class StaffLink(BaseModel):
    """A one-time link; it is shown this once."""

    name: str
    link: str = Field(description="sets a passkey, or a password with an authenticator, once and for a while")


@router.get("", response_model=StaffList, dependencies=_OPERATOR)
def list_staff(rooms: TheRooms, limit: Limit = 100, after: After = "") -> Response:
    """The accounts, disabled ones too."""
    found = rooms.staff.accounts.list_page(limit + 1, read_name(after, Listing.STAFF))
    following = write_next_name(Listing.STAFF, "", [one.name for one in found], limit)
    return write_page(StaffList(staff=[_document(one) for one in found[:limit]], next=following))


@router.get("/{name}", dependencies=_OPERATOR, responses=_NAMES_NONE)
def read_staff(rooms: TheRooms, name: StaffName) -> StaffDocument:
    """One account."""
    return _document(rooms.staff.accounts.get(name))


@router.post("", status_code=201, dependencies=[HOLDS_SECRET], responses=_MADE)
def add_staff(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.STAFF_ADD))],
    new: NewStaff,
    response: Response,
) -> StaffLink:
    """Add an account, and make the link by which the member sets what proves it."""
    response.headers.update({**NO_STORE, "Location": f"{router.prefix}/{new.name}"})
    return _link(rooms, new.name, rooms.staff.accounts.add(new.name, new.role, new.participant, by))


@router.post("/{name}/link", dependencies=[HOLDS_SECRET], responses={**_NAMES_NONE, 409: {}})
def make_staff_link(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.STAFF_LINK))],
    name: StaffName,
    response: Response,
) -> StaffLink:
    """A new link, for a member who lost what proves the account. Until it is used, the old proofs work."""
    response.headers.update(NO_STORE)
    return _link(rooms, name, rooms.staff.accounts.make_link(name, by))


@router.post("/{name}/end-sessions", status_code=204, responses=_NAMES_NONE)
def end_staff_sessions(
    rooms: TheRooms, by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.STAFF_END_SESSIONS))], name: StaffName
) -> None:
    """End all sessions of a member at once. The member may sign in again."""
    rooms.staff.accounts.end_sessions(name, by)


@router.delete("/{name}", status_code=204, responses=_NAMES_NONE)
def disable_staff(
    rooms: TheRooms, by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.STAFF_DISABLE))], name: StaffName
) -> None:
    """Shut an account out for good. Its sessions and links end at once; the account stays, since the action log names it."""
    rooms.staff.accounts.disable(name, by)


def _link(rooms: Rooms, name: str, secret: str) -> StaffLink:
    return StaffLink(name=name, link=f"{rooms.tokens.issuer}{LINK_PATH}{secret}")


def _document(account: Account) -> StaffDocument:
    return StaffDocument(
        name=account.name,
        role=account.role,
        participant=account.participant,
        created_at=account.created_at,
        is_set_up=account.is_set_up,
        is_disabled=account.is_disabled,
    )
