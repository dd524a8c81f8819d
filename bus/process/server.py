"""The server: runs a process behind its front doors until somebody stops it, then drains."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable, Collection

import structlog

from bus import console
from bus.http import Acquaintances, Edge, FrontDoor, Health, Rooms, create_edge, create_operation, create_watch
from bus.identity import Keys
from bus.process.domains import tell_of_unowned_domains
from bus.process.process import end_on_failure, run_process
from bus.process.role import Role
from bus.process.wakeups import Wakeups
from bus.settings import Settings
from bus.storage import Storage

log = structlog.get_logger(__name__)

_GARBAGE = 20_000
"""New objects after which the garbage collector runs. A request that waits for its commit holds some fifty."""
_SWITCH_SECONDS = 0.0005
"""Time after which the event loop releases the interpreter lock to another thread. A commit waits for the lock a dozen times.
With Python's default, a batch's commit and the next batch's validation would not run side by side."""


async def serve(
    settings: Settings,
    storage: Storage,
    keys: Keys,
    issuer: str,
    roles: Collection[Role],
    wakeups: Wakeups,
    listener: socket.socket,
    operation: socket.socket | None = None,
    when_stopping: Callable[[], None] = lambda: None,
) -> None:
    """Run a process until SIGTERM or SIGINT. Then drain within a bound.

    Args:
        wakeups: `storage` tells its `changed` of changes.
        when_stopping: is called when the drain begins.
        operation: where metrics and the description of the API are served, if not with the API.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with run_process(settings, storage, keys, issuer, roles, wakeups) as process:
        checks = process.make_health()
        edge = _create(process.rooms, checks) if Role.API in roles else create_watch(process.rooms, checks)
        edge.describe()
        is_https = issuer.startswith("https:")
        acquaintances = Acquaintances(process.rooms.tokens, process.rooms.oauth, process.rooms.staff.sessions)
        doors = {
            listener: FrontDoor(
                edge, edge.publisher, settings, is_https=is_https, acquaintances=acquaintances, pages=console.PAGES
            )
        }
        if operation is not None:
            watched = create_operation(process.rooms, checks, edge)
            doors[operation] = FrontDoor(watched, None, settings, is_https=False, acquaintances=acquaintances)
        _relieve_collector()
        sys.setswitchinterval(_SWITCH_SECONDS)
        serving = [loop.create_task(door.serve(address)) for address, door in doors.items()]
        for task in serving:
            task.add_done_callback(end_on_failure)
        log.info("bus.serving", address=issuer, roles=sorted(roles))
        if Role.API in roles:
            await asyncio.to_thread(tell_of_unowned_domains, process.rooms.catalogue)
        stopped = loop.create_task(stopping.wait())
        await asyncio.wait([*serving, stopped], return_when=asyncio.FIRST_COMPLETED)
        log.info("bus.draining")
        when_stopping()
        for ending in (*serving, stopped):
            ending.cancel()
        process.rooms.waiting.finish()
        await asyncio.gather(*(door.close(settings.drain_seconds) for door in doors.values()))
        await asyncio.gather(*serving, stopped, return_exceptions=True)
    log.info("bus.stopped")


def _create(rooms: Rooms, checks: Health) -> Edge:
    """The API, and the pages of the console."""
    return create_edge(rooms, checks, console.PAGES)


def _relieve_collector() -> None:
    """Let the garbage collector ignore the objects of the start, and run less often.

    Otherwise it would walk over the many objects of the libraries again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE, 20, 50)
