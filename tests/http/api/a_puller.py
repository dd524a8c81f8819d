"""A participant that pulls its subscription over HTTP, in few words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bus.identity.keys import Keys
from bus.storage import Storage
from tests.a_bus import Bus
from tests.attacks.a_live_bus import a_live_bus
from tests.builders import WARGA, Document, a_document, a_grant

URL = "/v1/subscriptions"
SOON = 20
"""Seconds within which comes what is due at once."""


@dataclass
class Puller:
    """One client that pulls one subscription."""

    http: httpx.AsyncClient
    sub: str

    async def ask(self, what: str, query: Document | None = None, **body: Any) -> httpx.Response:
        return await self.http.post(f"{URL}/{self.sub}/{what}", params=query, json=body or None)

    async def pull(self, **query: Any) -> Document:
        answer = await self.ask("pull", query)
        assert answer.status_code == 200, answer.text
        pulled: Document = answer.json()
        return pulled

    async def positions(self, **query: Any) -> list[int]:
        """The positions of what one pull gives."""
        return positions(await self.pull(**query))

    async def settle(self, what: str, **body: Any) -> list[str]:
        """The result for each name."""
        return [one["result"] for one in await self.results(what, **body)]

    async def results(self, what: str, **body: Any) -> list[Document]:
        answer = await self.ask(what, **body)
        assert answer.status_code == 200, answer.text
        results: list[Document] = answer.json()["results"]
        return results

    async def read(self) -> Document:
        """The subscription."""
        answer = await self.http.get(f"{URL}/{self.sub}")
        assert answer.status_code == 200, answer.text
        read: Document = answer.json()
        return read

    async def until_pending(self, count: int) -> None:
        """Wait until so many deliveries are pending, and no replay is under way."""
        async with asyncio.timeout(SOON):
            while (read := await self.read())["deliveries"]["pending"] != count or read["catching_up"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def delivery(self, position: int) -> str:
        return f"{self.sub}.{position}"


def positions(pulled: Document) -> list[int]:
    return [int(one["event"]["sequence"]) for one in pulled["deliveries"]]


async def a_puller(bus: Bus, participant: str = "bapenda", **order: Any) -> Puller:
    """A client with a new subscription that it pulls, from the beginning."""
    http = bus.reader(participant, "subscriptions.manage")
    wanted = {"contracts": [WARGA], "sink": {"pull": True}, "from": "beginning"} | order
    answer = await http.post(URL, json=wanted)
    assert answer.status_code == 201, answer.text
    return Puller(http, answer.json()["id"])


async def another_client(bus: Bus, puller: Puller, participant: str = "bapenda") -> Puller:
    """Another client, for the same subscription."""
    return Puller(bus.reader(participant, "subscriptions.manage"), puller.sub)


@asynccontextmanager
async def an_office(storage: Storage, keys: Keys, folder: Path, **settings: Any) -> AsyncIterator[Bus]:
    """A bus at work, where bapenda and dinkes are granted the residents."""
    async with a_live_bus(storage, keys, folder, **settings) as bus:
        bus.apply(a_document(*map(a_grant, ("bapenda", "dinkes"))))
        yield bus
