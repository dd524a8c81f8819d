"""Agencies, for the operator: how they stand, his word on held deletions, and pauses."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bus import clock
from bus.actions import Actor, Verb
from bus.agencies import LONGEST_REASON, Agencies, Held, KnownAgency, NoSuchAgency, Pause, PollReport, list_serving
from bus.http.acts import acting
from bus.http.api.status import PollFailureDocument
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.identity import Scope
from bus.refusals import Poll
from bus.status import describe_poll_failure, name_circuit

router = APIRouter(prefix="/v1/agencies", tags=["Agencies"], route_class=Authorised)

Agency = Annotated[str, Path(max_length=100, pattern=r"^[^\x00-\x1f]+$", description="the adapter's name")]
OperationName = Annotated[
    str | None,
    Query(
        max_length=100, pattern=r"^[^\x00-\x1f]+$", description="of this poll alone; absent: of all the agency's polls"
    ),
]


PausedName = Annotated[
    str | None,
    Query(max_length=100, pattern=r"^[^\x00-\x1f]+$", description="this operation alone; absent: the whole agency"),
]


class HeldDocument(BaseModel):
    """Deletions that a poll holds back, since an implausible share of a list's rows is gone."""

    source: str = Field(description="of the events of the list")
    deletions: int = Field(description="rows that are gone from the agency's list")
    known: int = Field(description="rows that the bus has of the list, with those that are gone")
    since: AwareDatetime
    released: int | None = Field(description="deletions that the operator let go; null: he did not say yet")


class PollDocument(BaseModel):
    """How a poll stands."""

    operation: str
    polled_at: AwareDatetime | None = Field(description="its last step that ended well; null: there was none")
    set_aside: int = Field(description="rows that were refused, and are tried again; GET /v1/refusals lists them")
    held: Sequence[HeldDocument]
    last_failure: PollFailureDocument | None = Field(description="null: it never failed")


class QuotaDocument(BaseModel):
    """What an agency's quota of today has left."""

    daily: int = Field(description="calls that the agreement allows in a day")
    left: int = Field(description="calls that are left until midnight WIB")


class PauseDocument(BaseModel):
    """A pause of an agency."""

    operation: str | None = Field(description="what is paused; null: all operations")
    reason: str
    by: str = Field(description="the participant that paused it")
    since: AwareDatetime


class AgencyDocument(BaseModel):
    """An agency and its polls."""

    agency: str
    off: str | None = Field(description="why the adapter does not serve; null: it serves, or nobody set it up")
    question_circuit: str | None = Field(
        description="open: a process puts no questions to it, since it does not answer; null: it has no settings here"
    )
    quota: QuotaDocument | None = Field(description="null: the agency counts no calls, or has no settings here")
    pauses: Sequence[PauseDocument]
    polls: Sequence[PollDocument]


class AgencyList(BaseModel):
    """The agencies that this bus polls, asks or delivers to, by name."""

    agencies: Sequence[AgencyDocument]


class PauseOrder(BaseModel):
    """Why an agency is paused."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "Pemeliharaan SPLP sampai pukul 22.00"}]}
    )

    reason: str = Field(
        min_length=1, max_length=LONGEST_REASON, description="one line; whoever asks the agency reads it"
    )


class PauseState(BaseModel):
    """The pauses of an agency after an act."""

    agency: str
    pauses: Sequence[PauseDocument]


class ReleaseDocument(BaseModel):
    """What was released."""

    agency: str
    released: Sequence[HeldDocument]


@router.get("", dependencies=[Depends(caller(Scope.ADMIN))])
def list_agencies(rooms: TheRooms) -> AgencyList:
    """How each agency stands: its polls with their last step, last failure, rows set aside and held deletions; the circuit of
    its questions; its quota; its pauses."""
    polls = [Poll(adapter, operation.name) for adapter, operation in rooms.agencies.list_polls()]
    reports, pauses = rooms.holds.report(polls), rooms.pauses.list()
    known = {one.name: one for one in list_serving(rooms.agencies, rooms.quotas, rooms.queries)}
    names = sorted({*known, *(one.poll.adapter for one in reports), *(one.agency for one in pauses)})
    return AgencyList(agencies=[_make_agency(known.get(name, KnownAgency(name)), reports, pauses) for name in names])


@router.post("/{agency}/pause", responses={422: {}})
async def pause_agency(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.AGENCY_PAUSE))],
    agency: Agency,
    order: PauseOrder,
    operation: PausedName = None,
) -> PauseState:
    """Leave an agency, or one of its operations, in peace until somebody resumes it.

    Every process follows within a second. Deliveries and polls wait; questions are refused with your reason. Pause again to give
    another reason.
    """
    _check_known(rooms.agencies, agency, operation)
    await asyncio.to_thread(rooms.pauses.pause, agency, operation, order.reason, by)
    return await asyncio.to_thread(_tell_pauses, rooms, agency)


@router.post("/{agency}/resume", responses={409: {}})
async def resume_agency(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.AGENCY_RESUME))],
    agency: Agency,
    operation: PausedName = None,
) -> PauseState:
    """End a pause. What waited goes within seconds."""
    await asyncio.to_thread(rooms.pauses.resume, agency, operation, by)
    return await asyncio.to_thread(_tell_pauses, rooms, agency)


@router.post("/{agency}/release", responses={409: {}})
async def release_deletions(
    rooms: TheRooms,
    by: Annotated[Actor, Depends(acting(Scope.ADMIN, Verb.AGENCY_RELEASE))],
    agency: Agency,
    operation: OperationName = None,
) -> ReleaseDocument:
    """Let the polls of an agency make the deletions that they hold back; they do so within seconds.

    Should more rows be gone by then, the poll holds again.
    """
    return await asyncio.to_thread(_release, rooms, agency, operation, by)


def _release(rooms: Rooms, agency: str, operation: str | None, by: Actor) -> ReleaseDocument:
    if agency not in _find_names(rooms.agencies, rooms.holds.report()):
        raise NoSuchAgency(f"This bus polls no agency {agency}.")
    held = rooms.holds.release(agency, by, operation)
    return ReleaseDocument(agency=agency, released=[_make_held(one) for one in held])


def _find_names(agencies: Agencies, reports: Iterable[PollReport]) -> set[str]:
    return {adapter for adapter, _ in agencies.list_polls()} | {report.poll.adapter for report in reports}


def _check_known(agencies: Agencies, agency: str, operation: str | None) -> None:
    """Refuse a pause of something that this bus does not know: a mistyped name would stop nothing."""
    operations = agencies.list_operations(agency)
    if operations is None:
        raise NoSuchAgency(f"This bus knows no adapter {agency}.")
    if operation is not None and operation not in operations:
        raise NoSuchAgency(f"{agency} has no operation {operation}; it has {', '.join(operations)}.")


def _tell_pauses(rooms: Rooms, agency: str) -> PauseState:
    return PauseState(agency=agency, pauses=[_make_pause(one) for one in rooms.pauses.list() if one.agency == agency])


def _make_agency(known: KnownAgency, reports: Sequence[PollReport], pauses: Sequence[Pause]) -> AgencyDocument:
    quota = None
    if known.quota_daily is not None and known.quota_left is not None:
        quota = QuotaDocument(daily=known.quota_daily, left=known.quota_left)
    return AgencyDocument(
        agency=known.name,
        off=known.off,
        question_circuit=name_circuit(is_open=known.is_left_in_peace),
        quota=quota,
        pauses=[_make_pause(one) for one in pauses if one.agency == known.name],
        polls=[_make_poll(one) for one in reports if one.poll.adapter == known.name],
    )


def _make_pause(pause: Pause) -> PauseDocument:
    return PauseDocument(operation=pause.operation, reason=pause.reason, by=pause.by, since=pause.since)


def _make_poll(report: PollReport) -> PollDocument:
    failure = report.failure
    return PollDocument(
        operation=report.poll.operation,
        polled_at=report.polled_at,
        set_aside=report.set_aside,
        held=[_make_held(one) for one in report.held],
        last_failure=None if failure is None else PollFailureDocument(**describe_poll_failure(failure)),
    )


def _make_held(held: Held) -> HeldDocument:
    return HeldDocument(
        source=held.source,
        deletions=held.deletions,
        known=held.known,
        since=clock.moment(held.since),
        released=held.released,
    )
