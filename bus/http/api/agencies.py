"""Agencies, for the operator: how their polls stand, and his word on deletions that polls hold back."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, Field

from bus import clock
from bus.actions import Actor, Verb
from bus.agencies import Agencies, Held, NoSuchAgency, PollReport
from bus.http.acts import acting
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.identity import Scope
from bus.refusals import Poll

router = APIRouter(prefix="/v1/agencies", tags=["Agencies"], route_class=Authorised)

Agency = Annotated[str, Path(max_length=100, pattern=r"^[^\x00-\x1f]+$", description="the adapter's name")]
OperationName = Annotated[
    str | None,
    Query(
        max_length=100, pattern=r"^[^\x00-\x1f]+$", description="of this poll alone; absent: of all the agency's polls"
    ),
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


class AgencyDocument(BaseModel):
    """An agency and its polls."""

    agency: str
    polls: Sequence[PollDocument]


class AgencyList(BaseModel):
    """The agencies that this bus polls, by name."""

    agencies: Sequence[AgencyDocument]


class ReleaseDocument(BaseModel):
    """What was released."""

    agency: str
    released: Sequence[HeldDocument]


@router.get("", dependencies=[Depends(caller(Scope.ADMIN))])
def list_agencies(rooms: TheRooms) -> AgencyList:
    """How the polls of each agency stand: last step, rows set aside, deletions held back."""
    polls = [Poll(adapter, operation.name) for adapter, operation in rooms.agencies.list_polls()]
    return AgencyList(agencies=_group(rooms.holds.report(polls)))


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


def _group(reports: Sequence[PollReport]) -> list[AgencyDocument]:
    names = dict.fromkeys(report.poll.adapter for report in reports)
    return [
        AgencyDocument(agency=name, polls=[_make_poll(one) for one in reports if one.poll.adapter == name])
        for name in names
    ]


def _make_poll(report: PollReport) -> PollDocument:
    return PollDocument(
        operation=report.poll.operation,
        polled_at=report.polled_at,
        set_aside=report.set_aside,
        held=[_make_held(one) for one in report.held],
    )


def _make_held(held: Held) -> HeldDocument:
    return HeldDocument(
        source=held.source,
        deletions=held.deletions,
        known=held.known,
        since=clock.moment(held.since),
        released=held.released,
    )
