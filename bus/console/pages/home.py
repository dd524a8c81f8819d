"""Beranda: what needs somebody now, counts, the map of the exchange, charts by the hour, and the table of contracts."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Query, Request, Response

from bus import clock
from bus.agencies import list_serving
from bus.console.charts import Chart, Series, draw_chart
from bus.console.exchange_map import MOST, SIGNS, ExchangeMap, draw_map
from bus.console.links import Chosen, Link, list_links, list_offices
from bus.console.needs import list_needs
from bus.console.page import page_router
from bus.console.period import Period, choose_period
from bus.console.render import show, words_of
from bus.console.roles import EVERYBODY, OPERATING, SUBSCRIBING
from bus.console.visit import Visit, visiting
from bus.console.words import Words
from bus.http import Rooms
from bus.identity import Participant
from bus.problem import NotFound
from bus.refusals import Poll
from bus.rollups import Counts, Span, Wanted
from bus.status import Status, SubscriberState, name_sink

router = page_router()

_ROWS: Final = 100
"""Rows of a table, and names that a field of the filter proposes."""
_RECEIVERS: Final = 12
"""Receivers that the row of a contract shows."""

Name = Annotated[str, Query(max_length=255)]


@dataclass(frozen=True, slots=True)
class Exchange:
    """The traffic of a period, as the page shows it.

    Attributes:
        hours: the counts of each hour.
        rates, delays: their charts.
    """

    period: Period
    chosen: Chosen
    links: Sequence[Link]
    map: ExchangeMap
    hours: Mapping[datetime, Counts]
    rates: Chart
    delays: Chart

    @property
    def offices(self) -> Sequence[str]:
        """Names that the filter proposes."""
        return list_offices(self.links)[:_ROWS]

    @property
    def contracts(self) -> Sequence[str]:
        """Names that the filter proposes."""
        return sorted({name for one in self.links for name in one.contracts})[:_ROWS]


@router.get("/konsol")
async def read_home(
    request: Request,
    visit: Annotated[Visit, visiting(*EVERYBODY)],
    kantor: Name = "",
    kontrak: Name = "",
    hari: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """The start page of each role. Those who steer nothing get the beginning of their own work."""
    role, rooms, words = visit.account.role, visit.rooms, words_of(request)
    if role not in SUBSCRIBING:
        return show(request, "beranda_lain.html", role=role)
    period = choose_period(hari, clock.now())
    status = await asyncio.to_thread(_read_status, rooms, visit.reach)
    chosen = Chosen(kontrak or None, kantor or None)
    exchange = await asyncio.to_thread(_read_exchange, rooms, visit.reach, status, period, chosen, words)
    findings = await asyncio.to_thread(rooms.checkups.read) if role in OPERATING else ()
    return show(
        request,
        "beranda.html",
        status=status,
        needs=list_needs(status, findings, words),
        exchange=exchange,
        signs=SIGNS,
        rows=_ROWS,
        name_sink=name_sink,
        query=request.url.query,
        reach=visit.reach,
        receivers=_group_receivers(status),
        most_receivers=_RECEIVERS,
    )


def _group_receivers(status: Status) -> Mapping[str, Sequence[SubscriberState]]:
    """The subscriptions of each contract, in the order of the status."""
    found = dict[str, list[SubscriberState]]()
    for one in status.subscribers:
        for contract in one.subscription.contracts:
            found.setdefault(contract, []).append(one)
    return found


def _read_status(rooms: Rooms, reach: str | None) -> Status:
    polls = [Poll(adapter, operation.name) for adapter, operation in rooms.agencies.list_polls()]
    if reach is None:
        return rooms.status.read(None, polls, known=list_serving(rooms.agencies, rooms.quotas, rooms.queries))
    mine = {one.adapter for one in polls if rooms.agencies.find_participant(one.adapter) == reach}
    return rooms.status.read(reach, [one for one in polls if one.adapter in mine], mine)


def _read_exchange(
    rooms: Rooms, reach: str | None, status: Status, period: Period, chosen: Chosen, words: Words
) -> Exchange:
    wanted = Wanted(period.since, period.until, chosen.contract, chosen.office, reach)
    producers = {one.contract: one.participant for one in status.producers if one.participant}
    states = status.subscribers if period.is_now else ()
    links = list_links(rooms.traffic.sum_flows(Span.HOUR, wanted), states, producers, chosen)
    sums = rooms.traffic.sum_spans(Span.HOUR, wanted)
    hours = {hour: sums.get(hour, Counts()) for hour in period.hours}
    rates = [
        Series(words.say("Masuk ke bus"), "one", [one.published for one in hours.values()]),
        Series(words.say("Sampai di penerima"), "two", [one.delivered + one.pulled for one in hours.values()]),
    ]
    delays = [Series(words.say("Waktu tunggu"), "one", [one.mean_delay for one in hours.values()])]
    return Exchange(
        period,
        chosen,
        links,
        draw_map(links, _find_participants(rooms, links)),
        hours,
        draw_chart(period.hours, rates),
        draw_chart(period.hours, delays),
    )


def _find_participants(rooms: Rooms, links: Sequence[Link]) -> dict[str, Participant]:
    """What is known of those that may be drawn."""
    found = {}
    for side in ([one.sender for one in links], [one.receiver for one in links]):
        for name in list(dict.fromkeys(side))[:MOST]:
            # A participant may be gone, and its counts stay.
            with suppress(NotFound):
                found[name] = rooms.participants.get(name)
    return found
