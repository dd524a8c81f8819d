"""What the gate refused, over HTTP: for the producer's developer, the contract's owner and the operator; never a value."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from bus import clock
from bus.http.api.contracts import Reader
from bus.http.cursors import After, Limit, Listing, read_position, write_position
from bus.http.page import NO_STORE
from bus.http.rooms import TheRooms
from bus.http.security import Authorised
from bus.http.values import Moment
from bus.http.written import write_page
from bus.identity import Scope
from bus.refusals import Alert, Found

router = APIRouter(prefix="/v1/refusals", tags=["Contracts"], route_class=Authorised)

Name = Annotated[
    str | None, Query(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]+$", description="of this contract alone")
]
Since = Annotated[Moment | None, Query(description="what was refused since then; absent: in thirty days")]


class RefusalDocument(BaseModel):
    """How often events broke one rule at one place within an hour."""

    hour: AwareDatetime = Field(description="when the hour began")
    contract: str | None = Field(
        description="null: the event named none that is registered; `<more>`: too many kinds of refusal to tell apart"
    )
    version: str | None = Field(description="that the event meant; null: none that is registered")
    participant: str = Field(description="who sent it")
    client_id: str
    rule: str = Field(
        description="the schema's keyword, such as `required`, or the problem's, such as `not-a-producer`"
    )
    pointer: str = Field(
        description="where in the event; `*` stands for every index, `<other>` for a name that the contract does not know"
    )
    count: int = Field(description="events refused for it")
    first_at: AwareDatetime
    last_at: AwareDatetime


class AlertDocument(BaseModel):
    """A producer's refusals jumped after a version of a contract took over from another."""

    contract: str
    version: str = Field(description="that took over")
    activated_at: AwareDatetime
    participant: str = Field(description="whose refusals jumped")
    before: int = Field(description="events refused in its worst hour of the week before")
    after: int = Field(description="events refused in its worst hour since, at most a week")


class RefusalList(BaseModel):
    """A page of refusals, newest first, and the jumps among those that the caller may see."""

    refusals: list[RefusalDocument]
    alerts: list[AlertDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


@router.get("", response_model=RefusalList)
def list_refusals(
    rooms: TheRooms,
    caller: Reader,
    contract: Name = None,
    since: Since = None,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """What was refused at publishing, by hour, contract, sender, rule and place; about two seconds old.

    A producer sees its own, the contract's owner everybody's under its contracts, the operator all.
    """
    reader = None if Scope.ADMIN in caller.scopes else caller.participant
    before = read_position(after, Listing.REFUSALS, contract or "") or None
    found = rooms.refusals.search(contract, reader, since=since, before=before, limit=limit + 1)
    told = RefusalList(
        refusals=[_document(one) for one in found[:limit]],
        alerts=[_alert(one) for one in rooms.refusals.find_alerts(clock.now(), contract, reader)],
        next=_next(found, limit, contract or ""),
    )
    return write_page(told, NO_STORE)


def _next(found: Sequence[Found], limit: int, contract: str) -> str | None:
    return write_position(Listing.REFUSALS, contract, found[limit - 1].id) if len(found) > limit else None


def _document(found: Found) -> RefusalDocument:
    refusal = found.refusal
    return RefusalDocument(
        hour=clock.moment(refusal.hour),
        contract=refusal.contract or None,
        version=refusal.version or None,
        participant=refusal.participant,
        client_id=refusal.client_id,
        rule=refusal.rule,
        pointer=refusal.pointer,
        count=found.count,
        first_at=found.first_at,
        last_at=found.last_at,
    )


def _alert(alert: Alert) -> AlertDocument:
    jump = alert.jump
    return AlertDocument(
        contract=alert.contract,
        version=alert.version,
        activated_at=alert.activated_at,
        participant=jump.participant,
        before=jump.before,
        after=jump.after,
    )
