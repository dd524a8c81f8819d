"""One sample app as a process: `python -m samples.app OFFICE`, told where the bus is by `APP_BUS_URL`, `APP_CLIENT_ID` and
`APP_CLIENT_SECRET`.

It prints its address as one line of JSON. There `GET /state` tells what it sent and what was refused, `GET /inbox` what
arrived.
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from samples import traffic
from samples.client import Bus, Refusal, Refused
from samples.data import InvalidSample
from samples.inbox import Door, Inbox, add_webhook
from samples.offices import OFFICES, USES, Mode, Office, Output
from samples.traffic import Item

BATCH: Final = 50
LOOKUP: Final = "kependudukan.cari-nik"
COMPLAINT: Final = "pengaduan.laporan"


@dataclass(slots=True)
class Mistake:
    """A wrong event that was sent on purpose, and the refusal; None where the bus took it."""

    contract: str
    why: str
    refusal: Refusal | None


@dataclass(slots=True)
class State:
    """What an app has done so far; `answers` are those to its questions, by NIK."""

    sent: dict[str, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)


class App:
    """The work of one office.

    Args:
        name: the office's.
        bus: a client of it.
        pause: seconds between two rounds of one more event each; None: there is none but the first.
    """

    def __init__(self, name: str, office: Office, bus: Bus, pause: float | None) -> None:
        self.name = name
        self.office = office
        self.bus = bus
        self.inbox = Inbox()
        self.door = Door()
        self.state = State()
        self._pause = pause

    async def work(self, address: str) -> None:
        """Subscribe, publish, follow feeds, answer complaints, until cancelled."""
        if self.office.subscribes:
            self.door.open(await self.bus.subscribe(self.office.subscribes, f"{address}/webhook"))
        async with asyncio.TaskGroup() as group:
            for contract in self.office.follows:
                group.create_task(self._follow(contract))
            for output in self.office.outputs:
                group.create_task(self._speak(output))
            group.create_task(self._err())
            if self.office.answers:
                group.create_task(self._answer())

    async def _speak(self, output: Output) -> None:
        said = traffic.items(self.name, output.contract)
        for part in _parts(islice(said, traffic.count(output))):
            await self._send(part, output)
        while self._pause is not None:
            await asyncio.sleep(self._pause)
            await self._send([next(said)], output)

    async def _send(self, part: list[Item], output: Output) -> None:
        if output is USES:
            for item in part:
                assert item.data is not None  # noqa: S101  uses are never deleted
                self.state.answers[item.data["nik"]] = await self.bus.ask(LOOKUP, {"nik": item.data["nik"]})
        await self._publish(part, output.mode)

    async def _publish(self, part: list[Item], mode: Mode) -> None:
        await self.bus.publish(part, mode)
        for item in part:
            self.state.sent[item.contract] = self.state.sent.get(item.contract, 0) + 1

    async def _err(self) -> None:
        for number, sample in enumerate(traffic.mistakes(self.name), start=1):
            self.state.mistakes.append(Mistake(sample.contract, sample.why, await self._mistake(number, sample)))

    async def _mistake(self, number: int, sample: InvalidSample) -> Refusal | None:
        item = Item(f"salah-{number:06}", f"/{self.name}/contoh", sample.contract, sample.data)
        try:
            await self.bus.publish([item], Mode.STRUCTURED)
        except Refused as refused:
            return refused.refusal
        return None

    async def _follow(self, contract: str) -> None:
        cursor: str | None = None
        while True:
            events, cursor = await self.bus.feed(contract, cursor)
            for event in events:
                self.inbox.take(f"{contract}/{event['sequence']}", event)

    async def _answer(self) -> None:
        answered: set[str] = set()
        while True:
            event = await self.inbox.fresh.get()
            if event["type"] == COMPLAINT and event["subject"] not in answered:
                answered.add(event["subject"])
                await self._publish([traffic.answer(self.name, event["subject"])], Mode.STRUCTURED)


def _parts(items: Iterator[Item]) -> Iterator[list[Item]]:
    while part := list(islice(items, BATCH)):
        yield part


def create_api(app: App) -> FastAPI:
    """The app's own endpoints: its webhook, and what it is asked by the demo."""
    api = FastAPI(title=app.office.title, openapi_url=None)
    add_webhook(api, app.door, app.inbox)

    @api.get("/state")
    async def state() -> dict[str, Any]:
        """What was done so far."""
        return asdict(app.state)

    @api.get("/inbox")
    async def inbox(after: int = 0) -> list[dict[str, Any]]:
        """The events that arrived, but for the first `after`."""
        return app.inbox.events[after:]

    @api.get("/records")
    async def records() -> list[dict[str, Any]]:
        """The records that the office keeps, as the bus has them now."""
        return await app.bus.records(app.office.keeps) if app.office.keeps else []

    return api


async def main(name: str) -> None:
    """Run the app of an office until SIGTERM."""
    pause = os.environ.get("APP_PAUSE_SECONDS")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        print(json.dumps({"address": address}), flush=True)
        async with Bus(*(os.environ[f"APP_{what}"] for what in ("BUS_URL", "CLIENT_ID", "CLIENT_SECRET"))) as bus:
            app = App(name, OFFICES[name], bus, float(pause) if pause else None)
            server = uvicorn.Server(uvicorn.Config(create_api(app), log_level="warning", access_log=False))
            async with asyncio.TaskGroup() as group:
                work = group.create_task(app.work(address))
                await server.serve(sockets=[listener])
                work.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
