"""The edge: the ASGI application of one bus. Publishing and plain pages go to callables of their own, all else to FastAPI."""

from collections.abc import Iterable
from typing import Any, Final

import structlog
from fastapi import APIRouter, FastAPI

from bus.http import (
    access,
    asyncapi,
    contract_checks,
    contract_moves,
    contracts,
    deliveries,
    disclosures,
    events,
    feeds,
    health,
    oauth,
    participants,
    problems,
    queries,
    refusals,
)
from bus.http import records as records_resource
from bus.http import subscriptions as subscriptions_resource
from bus.http.health import Health
from bus.http.pages import Pages
from bus.http.publish import PayloadTooLarge, Publisher, Receive, Scope, Send
from bus.http.publish_openapi import OPENAPI
from bus.http.rooms import Rooms
from bus.telemetry import REQUESTS

log = structlog.get_logger(__name__)

_ROUTERS: Final[tuple[APIRouter, ...]] = (
    oauth.router,
    events.router,
    feeds.router,
    records_resource.router,
    queries.router,
    contract_checks.router,
    contract_moves.router,
    contracts.router,
    asyncapi.router,
    access.router,
    subscriptions_resource.router,
    deliveries.router,
    participants.router,
    disclosures.router,
    refusals.router,
)


_DOCUMENTS: Final = ("/v1/contracts", "/v1/queries")
"""Paths that take documents; they bound and read their bodies themselves."""
_LARGEST_ORDER: Final = 128 * 1024
"""Bytes of every other body: the framework parses it in the event loop."""


class Edge:
    """Routes a request to the publisher, to the pages or to FastAPI, with a bound on every body, and counts it by route.

    Attributes:
        publisher: None in a process without the role `api`.
    """

    def __init__(self, api: FastAPI, publisher: Publisher | None, pages: Pages | None, most_bytes: int) -> None:
        self._api = api
        self.publisher = publisher
        self._pages = pages
        self._most_bytes = most_bytes

    def describe(self) -> None:
        """Make the OpenAPI document, so that the first who asks for it does not hold the event loop up."""
        self._api.openapi()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if (
            self.publisher is not None
            and scope["type"] == "http"
            and scope["path"] == "/v1/events"
            and scope["method"] == "POST"
        ):
            await self.publisher(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._api(scope, receive, send)
            return
        if self._pages is not None and scope["method"] == "GET" and await self._pages.answer(scope, send):
            return
        status = 500

        async def sending(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            most = self._most_bytes if scope["path"].startswith(_DOCUMENTS) else min(_LARGEST_ORDER, self._most_bytes)
            await self._api(scope, _bounded(receive, most), sending)
        finally:
            # The route's template: the path itself may hold a person's key.
            route = getattr(scope.get("route"), "path", "(none)")
            REQUESTS.labels(scope["method"], route, str(status)).inc()


def _bounded(receive: Receive, most: int) -> Receive:
    taken = 0

    async def receiving() -> Any:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise PayloadTooLarge(f"At most {most} bytes are taken.")
        return message

    return receiving


def create_edge(rooms: Rooms, checks: Health) -> Edge:
    """The whole edge."""
    api = _api([*_ROUTERS, health.router], checks, rooms.tokens.issuer)
    api.state.rooms = rooms
    return Edge(api, Publisher(rooms), Pages(rooms), rooms.settings.max_batch_bytes)


def create_watch(checks: Health) -> Edge:
    """The edge of a process without the role `api`: health and metrics alone."""
    return Edge(_api([health.router], checks), None, None, 0)


class _Api(FastAPI):
    """FastAPI, with what it cannot know of the OpenAPI document: publishing, which is no route of its, and the bus's address.

    The document is made when it is asked for: it takes as long as all else in here together.
    """

    address = ""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            schemes = document.get("components", {}).get("securitySchemes", {})
            if "oauth" in schemes:
                # The published schema of OpenAPI 3.1 wants this address absolute.
                schemes["oauth"]["flows"]["clientCredentials"]["tokenUrl"] = f"{self.address}/oauth/token"
                document["paths"].setdefault("/v1/events", {})["post"] = OPENAPI
            document["paths"] = dict(sorted(document["paths"].items()))
        return super().openapi()


def _api(routers: Iterable[APIRouter], checks: Health, address: str = "") -> FastAPI:
    api = _Api(
        title="Bus data Kabupaten Lamongan",
        version="1",
        description="Events, records and queries between the regency's applications and the ministries, under contract.",
        redoc_url=None,
    )
    api.address = address
    problems.install(api)
    api.state.health = checks
    for router in routers:
        api.include_router(router, responses=problems.RESPONSES)
    return api
