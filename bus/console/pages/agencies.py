"""Instansi: how the polls of agencies stand, what they hold back, and deliveries to them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Request, Response

from bus.agencies import KnownAgency, Pause, PollReport, list_serving
from bus.console.page import go_to, page_router
from bus.console.render import show
from bus.console.roles import OPERATING
from bus.console.visit import Visit, visiting
from bus.delivery import AgencySink
from bus.http import Rooms
from bus.refusals import Poll
from bus.status import SubscriberState

router = page_router()

Visitor = Annotated[Visit, visiting(*OPERATING)]


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency: its polls, and the subscriptions that deliver to it."""

    name: str
    polls: Sequence[PollReport]
    deliveries: Sequence[SubscriberState]
    known: KnownAgency | None = None
    pauses: Sequence[Pause] = ()

    @property
    def is_holding(self) -> bool:
        """Whether deletions wait for the operator's word."""
        return any(held.released is None for poll in self.polls for held in poll.held)


@router.get("/konsol/instansi")
async def list_agencies(request: Request, visit: Visitor) -> Response:
    """The agencies by name."""
    return show(request, "instansi.html", agencies=await asyncio.to_thread(_read, visit.rooms))


@router.post("/konsol/instansi/{agency}/lepaskan")
async def release(visit: Visitor, agency: Annotated[str, Path(max_length=100)]) -> Response:
    """Let the polls of an agency make the deletions that they hold back."""
    await asyncio.to_thread(visit.rooms.holds.release, agency, visit.by)
    return go_to("/konsol/instansi")


def _read(rooms: Rooms) -> list[Agency]:
    reports = rooms.holds.report([Poll(adapter, operation.name) for adapter, operation in rooms.agencies.list_polls()])
    sinks = [
        (one.subscription.sink.adapter, one)
        for one in rooms.status.read_subscribers()
        if isinstance(one.subscription.sink, AgencySink)
    ]
    known = {one.name: one for one in list_serving(rooms.agencies, rooms.quotas, rooms.queries)}
    pauses = rooms.pauses.list()
    polled = {report.poll.adapter for report in reports}
    names = sorted(polled | {adapter for adapter, _ in sinks} | known.keys() | {one.agency for one in pauses})
    return [
        Agency(
            name,
            [report for report in reports if report.poll.adapter == name],
            [state for adapter, state in sinks if adapter == name],
            known.get(name),
            [one for one in pauses if one.agency == name],
        )
        for name in names
    ]
