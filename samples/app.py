"""One sample app as a process: `python -m samples.app OFFICE`.

`APP_BUS_URL`, `APP_CLIENT_ID` and `APP_CLIENT_SECRET` name the bus and the client. The app prints its address as one line
of JSON. Its `GET /state` shows what it sent and what the bus refused; `GET /inbox` shows the events that arrived.
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
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
    """A wrong event that the app sent on purpose.

    Attributes:
        contract: the event's contract.
        why: what is wrong with the event.
        refusal: the bus's refusal; None if the bus accepted the event.
    """

    contract: str
    why: str
    refusal: Refusal | None


@dataclass(slots=True)
class State:
    """What an app did so far.

    Attributes:
        sent: contract to the number of events that the app sent.
        mistakes: the wrong events that the app sent on purpose.
        answers: NIK to the bus's answer to the app's question.
    """

    sent: dict[str, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)


class App:
    """The work of one office.

    Args:
        name: the office's name as a participant.
        office: what the office publishes and receives.
        bus: the office's client of the bus.
        pause: seconds between further events; None: the app sends none after the beginning.
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
                group.create_task(self._publish_output(output))
            group.create_task(self._send_mistakes())
            if self.office.answers:
                group.create_task(self._answer())

    async def _publish_output(self, output: Output) -> None:
        said = traffic.make_items(self.name, output.contract)
        for part in _split(islice(said, traffic.count_events(output))):
            await self._send(part, output)
        while self._pause is not None:
            await asyncio.sleep(self._pause)
            await self._send([next(said)], output)

    async def _send(self, part: list[Item], output: Output) -> None:
        if output is USES:
            for item in part:
                assert item.data is not None  # noqa: S101  no use is ever deleted
                self.state.answers[item.data["nik"]] = await self.ask({"nik": item.data["nik"]})
        await self._publish(part, output.mode)

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a question. A demo that stays up waits for an agency that somebody stopped for a rehearsal."""
        while True:
            try:
                return await self.bus.ask(LOOKUP, question)
            except Refused as refused:
                if self._pause is None or not refused.is_of_the_agency:
                    raise
                await asyncio.sleep(self._pause)

    async def _publish(self, part: list[Item], mode: Mode) -> None:
        await self.bus.publish(part, mode)
        for item in part:
            self.state.sent[item.contract] = self.state.sent.get(item.contract, 0) + 1

    async def _send_mistakes(self) -> None:
        for number, sample in enumerate(traffic.make_mistakes(self.name), start=1):
            self.state.mistakes.append(Mistake(sample.contract, sample.why, await self._send_mistake(number, sample)))

    async def _send_mistake(self, number: int, sample: InvalidSample) -> Refusal | None:
        item = Item(f"salah-{number:06}", f"/{self.name}/contoh", sample.contract, sample.data)
        try:
            await self.bus.publish([item], Mode.STRUCTURED)
        except Refused as refused:
            return refused.refusal
        return None

    async def _follow(self, contract: str) -> None:
        cursor: str | None = None
        while True:
            events, cursor = await self.bus.read_feed(contract, cursor)
            for event in events:
                self.inbox.take(f"{contract}/{event['sequence']}", event)

    async def _answer(self) -> None:
        answered: set[str] = set()
        while True:
            event = await self.inbox.fresh.get()
            if event["type"] == COMPLAINT and event["subject"] not in answered:
                answered.add(event["subject"])
                await self._publish([traffic.make_answer(self.name, event["subject"])], Mode.STRUCTURED)


def _split(items: Iterator[Item]) -> Iterator[list[Item]]:
    while part := list(islice(items, BATCH)):
        yield part


def create_api(app: App) -> FastAPI:
    """The app's endpoints: its webhook, and three for the demo."""
    api = FastAPI(title=app.office.title, openapi_url=None)
    add_webhook(api, app.door, app.inbox)

    @api.get("/state")
    async def show_state() -> dict[str, Any]:
        """What the app did so far."""
        return asdict(app.state)

    @api.get("/inbox")
    async def show_inbox(after: int = 0) -> list[dict[str, Any]]:
        """The events that arrived, without the first `after` of them."""
        return app.inbox.events[after:]

    @api.get("/records")
    async def show_records() -> list[dict[str, Any]]:
        """The office's records, as the bus has them now."""
        return await app.bus.read_records(app.office.keeps) if app.office.keeps else []

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
