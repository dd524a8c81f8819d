"""The receiver of `bus listen`: prints events, and forwards them as signed webhooks."""

import asyncio
import os
import sys
from http import HTTPStatus
from typing import Any, Final

import httpx

from bus import clock, json
from bus.cli.terminal import say, say_lines
from bus.delivery import Signer

_SHOWN: Final = 512
"""Characters of an app's answer that are shown."""


class Receiver:
    """Takes events one by one.

    Args:
        forward: where events are handed on; None: nowhere.
        secret: signs what is forwarded.
        is_printing: whether events are printed.
        stopping: is set when nobody reads the output any more.
    """

    def __init__(
        self, app: httpx.AsyncClient, forward: str | None, secret: str, is_printing: bool, stopping: asyncio.Event
    ) -> None:
        self.stopping = stopping
        self._app = app
        self._forward = forward
        self._signer = Signer([secret])
        self._is_printing = is_printing

    async def take(self, message: str, body: bytes) -> int:
        """Take one event.

        Args:
            message: equal if the event comes again (`webhook-id`).
            body: the CloudEvent.

        Returns:
            The app's status; 204 if nothing is forwarded, 502 if the app cannot be reached.
        """
        event = json.loads(body)
        subject = f"  {event['subject']}" if event.get("subject") else ""
        self.tell(f"{event.get('recordedtime', '')}  {event['type']}{subject}  ({event['source']} {event['id']})")
        if self._is_printing:
            self._print(event)
        return 204 if self._forward is None else await self._hand_on(self._forward, message, body)

    def tell(self, text: str) -> None:
        """Print one line."""
        try:
            say(text)
        except OSError:
            self._end()

    def _print(self, event: dict[str, Any]) -> None:
        try:
            say_lines(json.dump_pretty(event.get("data")))
        except OSError:
            self._end()

    def _end(self) -> None:
        """End, since the output's reader is gone (`bus listen … | head -1`). Nothing more may be written there."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        self.stopping.set()

    async def _hand_on(self, url: str, message: str, body: bytes) -> int:
        headers = {"content-type": "application/cloudevents+json", **self._signer.headers(message, body, clock.now())}
        try:
            answer = await self._app.post(url, content=body, headers=headers)
        except (httpx.TransportError, httpx.InvalidURL) as failure:
            self.tell(f"  -> no answer from {url}: {failure or type(failure).__name__}")
            return 502
        shown = " ".join(answer.text[:_SHOWN].split())
        self.tell(f"  -> {answer.status_code} {answer.reason_phrase} {shown}".rstrip())
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            self.tell("     The app refused the signature. Give it the WEBHOOK_SECRET that this terminal has.")
        return answer.status_code
