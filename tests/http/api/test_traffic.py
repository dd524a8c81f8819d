"""The traffic over HTTP: the operator sees all flows, a participant its own, and pages join without a gap."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from bus.delivery.state import DeliveryState
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA
from tests.rollups.a_traffic import NOON, ATraffic, later

DAY = {"since": NOON.isoformat(), "until": later(24 * 60).isoformat()}


@pytest.fixture
def traffic(bus: Bus) -> ATraffic:
    traffic = ATraffic(bus)
    positions = traffic.accept(3)
    traffic.owe(positions)
    traffic.end(positions[:2], DeliveryState.DELIVERED, NOON + timedelta(seconds=4))
    traffic.end(positions[2:], DeliveryState.DEAD, failure="permanent")
    traffic.accept(1, later(60))
    traffic.counter.catch_up()
    return traffic


async def ask(client: httpx.AsyncClient, **asked: Any) -> Any:
    answer = await client.get("/v1/traffic", params=DAY | asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def flows(document: Any) -> list[tuple[str, str | None, int, int]]:
    return [(one["at"], one["receiver"], one["published"], one["delivered"]) for one in document["traffic"]]


async def test_the_operator_sees_each_flow_by_the_hour(traffic: ATraffic):
    told = await ask(traffic.bus.reader("operator", "admin"))
    first, second = NOON.isoformat().replace("+00:00", "Z"), later(60).isoformat().replace("+00:00", "Z")
    assert flows(told) == [(first, None, 3, 0), (first, "bapenda", 0, 2), (second, None, 1, 0)]
    delivered = told["traffic"][1]
    assert (delivered["contract"], delivered["sender"], delivered["dead"]) == (WARGA, OWNER, 1)
    assert delivered["delay_seconds"] == 4.0
    assert told["next"] is None


async def test_pages_join_without_a_gap(traffic: ATraffic):
    operator = traffic.bus.reader("operator", "admin")
    whole, paged, after = await ask(operator), [], ""
    while after is not None:
        page = await ask(operator, limit=1, after=after)
        paged += page["traffic"]
        after = page["next"]
    assert paged == whole["traffic"]
    page = await ask(operator, limit=1)
    answer = await operator.get("/v1/traffic", params=DAY | {"after": page["next"], "step": "minute"})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (400, "cursor-invalid")


async def test_a_participant_sees_the_flows_that_it_sends_or_gets(traffic: ATraffic):
    assert len((await ask(traffic.bus.reader("bapenda", "events.read")))["traffic"]) == 1
    assert len((await ask(traffic.bus.reader(OWNER, "events.publish")))["traffic"]) == 3
    assert (await ask(traffic.bus.reader("dinkes", "events.read")))["traffic"] == []
    assert (await ask(traffic.bus.reader("dinkes", "events.read"), participant="bapenda"))["traffic"] == []


async def test_the_last_day_is_told_if_no_time_is_named(traffic: ATraffic):
    operator = traffic.bus.reader("operator", "admin")
    assert (await operator.get("/v1/traffic")).json()["traffic"] == []
