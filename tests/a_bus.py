"""A bus in the test's own process: its rooms, its HTTP edge, and clients of it."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from bus.contracts.document import parse_contract
from bus.contracts.tables import DOMAINS
from bus.http.edge import Edge, create_edge
from bus.http.front_door import Acquaintances, FrontDoor
from bus.http.health import Health
from bus.http.pages import NO_PAGES, Pages
from bus.http.rooms import Rooms
from bus.identity.keys import Keys
from bus.identity.participants import Kind, Participants
from bus.identity.tokens import Principal
from bus.problem import Refused
from bus.process import Wakeups, make_rooms
from bus.settings import load_settings
from bus.storage import Storage
from tests import no_tls
from tests.an_actor import OPERATOR
from tests.builders import OWNER, WARGA, Document
from tests.described import check_answers_of

ADDRESS = "https://bus.lamongan.example"


@dataclass
class Bus:
    """A bus with one owner of data; readers are made as they are asked for."""

    rooms: Rooms
    edge: Edge
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _clients: list[httpx.AsyncClient] = field(default_factory=list)

    operator = OPERATOR

    def apply(self, *contracts: Document) -> None:
        """Put contracts in force."""
        self.rooms.catalogue.registrar.apply([parse_contract(contract) for contract in contracts], self.operator)

    async def publish(self, data: Any, **attributes: Any) -> int:
        """Publish an event of the owner; its position."""
        (position,) = await self.publish_all([data], **attributes)
        return position

    async def publish_all(self, data: list[Any], *, rooms: Rooms | None = None, **attributes: Any) -> list[int]:
        """Publish events in one transaction; their positions.

        Args:
            rooms: of another process.
        """
        return await self._append([attributes | {"data": one} for one in data], rooms or self.rooms)

    async def publish_document(self, attributes: Document) -> int:
        """Publish an event with no more than these attributes and those that every event needs; its position."""
        (position,) = await self._append([attributes], self.rooms)
        return position

    async def _append(self, events: list[Document], rooms: Rooms) -> list[int]:
        sender = Principal(OWNER, "client_x", frozenset(), 0, "token_x")
        envelope = {"specversion": "1.0", "source": f"/{OWNER}", "type": WARGA}
        submissions = [
            rooms.gate.admit(envelope | {"id": f"e{next(self._numbers)}"} | event, sender) for event in events
        ]
        return [receipt.position for receipt in await rooms.appender.append(submissions)]

    def token(self, participant: str, *scopes: str, seconds: int = 600) -> str:
        """The Authorization header of a new client."""
        register: Participants = self.rooms.participants
        try:
            register.get(participant)
        except Refused:
            register.add(participant, participant, Kind.APP, OPERATOR)
        client, _ = register.add_client(participant, scopes or ("events.read",), by=OPERATOR)
        return f"Bearer {self.rooms.tokens.issue(client, client.scopes, seconds)}"

    def reader(self, participant: str, *scopes: str, address: str = ADDRESS) -> httpx.AsyncClient:
        """An HTTP client with a token; at the bus's address it calls the edge without a network between."""
        transport = httpx.ASGITransport(self.edge) if address == ADDRESS else None
        headers = {"authorization": self.token(participant, *scopes)}
        hooks = {"response": [check_answers_of(self.edge)]} if transport else {}
        client = no_tls.AsyncClient(
            transport=transport, base_url=address, headers=headers, timeout=30, event_hooks=hooks
        )
        self._clients.append(client)
        return client

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """The address of the edge behind a front door, for answers that come bit by bit."""
        async with self.opened(self.edge) as (address, _):
            yield address

    @asynccontextmanager
    async def opened(
        self, app: Any = None, pages: Pages = NO_PAGES, **settings: Any
    ) -> AsyncIterator[tuple[str, FrontDoor]]:
        """A front door and its address.

        Args:
            app: what answers instead of the edge, except on the short way.
            pages: write the refusals that people read.
            settings: those that differ.
        """
        changed = self.rooms.settings.model_copy(update=settings)
        edge = create_edge(replace(self.rooms, settings=changed), Health({}))
        is_https = changed.public_url.startswith("https:")
        acquaintances = Acquaintances(self.rooms.tokens, self.rooms.oauth, self.rooms.staff.sessions)
        door = FrontDoor(
            app or edge, edge.publisher, changed, is_https=is_https, acquaintances=acquaintances, pages=pages
        )
        listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(door.serve(listener))
        try:
            yield address, door
        finally:
            serving.cancel()
            await asyncio.wait([serving])
            await door.close(0)

    async def close(self) -> None:
        """Let go of everything."""
        for client in self._clients:
            await client.aclose()
        await self.rooms.appender.close()
        await self.rooms.agencies.close()
        await self.rooms.trials.close()
        self.rooms.oauth.close()
        self.rooms.staff.sign_in.close()


def _give_domains(storage: Storage) -> None:
    """Let the offices of the tests own their domains. The action log has no entry of it, since tests read that log."""
    owners = {"kependudukan": OWNER, "uji": "dinas-uji"}
    with storage.write() as transaction:
        transaction.execute(sa.delete(DOMAINS))
        rows = [{"name": name, "owner": owner, "since": 0} for name, owner in owners.items()]
        transaction.execute(sa.insert(DOMAINS).values(rows))


@asynccontextmanager
async def a_bus(storage: Storage, keys: Keys, folder: Path, **settings: Any) -> AsyncIterator[Bus]:
    """A bus on a database, with its tail followed.

    Args:
        settings: those that differ from the defaults.
    """
    rooms = make_rooms(load_settings(data_dir=folder, **settings), storage, keys, ADDRESS, Wakeups())
    _give_domains(storage)
    bus = Bus(rooms, create_edge(rooms, Health({})))
    following = asyncio.create_task(rooms.tail.follow())
    try:
        yield bus
    finally:
        following.cancel()
        await bus.close()
