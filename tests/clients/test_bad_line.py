"""The spool on a line that fails nine times of ten, with kills: every event arrives once, in order for each key."""

import asyncio
import signal
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik
from tests.clients.a_client import Client, Installed
from tests.clients.a_line import Line, a_bad_line

ROUNDS, KEYS, SEED = 8, 4, 20261129


@pytest.fixture
def credentials(bus: Bus) -> dict[str, str]:
    """A client that publishes under a contract whose texts are short."""
    text = {"type": "string"}
    schema = {"type": "object", "properties": {"nik": text, "desa": text | {"maxLength": 10}}, "required": ["nik"]}
    bus.apply(a_document(a_grant(), schema=schema))
    bus.reader(OWNER)
    client, secret = bus.rooms.participants.add_client(OWNER, ("events.publish",), by=bus.operator)
    return {"id": client.client_id, "secret": secret}


class App:
    """An app on a bad line. It publishes again what its process was killed with, as it gets no answer for that."""

    def __init__(self, installed: Installed, opening: dict[str, Any], random: Random) -> None:
        self.published: dict[str, list[str]] = defaultdict(list)
        self.bad: set[str] = set()
        self._installed = installed
        self._opening = opening
        self._random = random
        self._processes = ExitStack()
        self.start()

    def start(self) -> None:
        """Start the process anew; a process that runs is killed."""
        self._processes.close()
        self._client = self._processes.enter_context(Client(self._installed))
        self._client.do(op="open", source="/desa/uji", options={}, **self._opening)

    def close(self) -> None:
        self._processes.close()

    async def do(self, op: str, **step: Any) -> Any:
        return await asyncio.to_thread(self._client.do, op=op, **step)

    async def publish(self, number: int, key: str | None = None) -> None:
        """Publish an event; of seven, one is bad, and one is published by a process that is killed."""
        key, event_id = key or a_nik(self._random.randrange(KEYS)), f"e{number}"
        self.published[key].append(event_id)
        desa = "x" * 11 if number % 7 == 3 else "sembung"
        self.bad |= {event_id} if number % 7 == 3 else set()
        event = {"type": WARGA, "id": event_id, "subject": key, "time": TIME, "data": {"nik": key, "desa": desa}}
        step = {"op": "spool.publish", "event": event}
        if number % 7 == 5:
            self._client.tell(step)
            self._client.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(self.start)
        assert await self.do(**step) == event_id

    async def be_killed_while_sending(self, line: Line, number: int) -> None:
        """Send an event, and be killed while its request is under way. The event has a key of its own, so it does not wait."""
        await self.publish(number * 7, a_nik(number))
        arrived = asyncio.create_task(line.wait_for_request())
        await asyncio.sleep(0)
        self._client.tell({"op": "spool.send"})
        await arrived
        await asyncio.to_thread(self.start)

    async def send_all(self) -> dict[str, Any]:
        """The report once everything is sent that can be sent."""
        for _ in range(300):
            report: dict[str, Any] = await self.do("spool.send")
            if report["error"] is None:
                return report
            assert report["error"] == "Unreachable"
        raise AssertionError(report)


TIME = "2026-11-01T00:00:00Z"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_on_a_bad_line_every_event_arrives_once_and_in_order(
    bus: Bus, credentials: dict[str, str], installed: Installed, tmp_path: Path
) -> None:
    random = Random(SEED)
    async with bus.served() as address, a_bad_line(address, random) as (url, line):
        app = App(installed, credentials | {"url": url, "spool": str(tmp_path / "spool")}, random)
        try:
            for number in range(ROUNDS * 3):
                await app.publish(number)
                if number % 3 == 2:
                    await app.do("spool.send")
                if number % 12 == 11:
                    await app.be_killed_while_sending(line, 100 + number)
            await app.send_all()
            await _check_what_is_held(app, await _arrived(bus))
            await _drop_all(app)
        finally:
            app.close()
    arrived = await _arrived(bus)
    for key, ids in app.published.items():
        assert arrived[key] == [one for one in ids if one not in app.bad]
    assert line.count > 5 * line.passed


async def _arrived(bus: Bus) -> dict[str, list[str]]:
    """The ids of the events in the journal, by key."""
    answer = await bus.reader("bapenda").get(f"/v1/feeds/{WARGA}", params={"limit": 1000})
    arrived: dict[str, list[str]] = defaultdict(list)
    for event in answer.json()["events"]:
        assert event["time"] == TIME
        arrived[event["subject"]].append(event["id"])
    return arrived


async def _check_what_is_held(app: App, arrived: dict[str, list[str]]) -> None:
    """Of each key all events before its first bad one have arrived, and none behind it."""
    refused = {one["event"]["id"]: one["reasons"] for one in await app.do("spool.list_refused")}
    for key, ids in app.published.items():
        first = next((one for one in ids if one in app.bad), None)
        assert arrived[key] == (ids[: ids.index(first)] if first else ids)
        assert first is None or [reason["pointer"] for reason in refused[first]] == ["/data/desa"]
    assert refused.keys() <= app.bad


async def _drop_all(app: App) -> None:
    while refused := await app.do("spool.list_refused"):
        for one in refused:
            await app.do("spool.drop", number=one["number"])
        await app.send_all()
    assert (await app.do("spool.send"))["waiting"] == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_on_a_bad_line_a_snapshot_has_every_record_once(
    bus: Bus, credentials: dict[str, str], installed: Installed, tmp_path: Path
) -> None:
    niks = [a_nik(number) for number in range(1, 41)]
    await bus.publish_all([{"nik": nik, "desa": "sembung"} for nik in niks])
    bus.reader("bapenda")
    client, secret = bus.rooms.participants.add_client("bapenda", ("events.read",), by=bus.operator)
    random = Random(SEED)
    async with bus.served() as address, a_bad_line(address, random) as (url, line):
        with Client(installed) as reader:
            place = {"url": url, "id": client.client_id, "secret": secret, "spool": str(tmp_path / "spool")}
            reader.do(op="open", source="/bapenda", options={}, **place)
            copied = await asyncio.to_thread(reader.do, op="copy", contract=WARGA, limit=7)
    assert copied == niks
    assert line.count > 2 * line.passed
