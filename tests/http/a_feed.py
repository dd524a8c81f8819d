"""Reading a feed over HTTP, and what the disclosure log says of it."""

import asyncio
from typing import Any

import httpx

from bus.disclosures import Wanted
from tests.a_bus import Bus
from tests.builders import WARGA, a_nik

FEED = f"/v1/feeds/{WARGA}"
SEMBUNG = [{"exact": {"desa": "sembung"}}]


async def read(client: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    answer = await client.get(FEED, params=params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def read_to_the_end(client: httpx.AsyncClient, after: str = "", limit: int = 100) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while True:
        page = await read(client, after=after, limit=limit)
        events += page["events"]
        if not page["events"] and page["next"] == after:
            return events
        after = page["next"]


def positions(events: list[dict[str, Any]]) -> list[int]:
    return [int(event["sequence"]) for event in events]


async def disclosed(bus: Bus, person: int | None = None, participant: str | None = None) -> list[tuple[int, ...]]:
    subject = None if person is None else a_nik(person)
    found = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(subject, participant), None, 1000)
    return [tuple(one.positions) for one in found]
