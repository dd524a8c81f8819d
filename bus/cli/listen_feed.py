"""The feeds of `bus listen`: reads events from a bus that cannot send to this machine."""

import asyncio
from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any, Final
from urllib.parse import quote

import httpx

from bus import json
from bus.cli.listen_receiver import Receiver
from bus.remote import BusAway, BusRefuses, call

_WAIT: Final = 20
_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between tries, as long as the bus or the app is away."""
_PASSING: Final = frozenset({408, 409, 429})


async def follow_feeds(
    bus: httpx.AsyncClient, contracts: Sequence[str], receiver: Receiver, *, from_beginning: bool
) -> None:
    """Read the feeds, and take their events, until the receiver stops.

    Raises:
        BusRefuses: the bus gives no such feed, or no longer.
    """
    receiver.tell(f"reading {', '.join(contracts)}; Ctrl-C ends it")
    stopping = asyncio.ensure_future(receiver.stopping.wait())
    work = [asyncio.ensure_future(_follow(bus, one, receiver, from_beginning)) for one in contracts]
    try:
        done, _ = await asyncio.wait([stopping, *work], return_when=asyncio.FIRST_COMPLETED)
        for ended in done - {stopping}:
            ended.result()
    finally:
        for task in (stopping, *work):
            task.cancel()
        await asyncio.gather(stopping, *work, return_exceptions=True)


async def _follow(bus: httpx.AsyncClient, contract: str, receiver: Receiver, from_beginning: bool) -> None:
    cursor = "" if from_beginning else "now"
    path = f"/v1/feeds/{quote(contract, safe='')}"
    page = await call(bus, "GET", path, params={"after": cursor})
    while True:
        for event in page["events"]:
            await _take(receiver, f"{contract}.{event['sequence']}", json.dumps(event))
        page = await _read(bus, path, page["next"], receiver)


async def _read(bus: httpx.AsyncClient, path: str, cursor: str, receiver: Receiver) -> Any:
    """The page behind a cursor, as soon as the bus gives one."""
    pauses = chain(_PAUSES, repeat(_PAUSES[-1]))
    while True:
        try:
            return await call(bus, "GET", path, params={"after": cursor, "wait": _WAIT}, timeout=_WAIT + 30)
        except BusRefuses as refusal:
            if not refusal.following:
                raise
            receiver.tell(f"{refusal.detail} Some events are missing here.")
            cursor = refusal.following
        except BusAway as away:
            pause = next(pauses)
            receiver.tell(f"{away.detail} Trying again in {pause:.0f} s.")
            await asyncio.sleep(pause)


async def _take(receiver: Receiver, message: str, body: bytes) -> None:
    """Hand an event on. It comes again while the app is away, as the bus itself would send it, but not for ever."""
    for pause in _PAUSES:
        status = await receiver.take(message, body)
        if status < 500 and status not in _PASSING:
            return
        receiver.tell(f"  trying again in {pause:.0f} s")
        await asyncio.sleep(pause)
    receiver.tell("  gave up; going on with the next event")
