"""The answer with a page of events, sent in parts."""

from collections.abc import Mapping

from fastapi import Response
from starlette.types import Receive, Scope, Send

from bus import json
from bus.http.page import NO_STORE
from bus.http.scan import Page


class PageAnswer(Response):
    """The document `{name: [events…], "next": following}`, sent in parts to avoid copying megabytes."""

    def __init__(self, name: bytes, page: Page, following: str, headers: Mapping[str, str] | None = None) -> None:
        self._parts = (b'{"%b":[' % name, page.text, b'],"next":%b}' % json.dumps(following))
        length = sum([len(part) for part in self._parts])
        super().__init__(
            headers={**NO_STORE, **(headers or {}), "Content-Length": str(length)}, media_type="application/json"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the document."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        *parts, last = self._parts
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": last})
