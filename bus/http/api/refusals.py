"""What the gate refused, over HTTP: for the producer's developer, the contract's owner and the operator.

No value is told but the key of a row that a poll set aside.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from bus import clock
from bus.http.api.contracts import Reader
from bus.http.cursors import After, Limit, Listing, read_pair, write_pair
from bus.http.page import NO_STORE
from bus.http.rooms import TheRooms
from bus.http.security import Authorised
from bus.http.values import Moment
from bus.http.written import write_page
from bus.identity import Scope
from bus.refusals import Alert, CountedRefusal, ListedAside

router = APIRouter(prefix="/v1/refusals", tags=["Contracts"], route_class=Authorised)

Name = Annotated[
    str | None, Query(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]+$", description="of this contract alone")
]
_END: Final = 1
"""Stands behind the last entry of a list, since the first one has the id 1."""

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


class RowRule(BaseModel):
    """A rule that a row breaks."""

    rule: str = Field(description="as in a refusal; `row-unreadable`: the adapter cannot read the row")
    pointer: str = Field(description="where in the row's event")


class SetAsideDocument(BaseModel):
    """A row of an agency that was refused. It is tried again once the row or its contract changes."""

    adapter: str
    operation: str = Field(description="the poll that brought it")
    contract: str
    key: str = Field(description="the row's own key at the agency; `?` and a digest: it has none that can be used")
    source: str = Field(description="of its event")
    errors: list[RowRule]
    first_at: AwareDatetime = Field(description="when it was first refused")
    tried_at: AwareDatetime = Field(description="when it was last refused")


class AlertDocument(BaseModel):
    """A producer's refusals jumped after a version of a contract took over from another."""

    contract: str
    version: str = Field(description="that took over")
    activated_at: AwareDatetime
    participant: str = Field(description="whose refusals jumped")
    before: int = Field(description="events refused in its worst hour of the week before")
    after: int = Field(description="events refused in its worst hour since, at most a week")


class RefusalList(BaseModel):
    """A page of refusals and a page of rows set aside, newest first. Also the jumps that the caller may see."""

    refusals: list[RefusalDocument]
    set_aside: list[SetAsideDocument]
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

    `set_aside` lists the rows of agencies that were refused, each with its own key, until they are published or gone.
    A producer sees its own, the contract's owner everybody's under its contracts, the operator all.
    """
    reader = None if Scope.ADMIN in caller.scopes else caller.participant
    before, before_aside = read_pair(after, Listing.REFUSALS, contract or "")
    found = rooms.refusals.search(contract, reader, since=since, before=before or None, limit=limit + 1)
    asides = rooms.set_aside.search(contract, reader, since=since, before=before_aside or None, limit=limit + 1)
    told = RefusalList(
        refusals=[_document(one) for one in found[:limit]],
        set_aside=[_aside(one) for one in asides[:limit]],
        alerts=[_alert(one) for one in rooms.refusals.find_alerts(clock.now(), contract, reader)],
        next=_next(found, asides, limit, contract or ""),
    )
    return write_page(told, NO_STORE)


def _next(found: Sequence[CountedRefusal], asides: Sequence[ListedAside], limit: int, contract: str) -> str | None:
    if max(len(found), len(asides)) <= limit:
        return None
    ends = tuple(some[limit - 1].id if len(some) > limit else _END for some in (found, asides))
    return write_pair(Listing.REFUSALS, contract, (ends[0], ends[1]))


def _aside(found: ListedAside) -> SetAsideDocument:
    return SetAsideDocument(
        adapter=found.poll.adapter,
        operation=found.poll.operation,
        contract=found.contract,
        key=found.key,
        source=found.source,
        errors=[RowRule(rule=one.rule, pointer=one.pointer) for one in found.errors],
        first_at=found.first_at,
        tried_at=found.tried_at,
    )


def _document(found: CountedRefusal) -> RefusalDocument:
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
