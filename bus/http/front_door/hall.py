"""The hall: what the connections of one front door share (the application, the bounds, the clock)."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from bus.http.front_door.clients import Clients
from bus.http.front_door.exchange import App
from bus.http.front_door.places import Places
from bus.http.front_door.reception import Reception
from bus.http.front_door.short_way import ShortWay
from bus.http.front_door.strangers import Strangers
from bus.http.pages import Pages


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may take for each part of a request.

    Attributes:
        head: seconds for a whole head, from its first byte or from the connect.
        body: seconds for a whole body.
        grace: seconds before the rate of a body counts.
        rate: bytes a second that a client must send of a body, or read of an answer, at least.
        idle: seconds between requests.
        write: seconds over which the rate of reading an answer is measured.
        stranger: seconds for a whole body of a client without a verified token.
        linger: seconds in which a client must close its end after the last answer.
    """

    head: float
    body: float
    idle: float
    write: float
    rate: float
    grace: float = 10.0
    linger: float = 2.0
    stranger: float = 3.0

    def is_late(self, waited: float, got: int) -> bool:
        """Whether a body comes too slowly: `got` bytes came in `waited` seconds."""
        return waited > self.body or waited > self.grace + got / self.rate


class Guest(Protocol):
    """What the front door needs of a connection."""

    def tick(self, now: float, passed: float) -> None:
        """Notice that time has passed."""
        ...

    def drain(self) -> None:
        """End, unless a request is under way."""
        ...

    def abort(self) -> None:
        """End at once."""
        ...


class Hall:
    """What the connections share.

    Attributes:
        now: seconds of the loop's clock, at most one sweep old. It is cheaper than a look at the clock for each request.
        fields: header fields that every answer has, as bytes.
        is_draining: whether each answer ends its connection.
        pages: write the refusals that people read.
        tasks: requests that are answered in tasks.
    """

    def __init__(
        self,
        app: App,
        short_way: ShortWay,
        places: Places,
        clients: Clients,
        patience: Patience,
        scheme: str,
        strangers: Strangers,
        pages: Pages,
    ) -> None:
        self.pages = pages
        self.app = app
        self.short_way = short_way
        self.places = places
        self.clients = clients
        self.patience = patience
        self.scheme = scheme
        self.strangers = strangers
        self.reception = Reception(asyncio.get_running_loop())
        self.connections: set[Guest] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.loop = asyncio.get_running_loop()
        self.now = self.loop.time()
        self.fields = b""
        self.is_draining = False
