"""The inbox of a sample app: a webhook receiver that trusts signed events alone, and what has arrived so far."""

import asyncio
import json
from typing import Any

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from fastapi import FastAPI, Request, Response
from standardwebhooks.webhooks import Webhook, WebhookVerificationError


class Inbox:
    """What an app has received, each event once, however often it came."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.fresh: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._known: set[str] = set()

    def take(self, message: str, event: dict[str, Any]) -> None:
        """Keep an event unless it is known.

        Args:
            message: tells a repetition: of a webhook its `webhook-id`.
            event: a CloudEvent in its JSON format.
        """
        if message not in self._known:
            self._known.add(message)
            self.events.append(event)
            self.fresh.put_nowait(event)


class Door:
    """Lets in what the bus signed with the subscription's secret."""

    def __init__(self) -> None:
        self._secret: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def open(self, secret: str) -> None:
        """Use this secret (`whsec_…`), which the bus tells when the subscription is made."""
        self._secret.set_result(secret)

    async def verify(self, body: bytes, headers: dict[str, str]) -> bool:
        """Whether the bus signed it. The first event can be faster than the answer that tells the secret."""
        secret = await asyncio.shield(self._secret)
        try:
            Webhook(secret).verify(body, headers, json_parse=False)
        except WebhookVerificationError:
            return False
        return True


def add_webhook(api: FastAPI, door: Door, inbox: Inbox) -> None:
    """`POST /webhook`: 204 once the event is in the inbox, 401 when its signature is not the bus's."""

    @api.post("/webhook")
    async def webhook(request: Request) -> Response:
        body, headers = await request.body(), dict(request.headers)
        if not await door.verify(body, headers):
            return Response(status_code=401)
        event = from_http_event(HTTPMessage(headers, body))
        if not event.get_type():
            return Response(status_code=400)
        inbox.take(headers["webhook-id"], json.loads(body))
        return Response(status_code=204)
