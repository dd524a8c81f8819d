"""The front door: accepts connections, keeps time for them, and lets them finish when the process stops."""

import asyncio
import socket
import time
from dataclasses import replace
from email.utils import formatdate
from typing import Final

import structlog

from bus.http.front_door.acquaintances import Acquaintances
from bus.http.front_door.clients import Clients
from bus.http.front_door.connection import Connection
from bus.http.front_door.exchange import App
from bus.http.front_door.hall import Hall, Patience
from bus.http.front_door.origins import Origins
from bus.http.front_door.places import PlaceLimits, Places, most_connections, raise_file_limit
from bus.http.front_door.short_way import ShortWay
from bus.http.front_door.strangers import Strangers
from bus.http.front_door.wire import STRANGERS_SEND_BYTES
from bus.http.pages import NO_PAGES, Pages
from bus.http.publish import Publisher
from bus.settings import Settings
from bus.telemetry import CONNECTIONS_ENDED

log = structlog.get_logger(__name__)

_BACKLOG: Final = 2048
_AT_ONCE: Final = 64
"""Connections that are accepted in one turn of the loop."""
_SWEEP_SECONDS: Final = 0.5
_SWEPT_AT_ONCE: Final = 64
"""Connections that are looked at in one turn of the loop."""
_DRAIN_SECONDS: Final = 0.02
_LAST_WRITE_SECONDS: Final = 2.0
"""How long a stop waits for a client that reads nothing: a stream may have one that is asleep."""
_NO_FILES_SECONDS: Final = 0.1
_RESERVE: Final = 32
_YEAR_SECONDS: Final = 31_536_000


def connections_at_once(settings: Settings) -> int:
    """The most connections of this process. Raises its limit of files as far as allowed."""
    return most_connections(raise_file_limit(), settings.max_connections)


class FrontDoor:
    """Serves an ASGI application on sockets, and its publisher on the short way."""

    def __init__(
        self,
        app: App,
        publisher: Publisher | None,
        settings: Settings,
        *,
        is_https: bool,
        acquaintances: Acquaintances,
        pages: Pages = NO_PAGES,
    ) -> None:
        """Create it in a running event loop.

        Args:
            is_https: whether clients reach the bus only by https, through a proxy.
            acquaintances: tells which clients are known.
            pages: write the refusals that people read.
        """
        most = connections_at_once(settings)
        limits = PlaceLimits(
            most, min(settings.max_connections_per_address, max(1, most // 2)), _RESERVE, settings.operator_networks
        )
        patience = Patience(
            head=settings.head_seconds,
            body=settings.body_seconds,
            idle=settings.idle_seconds,
            write=settings.write_seconds,
            rate=settings.least_rate_bytes,
        )
        # Not for the operators' own address, which has no publisher.
        origins = settings.cors_origins if publisher is not None else ()
        self._hall = Hall(
            Origins(app, origins) if origins else app,
            ShortWay(publisher, has_pages=bool(origins)),
            Places(limits),
            Clients(settings.trusted_proxies),
            patience,
            "https" if is_https else "http",
            Strangers(settings.anonymous_rate, settings.operator_networks, acquaintances),
            pages,
        )
        self._arriving: set[asyncio.Task[None]] = set()
        self._fields = _make_fixed_fields(is_https=is_https)
        self._tell_time()

    async def serve(self, listener: socket.socket) -> None:
        """Accept connections until cancelled. Accepted connections go on."""
        listener.setblocking(False)
        # Accepted sockets inherit this size; known clients get more. Otherwise the kernel lets each grow to 4 MiB, outside
        # the bus's bounds.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, STRANGERS_SEND_BYTES)
        listener.listen(_BACKLOG)
        loop = self._hall.loop
        loop.add_reader(listener, self._accept, listener)
        try:
            await self._sweep()
        finally:
            loop.remove_reader(listener)
            listener.close()

    async def close(self, seconds: float) -> None:
        """Let requests under way finish within `seconds`. Idle connections and unfinished heads end at once."""
        hall = self._hall
        hall.is_draining = True
        hall.patience = replace(hall.patience, write=min(hall.patience.write, _LAST_WRITE_SECONDS))
        for connection in tuple(hall.connections):
            connection.drain()
        if not await self._is_emptied(seconds):
            log.warning("front_door.not_drained", connections=len(hall.connections), requests=len(hall.tasks))
        for task in tuple(hall.tasks):
            task.cancel()
        for connection in tuple(hall.connections):
            connection.abort()
        await self._is_emptied(_SWEEP_SECONDS)

    def _accept(self, listener: socket.socket) -> None:
        """Accept some connections. Those that were pushed out can give their files back before more come."""
        for _ in range(_AT_ONCE):
            try:
                accepted, address = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                # Usually there are too many files: other parts of the process opened more than planned.
                log.warning("front_door.not_accepted", error=error.strerror)
                self._hall.loop.remove_reader(listener)
                self._hall.loop.call_later(_NO_FILES_SECONDS, self._accept_again, listener)
                return
            self._welcome(accepted, address)

    def _accept_again(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            self._hall.loop.add_reader(listener, self._accept, listener)

    def _welcome(self, accepted: socket.socket, address: object) -> None:
        peer, port = address[:2] if isinstance(address, tuple) else ("", 0)
        connection = Connection(self._hall, peer, port)
        if connection.admit():
            accepted.setblocking(False)
            task = self._hall.loop.create_task(self._connect(connection, accepted))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)
        else:
            CONNECTIONS_ENDED.labels("full").inc()
            accepted.close()

    async def _connect(self, connection: Connection, accepted: socket.socket) -> None:
        try:
            await self._hall.loop.connect_accepted_socket(lambda: connection, accepted)
        except OSError:
            # The client is gone already.
            self._hall.places.leave(connection)
            accepted.close()

    async def _sweep(self) -> None:
        """Check all connections from time to time: a timer for each request would cost more than its answer."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            await self._tick()

    async def _tick(self) -> None:
        hall = self._hall
        before, hall.now = hall.now, hall.loop.time()
        now, passed = hall.now, hall.now - before
        self._tell_time()
        hall.places.look_again()
        for number, connection in enumerate(tuple(hall.connections)):
            connection.tick(now, passed)
            if number % _SWEPT_AT_ONCE == 0:
                # Thousands of connections that end together would hold up all others.
                await asyncio.sleep(0)

    def _tell_time(self) -> None:
        self._hall.fields = b"date: %b\r\n%b" % (formatdate(time.time(), usegmt=True).encode(), self._fields)

    async def _is_emptied(self, seconds: float) -> bool:
        """Whether all connections and tasks end within `seconds`."""
        hall = self._hall
        deadline = hall.loop.time() + seconds
        while hall.connections or hall.tasks:
            if hall.loop.time() >= deadline:
                return False
            await asyncio.sleep(_DRAIN_SECONDS)
            await self._tick()
        return True


def _make_fixed_fields(*, is_https: bool) -> bytes:
    """Header fields of every answer that never change."""
    # Without `includeSubDomains`: other hosts below the bus's name are not the bus's, and may have no TLS.
    security = b"strict-transport-security: max-age=%d\r\n" % _YEAR_SECONDS if is_https else b""
    return b"x-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n" + security
