"""`bus listen`: an instant receiver. It shows events as they come, or hands them to an app on this machine."""

import asyncio
import ipaddress
import os
import signal
from contextlib import suppress
from difflib import get_close_matches
from typing import Annotated, Final

import httpx
import typer

from bus.cli.listen_feed import follow_feeds
from bus.cli.listen_receiver import Receiver
from bus.cli.listen_sink import receive_webhooks
from bus.cli.remote import CredentialsFile, Url
from bus.cli.terminal import say
from bus.delivery import new_webhook_secret
from bus.problem import Refused
from bus.remote import Access, BusRefuses, call, find_access, open_bus

_VARIABLE: Final = "WEBHOOK_SECRET"
_CANNOT_SEND: Final = ("urn:bus:problem:sink-address-refused", "urn:bus:problem:scope-missing")
"""Why a bus on this machine makes no subscription to this command, though the feed may be readable."""


def listen(
    contracts: Annotated[list[str], typer.Argument(help="such as layanan.katalog", show_default=False)],
    forward: Annotated[
        str | None, typer.Option("--forward", metavar="URL", help="hand each event to this address as a signed webhook")
    ] = None,
    is_printing: Annotated[bool, typer.Option("--print", help="with --forward: print the events too")] = False,
    from_beginning: Annotated[
        bool, typer.Option("--beginning", help="begin with the oldest stored event, not with what comes from now on")
    ] = False,
    url: Url = None,
    credentials: CredentialsFile = None,
) -> None:
    """Show the events of contracts as they come. Ctrl-C ends it, and leaves nothing behind.

    A bus on this machine sends them as webhooks to a subscription that ends with this command. Their
    signatures are verified. From a bus elsewhere the feeds are read.

    With --forward the app at URL gets them as the bus would send them, signed with WEBHOOK_SECRET of the environment.

    Example: bus listen layanan.katalog --forward http://127.0.0.1:9000/webhook
    """
    access = find_access(url, credentials)
    secret = os.environ.get(_VARIABLE) or new_webhook_secret()
    if forward and _VARIABLE not in os.environ:
        say(f"signing with a new secret; start your app with\nexport {_VARIABLE}={secret}")
    asyncio.run(_listen(access, contracts, forward, secret, is_printing or not forward, from_beginning))


async def _listen(
    access: Access, contracts: list[str], forward: str | None, secret: str, is_printing: bool, from_beginning: bool
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.set)
    async with open_bus(access) as bus, httpx.AsyncClient(timeout=30.0) as app:
        receiver = Receiver(app, forward, secret, is_printing, stopping)
        wanted = list(dict.fromkeys(contracts))
        try:
            await _receive(bus, wanted, receiver, is_here=_is_here(access.url), from_beginning=from_beginning)
        except BusRefuses:
            await _tell_nearest(bus, wanted)
            raise


async def _receive(
    bus: httpx.AsyncClient, wanted: list[str], receiver: Receiver, *, is_here: bool, from_beginning: bool
) -> None:
    if is_here:
        try:
            await receive_webhooks(bus, wanted, receiver, from_beginning=from_beginning)
        except BusRefuses as refusal:
            if refusal.type not in _CANNOT_SEND:
                raise
            say(f"reading the feed, since the bus makes no subscription: {refusal.reason}", err=True)
        else:
            return
    await follow_feeds(bus, wanted, receiver, from_beginning=from_beginning)


async def _tell_nearest(bus: httpx.AsyncClient, wanted: list[str]) -> None:
    """Say which contracts have names much like those that are not there. Says nothing to who may not read the catalogue."""
    with suppress(Refused):
        found = await call(bus, "GET", "/v1/contracts", params={"limit": 1000})
        names = [str(one["contract"]) for one in found["contracts"]]
        for name in wanted:
            near = get_close_matches(name.lower(), names, 1) if name not in names else []
            if near:
                say(f"there is no contract {name}; do you mean {near[0]}?", err=True)


def _is_here(url: str) -> bool:
    """Whether a bus is on this machine, so that it can send to this command."""
    host = httpx.URL(url).host
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")
