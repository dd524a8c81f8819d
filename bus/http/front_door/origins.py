"""Pages of other origins that may call the API from a browser (CORS, Fetch Standard), if the operator names them.

Promise: to a page of every other origin the bus answers as if it knew nothing of CORS.
"""

from collections.abc import Collection
from typing import Final

from starlette.middleware.cors import CORSMiddleware

from bus.http.front_door.exchange import App
from bus.http.publish import Receive, Scope, Send

ORIGIN: Final = b"origin"
"""The header field with which a browser names the page's origin."""
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SENT: Final = (
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
)
_SHOWN: Final = (
    "Bus-Count",
    "Bus-Next",
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
)
_API: Final = "/v1/"
_TOKEN: Final = "/oauth/token"  # noqa: S105 - a path
"""A page gets its token here. It revokes none and introspects none."""


class Origins:
    """An ASGI application with CORS for the API. Pages never send cookies or a browser's own credentials."""

    def __init__(self, app: App, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)
        self._with_cors = CORSMiddleware(
            app, allow_origins=origins, allow_methods=_METHODS, allow_headers=_SENT, expose_headers=_SHOWN
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        app = self._with_cors if self._is_for_page(scope) else self._app
        await app(scope, receive, send)

    def _is_for_page(self, scope: Scope) -> bool:
        if scope["type"] != "http" or not (scope["path"].startswith(_API) or scope["path"] == _TOKEN):
            return False
        return any(name == ORIGIN and value in self._origins for name, value in scope["headers"])
