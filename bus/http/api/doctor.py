"""What is wrong with the bus, and what helps, for the operator."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from bus.doctor import Finding, Urgency, diagnose, gather_facts
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.identity import Scope

router = APIRouter(prefix="/v1/doctor", tags=["Operation"], route_class=Authorised)


class FindingDocument(BaseModel):
    """One thing that is wrong, and what helps."""

    urgency: Urgency = Field(description="now or soon: somebody has to act; know: nobody has to")
    code: str = Field(description="names the check, such as disk-nearly-full")
    about: str = Field(description="the file, participant, contract, subscription or process that it concerns")
    what: str
    do: str


class Diagnosis(BaseModel):
    """What the doctor found, the most urgent first."""

    is_well: bool = Field(description="whether nobody has to act")
    findings: Sequence[FindingDocument]


@router.get("", dependencies=[Depends(caller(Scope.ADMIN))])
async def read_diagnosis(rooms: TheRooms) -> Diagnosis:
    """What is wrong with the bus, and what helps. It judges files and settings of the process that answers."""
    findings = await asyncio.to_thread(_diagnose, rooms)
    return Diagnosis(
        is_well=not any(finding.is_wrong for finding in findings),
        findings=[
            FindingDocument(urgency=one.urgency, code=one.code, about=one.about, what=one.what, do=one.do)
            for one in findings
        ],
    )


def _diagnose(rooms: Rooms) -> list[Finding]:
    return diagnose(gather_facts(rooms.settings, rooms.storage, rooms.keys))
