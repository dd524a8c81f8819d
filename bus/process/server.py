"""The server: it runs a process behind its front doors until a signal, and then drains."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Collection

import structlog

from bus.http.edge import create_edge, create_operation, create_watch
from bus.http.front_door import FrontDoor
from bus.identity import Keys
from bus.process.process import end_on_failure, run_process
from bus.process.role import Role
from bus.settings import Settings
from bus.storage import Storage

log = structlog.get_logger(__name__)

_GARBAGE = 20_000
"""New objects after which the collector runs. Requests that wait for a commit hold many objects."""
_SWITCH_SECONDS = 0.0005
"""The time after which the event loop gives the interpreter to another thread.

A commit needs the interpreter several times. With Python's default, a batch's commit and the next batch's validation would not
run side by side (docs/decisions/measured-once.md).
"""


async def serve(
    settings: Settings,
    storage: Storage,
    keys: Keys,
    issuer: str,
    roles: Collection[Role],
    listener: socket.socket,
    operation: socket.socket | None = None,
) -> None:
    """Run a process until SIGTERM or SIGINT, then drain within `settings.drain_seconds`.

    Args:
        issuer: the bus's own address, for tokens and metadata.
        listener: the socket of the API.
        operation: the socket of metrics and of the API's description. None: they are with the API.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with run_process(settings, storage, keys, issuer, roles) as process:
        checks = process.make_health()
        edge = create_edge(process.rooms, checks) if Role.API in roles else create_watch(process.rooms, checks)
        edge.describe()
        is_https = issuer.startswith("https:")
        known = process.rooms.tokens.find_known
        doors = {listener: FrontDoor(edge, edge.publisher, settings, is_https=is_https, known=known)}
        if operation is not None:
            watched = create_operation(process.rooms, checks, edge)
            doors[operation] = FrontDoor(watched, None, settings, is_https=False, known=known)
        _relieve_collector()
        sys.setswitchinterval(_SWITCH_SECONDS)
        serving = [loop.create_task(door.serve(address)) for address, door in doors.items()]
        for task in serving:
            task.add_done_callback(end_on_failure)
        log.info("bus.serving", address=issuer, roles=sorted(roles))
        stopped = loop.create_task(stopping.wait())
        await asyncio.wait([*serving, stopped], return_when=asyncio.FIRST_COMPLETED)
        log.info("bus.draining")
        for ending in (*serving, stopped):
            ending.cancel()
        await asyncio.gather(*(door.close(settings.drain_seconds) for door in doors.values()))
        await asyncio.gather(*serving, stopped, return_exceptions=True)
    log.info("bus.stopped")


def _relieve_collector() -> None:
    """Have the garbage collector skip the objects of the start, and run less often.

    Otherwise it would scan all objects of the libraries again and again under load (docs/decisions/measured-once.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE, 20, 50)
