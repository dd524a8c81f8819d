"""The traffic over HTTP: how many events flow from whom to whom, by the hour and by the minute."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from bus import clock
from bus.http.api.subscriptions import whose
from bus.http.cursors import After, Limit, Listing, read_pair, write_pair
from bus.http.page import NO_STORE
from bus.http.rooms import TheRooms
from bus.http.security import Authorised, caller
from bus.http.values import Moment
from bus.http.written import write_page
from bus.identity import Principal
from bus.rollups import Found, Span, Wanted

router = APIRouter(prefix="/v1/traffic", tags=["Operation"], route_class=Authorised)

_USUAL: Final = timedelta(days=1)

Name = Annotated[str | None, Query(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]+$")]


class TrafficDocument(BaseModel):
    """The counts of one flow in one span of time. A flow without traffic in a span has no entry."""

    at: AwareDatetime = Field(description="when the span begins")
    contract: str | None = Field(description="null: the events named none that is registered, or are deleted")
    sender: str | None = Field(description="who sent the events; null: they were pulled, or are deleted")
    receiver: str | None = Field(description="the subscriber or reader; null: the events on their way into the bus")
    published: int = Field(description="events that the bus accepted")
    refused: int = Field(description="events that the bus refused")
    delivered: int = Field(
        description="events that the receiver took, by webhook, pull or adapter; those of replays too"
    )
    failed: int = Field(description="attempts that failed and are made again")
    dead: int = Field(description="deliveries that were given up")
    pulled: int = Field(
        description="events that the receiver read from feeds and records, each as often as it read them"
    )
    delay_seconds: float | None = Field(
        description="the mean time between acceptance and delivery of the delivered events; null: there are none"
    )


class TrafficList(BaseModel):
    """A page of counts, the oldest first."""

    traffic: list[TrafficDocument]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


@router.get("", response_model=TrafficList)
def list_traffic(
    rooms: TheRooms,
    caller: Annotated[Principal, Depends(caller(None))],
    step: Annotated[
        Span, Query(description="what one count covers: minutes are kept for two days, hours for thirteen months")
    ] = Span.HOUR,
    since: Annotated[Moment | None, Query(description="from here on; absent: a day before `until`")] = None,
    until: Annotated[Moment | None, Query(description="before then; absent: now")] = None,
    contract: Name = None,
    participant: Name = None,
    limit: Limit = 100,
    after: After = "",
) -> Response:
    """How many events flowed from whom to whom: accepted, refused, delivered, failed. The counts are a few seconds old.

    The operator sees all flows. A participant sees the flows that it sends or gets; `participant` names the other side then.
    A kill of the bus may lose the `pulled` of the last seconds, and no other count.
    """
    end = until or clock.now()
    wanted = Wanted(since or end - _USUAL, end, contract, participant, whose(caller))
    of = f"{step} {contract or ''} {participant or ''}"
    found = rooms.traffic.list(step, wanted, limit + 1, read_pair(after, Listing.TRAFFIC, of))
    following = _find_next(found, limit, of)
    return write_page(TrafficList(traffic=[_describe(one) for one in found[:limit]], next=following), NO_STORE)


def _find_next(found: Sequence[Found], limit: int, of: str) -> str | None:
    if len(found) <= limit:
        return None
    last = found[limit - 1]
    return write_pair(Listing.TRAFFIC, of, (last.at, last.number))


def _describe(found: Found) -> TrafficDocument:
    flow, counts = found.flow, found.counts
    return TrafficDocument(
        at=found.begins_at,
        contract=flow.contract or None,
        sender=flow.sender or None,
        receiver=flow.receiver or None,
        published=counts.published,
        refused=counts.refused,
        delivered=counts.delivered,
        failed=counts.failed,
        dead=counts.dead,
        pulled=counts.pulled,
        delay_seconds=counts.mean_delay,
    )
