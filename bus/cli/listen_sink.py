"""The sink of `bus listen`: a webhook on this machine, with a subscription that ends with the command."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import httpx
from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from bus.cli.listen_receiver import Receiver
from bus.problem import Refused
from bus.remote import call

_HOST: Final = "127.0.0.1"
_PATH: Final = "/bus-listen"
_LARGEST: Final = 64 * 1024 * 1024


async def receive_webhooks(
    bus: httpx.AsyncClient, contracts: Sequence[str], receiver: Receiver, *, from_beginning: bool
) -> None:
    """Subscribe, and take what the bus sends, until the receiver stops. Then take the subscription away.

    Raises:
        BusRefuses: the bus makes no such subscription.
        BusAway: the bus does not answer.
    """
    secret: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with _serve(receiver, secret) as address:
        await _remove_abandoned(bus, receiver)
        order: dict[str, Any] = {"contracts": list(contracts), "sink": {"url": address}}
        made = await call(
            bus, "POST", "/v1/subscriptions", json=order | ({"from": "beginning"} if from_beginning else {})
        )
        secret.set_result(made["secret"])
        try:
            receiver.tell(f"listening for {', '.join(contracts)}; Ctrl-C ends it")
            await receiver.stopping.wait()
        finally:
            await _remove(bus, made["id"], receiver)


@asynccontextmanager
async def _serve(receiver: Receiver, secret: asyncio.Future[str]) -> AsyncIterator[str]:
    """The address of the webhook."""

    async def take(request: web.Request) -> web.Response:
        # An event can be faster than the answer with the secret.
        key = await asyncio.shield(secret)
        body = await request.read()
        if not _is_signed(key, body, request):
            receiver.tell("refused a request without the bus's signature")
            return web.Response(status=401)
        return web.Response(status=await receiver.take(request.headers["webhook-id"], body))

    app = web.Application(client_max_size=_LARGEST)
    app.router.add_post(_PATH, take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    listener = socket.create_server((_HOST, 0))
    try:
        await web.SockSite(runner, listener).start()
        yield f"http://{_HOST}:{listener.getsockname()[1]}{_PATH}"
    finally:
        await runner.cleanup()


def _is_signed(secret: str, body: bytes, request: web.Request) -> bool:
    try:
        Webhook(secret).verify(body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True


async def _remove(bus: httpx.AsyncClient, id: str, receiver: Receiver) -> None:
    try:
        await call(bus, "DELETE", f"/v1/subscriptions/{id}")
    except Refused as refusal:
        receiver.tell(f"the subscription {id} stays, until `bus listen` runs again: {refusal.detail}")
    else:
        receiver.tell("took the subscription away")


async def _remove_abandoned(bus: httpx.AsyncClient, receiver: Receiver) -> None:
    """Remove subscriptions of earlier calls that were killed: nobody listens at their addresses any more."""
    listed = await call(bus, "GET", "/v1/subscriptions", params={"limit": 1000})
    for one in listed["subscriptions"]:
        if "url" in one["sink"] and _is_abandoned(httpx.URL(one["sink"]["url"])):
            await _remove(bus, one["id"], receiver)


def _is_abandoned(url: httpx.URL) -> bool:
    if url.host != _HOST or url.path != _PATH or url.port is None:
        return False
    with suppress(OSError), socket.create_connection((url.host, url.port), 1.0):
        return False
    return True
