"""The status of the whole, over HTTP: who does not get what, and since when."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from bus.agencies import list_serving
from bus.delivery import MOST
from bus.http.api.subscriptions import whose
from bus.http.page import NO_STORE
from bus.http.rooms import TheRooms
from bus.http.security import Authorised, caller
from bus.http.written import write_model
from bus.identity import Principal
from bus.refusals import Poll
from bus.status import describe_status

router = APIRouter(prefix="/v1/status", tags=["Operation"], route_class=Authorised)

_COUNTED = f"counted up to {MOST}: that number means so many or more"


class LastFailure(BaseModel):
    """The attempt that failed last."""

    at: datetime
    failure: str = Field(description="transient, permanent or sink down; of a poll, its `kind`")
    status: int | None = Field(description="the HTTP status; null: there was no answer")
    detail: str


class PollFailureDocument(BaseModel):
    """How a poll failed last."""

    kind: str = Field(
        description="transient, permanent, agency down, unbound (no contract names the poll), contract (it protects the data "
        "too little), bus, or defect (of the adapter)"
    )
    detail: str = Field(description="for the operator; it holds no personal data")
    at: datetime
    since: datetime | None = Field(description="the first failure in a row; null: the poll ended well since")
    in_a_row: int = Field(description="failures since the poll last ended well")


class SubscriberDocument(BaseModel):
    """How one subscription stands."""

    subscription: str
    participant: str
    contracts: list[str]
    sink: str = Field(description="the webhook's host, the agency's operation, or `pull`")
    state: str = Field(description="active, paused or disabled")
    pending: int = Field(description=f"deliveries that wait, {_COUNTED}")
    dead: int = Field(description=f"deliveries that were given up, {_COUNTED}")
    waiting_since: datetime | None = Field(description="when the oldest event that waits was recorded")
    circuit: str = Field(description="open: the bus leaves the sink in peace; else closed")
    circuit_since: datetime | None = Field(description="when the circuit opened")
    next_try: datetime | None = Field(description="when the sink of an open circuit may be tried again")
    last_success: datetime | None
    last_failure: LastFailure | None
    failing_since: datetime | None = Field(description="the first failure since the last success; null: none since")
    suspended: list[str] = Field(description="its contracts whose grant is suspended; events under them wait")
    ungranted: list[str] = Field(
        description="its contracts whose newest version grants it nothing, or nothing any more; nothing new comes of them"
    )
    troubled: bool = Field(description="somebody should look")


class PollStateDocument(BaseModel):
    """How a poll of an agency stands."""

    agency: str
    operation: str
    polled_at: datetime | None
    set_aside: int = Field(description="rows that were refused, and are tried again")
    held: int = Field(description="deletions that wait for the operator's word")
    last_failure: PollFailureDocument | None = Field(description="null: it never failed")
    troubled: bool


class AgencyStateDocument(BaseModel):
    """How an agency stands as a whole."""

    agency: str
    state: str = Field(description="serving, paused or off")
    why: str | None = Field(description="why it is paused or off; null: it serves")
    since: datetime | None = Field(description="when the operator paused it")
    last_success: datetime | None = Field(description="of its polls and deliveries; null: none yet")
    last_failure: LastFailure | None = Field(description="of its polls and of deliveries to it")
    delivery_circuit: str | None = Field(description="open or closed; null: nothing is delivered to it")
    question_circuit: str | None = Field(
        description="open: a process puts no questions to it, since it does not answer; null: it has no settings here"
    )
    quota_daily: int | None = Field(description="calls of a day; null: it counts no calls")
    quota_left: int | None = Field(description="calls that are left until midnight WIB")
    held_polls: int = Field(description="polls whose deletions wait for the operator's word")
    set_aside: int = Field(description="rows that were refused, and are tried again")
    troubled: bool = Field(description="somebody should look")


class PauseStateDocument(BaseModel):
    """An agency, or one of its operations, that the operator paused."""

    agency: str
    operation: str | None = Field(description="null: all operations")
    reason: str
    by: str
    since: datetime


class ProducerDocument(BaseModel):
    """The newest event of a contract."""

    contract: str
    participant: str | None = Field(description="who sent it; null: nobody sent any")
    last_event: datetime | None
    fresh_hours: int | None = Field(description="how fresh the contract wants its data (`delivery.fresh_hours`)")
    silent: list[str] = Field(description="the producers, if none of them sent an event for longer")


class RefusedDocument(BaseModel):
    """How many events of a participant were refused in the last day."""

    participant: str
    contract: str | None = Field(description="null: the events named none that is registered")
    events: int
    last_at: datetime


class LivingDocument(BaseModel):
    """A process that delivers."""

    process: str
    roles: list[str]


class BusDocument(BaseModel):
    """How the bus itself does."""

    position: int = Field(description="of the newest event")
    relay_events: int = Field(description="events that the relay has still to pass on")
    relay_seconds: float = Field(description="how long the oldest of them waits")
    disk_free: int = Field(description="bytes")
    disk_total: int
    processes: list[LivingDocument]
    unattended: list[str] = Field(description="roles for which deliveries wait, and no process lives")


class StatusDocument(BaseModel):
    """The status of the whole bus, or of the caller's part of it."""

    at: datetime
    version: str
    bus: BusDocument | None = Field(description="for the operator; else null")
    subscribers: list[SubscriberDocument] = Field(description="those first that somebody should look at")
    agencies: list[PollStateDocument]
    agency_states: list[AgencyStateDocument] = Field(description="those first that somebody should look at")
    producers: list[ProducerDocument]
    refused: list[RefusedDocument]
    pauses: list[PauseStateDocument]


@router.get("", response_model=StatusDocument)
def read_status(rooms: TheRooms, caller: Annotated[Principal, Depends(caller(None))]) -> Response:
    """Who does not get what, and since when. The operator sees the whole bus, a participant its own part.

    It never counts all deliveries, so that it may be asked every few seconds.
    """
    whom = whose(caller)
    polls = [Poll(adapter, operation.name) for adapter, operation in rooms.agencies.list_polls()]
    mine = {one.adapter for one in polls if rooms.agencies.find_participant(one.adapter) == caller.participant}
    known = list_serving(rooms.agencies, rooms.quotas, rooms.queries)
    mine |= {
        one.name for one in known if one.off is None and rooms.agencies.find_participant(one.name) == caller.participant
    }
    wanted = [one for one in polls if whom is None or one.adapter in mine]
    return write_model(StatusDocument(**describe_status(rooms.status.read(whom, wanted, mine, known))), NO_STORE)
