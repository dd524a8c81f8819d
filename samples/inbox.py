"""The inbox of a sample app: a webhook that accepts signed events only, and the events so far."""

import asyncio
import json
from typing import Any

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from fastapi import FastAPI, Request, Response
from standardwebhooks.webhooks import Webhook, WebhookVerificationError


class Inbox:
    """Holds the events that an app received, each once, even if it came twice."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.fresh: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._known: set[str] = set()

    def take(self, message: str, event: dict[str, Any]) -> None:
        """Keep an event, unless the inbox has its message already.

        Args:
            message: the message's id, equal in a repetition: of a webhook its `webhook-id`.
            event: a CloudEvent in its JSON format.
        """
        if message not in self._known:
            self._known.add(message)
            self.events.append(event)
            self.fresh.put_nowait(event)


class Door:
    """Checks the bus's signature with the subscription's secret."""

    def __init__(self) -> None:
        self._secret: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def open(self, secret: str) -> None:
        """Use this secret (`whsec_…`), which the answer to a new subscription holds."""
        self._secret.set_result(secret)

    async def verify(self, body: bytes, headers: dict[str, str]) -> bool:
        """Whether the bus signed the body. The call waits for the secret: an event can be faster than the bus's answer."""
        secret = await asyncio.shield(self._secret)
        try:
            Webhook(secret).verify(body, headers, json_parse=False)
        except WebhookVerificationError:
            return False
        return True


def add_webhook(api: FastAPI, door: Door, inbox: Inbox) -> None:
    """Add `POST /webhook`: 204 once the event is in the inbox, 401 without the bus's signature."""

    @api.post("/webhook")
    async def receive_event(request: Request) -> Response:
        body, headers = await request.body(), dict(request.headers)
        if not await door.verify(body, headers):
            return Response(status_code=401)
        event = from_http_event(HTTPMessage(headers, body))
        if not event.get_type():
            return Response(status_code=400)
        inbox.take(headers["webhook-id"], json.loads(body))
        return Response(status_code=204)
