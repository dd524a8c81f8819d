"""What a publisher under a deprecated version is told."""

import asyncio
from datetime import date
from typing import Any

import pytest

from bus import clock, json
from tests.a_bus import ADDRESS, Bus
from tests.builders import OWNER, WARGA, a_document, an_event

HEADERS = ("deprecation", "sunset", "link")
SUNSET = date(2099, 6, 30)


async def told(bus: Bus, *events: dict[str, Any]) -> list[str | None]:
    """The headers about deprecation in the answer to one event, or to a batch of several."""
    mode = "cloudevents" if len(events) == 1 else "cloudevents-batch"
    answer = await bus.reader(OWNER, "events.publish").post(
        "/v1/events",
        content=json.dumps(events[0] if len(events) == 1 else list(events)),
        headers={"content-type": f"application/{mode}+json"},
    )
    assert answer.status_code == 202
    return [answer.headers.get(name) for name in HEADERS]


async def deprecate(bus: Bus, name: str, sunset: date | None = None) -> int:
    """The second since when it is deprecated."""
    moved = await asyncio.to_thread(bus.rooms.catalogue.registrar.deprecate, name, "1.0.0", bus.operator, sunset=sunset)
    return int(clock.moment(moved.changed_at).timestamp())


def successor(name: str) -> str:
    return f'<{ADDRESS}/v1/contracts/{name}/versions/2.0.0>; rel="successor-version"'


async def test_an_active_version_says_nothing(bus: Bus):
    bus.apply(a_document())
    assert await told(bus, an_event()) == [None, None, None]


async def test_a_deprecated_version_takes_events_and_says_since_when_until_when_and_what_instead(bus: Bus):
    bus.apply(a_document())
    since = await deprecate(bus, WARGA, SUNSET)
    bus.apply(a_document(version="2.0.0"))
    # The day in Lamongan is over at 17:00 UTC.
    assert await told(bus, an_event(dataschema="1.0.0")) == [
        f"@{since}",
        "Tue, 30 Jun 2099 17:00:00 GMT",
        successor(WARGA),
    ]


async def test_without_a_date_or_a_successor_nothing_is_made_up(bus: Bus):
    bus.apply(a_document())
    since = await deprecate(bus, WARGA)
    assert await told(bus, an_event()) == [f"@{since}", None, None]


async def test_who_names_no_version_gets_the_successor_and_no_notice(bus: Bus):
    bus.apply(a_document(), a_document(version="2.0.0"))
    await deprecate(bus, WARGA)
    assert await told(bus, an_event()) == [None, None, None]


async def test_a_batch_under_two_deprecated_versions_is_told_the_earliest_dates_and_both_successors(bus: Bus):
    other = "uji.lain"
    bus.apply(*(a_document(contract=name, version=v) for name in (WARGA, other) for v in ("1.0.0", "2.0.0")))
    since = await deprecate(bus, WARGA, date(2099, 12, 31))
    await deprecate(bus, other, SUNSET)
    events = [an_event(id=name, type=name, dataschema="1.0.0") for name in (WARGA, other)]
    assert await told(bus, *events) == [
        f"@{since}",
        "Tue, 30 Jun 2099 17:00:00 GMT",
        f"{successor(WARGA)}, {successor(other)}",
    ]


@pytest.mark.parametrize("partial", ["true", "false"])
async def test_only_what_was_taken_of_a_batch_counts(bus: Bus, partial: str):
    bus.apply(a_document(), a_document(version="2.0.0"))
    await deprecate(bus, WARGA)
    events = [an_event(), an_event(id="e2", dataschema="1.0.0", data={})]
    answer = await bus.reader(OWNER, "events.publish").post(
        f"/v1/events?partial={partial}",
        content=json.dumps(events),
        headers={"content-type": "application/cloudevents-batch+json"},
    )
    assert "deprecation" not in answer.headers
