"""The edge: the ASGI application of one bus. Publishing and reading have callables of their own. FastAPI answers the rest."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Response
from starlette.types import ASGIApp

from bus.http import feeds, front_page, health, problems, records
from bus.http.acts import route_of
from bus.http.admissions import admission_in
from bus.http.api import (
    access,
    actions,
    agencies,
    asyncapi,
    contract_checks,
    contract_moves,
    contracts,
    deliveries,
    disclosures,
    event_status,
    events,
    limits,
    oauth,
    participants,
    pulls,
    queries,
    refusals,
    security_txt,
    subscriptions,
)
from bus.http.api.oauth_documents import ERRORS
from bus.http.api.subscription_documents import SINKS
from bus.http.bodies import Bodies, Body
from bus.http.documentation import STRICT_POLICY
from bus.http.event_documents import PUBLISHING
from bus.http.front_page import TITLE
from bus.http.health import Health
from bus.http.openapi import components, describe
from bus.http.openapi_document import complete
from bus.http.operation import operation_router
from bus.http.packing import Packing
from bus.http.parameters import check_parameters
from bus.http.publish import Publisher, Receive, Scope, Send
from bus.http.publish_openapi import OPENAPI
from bus.http.readers import ReaderRoute, create_readers
from bus.http.rooms import Rooms
from bus.http.semantics import add_vary, understand
from bus.http.surface import Endpoint, Surface
from bus.http.unpacking import BodyTooLarge, unpack
from bus.identity import Tokens
from bus.problem import Refused
from bus.telemetry import REQUESTS

_DESCRIPTION: Final = (
    "Events, records and queries between the regency's applications and the ministries, under contract. "
    "Every refusal is a problem (RFC 9457). Before the bus knows what a request asks for, it may also answer 408 (too slow), "
    "417, 431 (header fields too large), 501 or 505, and then ends the connection."
)
_MOST_BYTES: Final = 1024 * 1024 + 64 * 1024
"""The largest body, except of publishing. Routes for contract documents and data refuse more than 1 MiB themselves."""

_ROUTERS: Final[tuple[APIRouter, ...]] = (
    oauth.router,
    # Before `events`: its path would be a position there.
    event_status.router,
    events.router,
    queries.router,
    contract_checks.router,
    contract_moves.router,
    contracts.router,
    asyncapi.router,
    access.router,
    subscriptions.router,
    pulls.router,
    deliveries.router,
    participants.router,
    limits.router,
    disclosures.router,
    actions.router,
    agencies.router,
    refusals.router,
    security_txt.router,
    front_page.router,
)


_NAMED: Final = (*PUBLISHING, *ERRORS, *SINKS)
"""Types that descriptions refer to by name."""
_READERS: Final[tuple[ReaderRoute, ...]] = (*feeds.ROUTES, *records.ROUTES)
_READ: Final = ("/v1/feeds/", "/v1/records/")
"""Beginnings of the paths of feeds and records."""
_DOCUMENTS: Final = ("/v1/contracts", "/v1/queries")
"""Paths that take documents; they bound and read their bodies themselves."""
_LARGEST_ORDER: Final = 128 * 1024
"""Bytes of every other body: the framework parses it in the event loop."""
_PUBLISHING: Final = Endpoint(
    None, {parameter["name"]: False for parameter in OPENAPI["parameters"] if parameter["in"] == "query"}
)


class Edge:
    """Routes a request to the publisher, to the readers' application or to FastAPI, and counts it by route.

    Every body is bounded. Every request is understood as HTTP says, before its endpoint sees it.

    Attributes:
        publisher: None in a process without the role `api`.
        surface: what the edge serves.
    """

    def __init__(
        self,
        api: FastAPI,
        surface: Surface,
        bodies: Bodies,
        tokens: Tokens,
        publisher: Publisher | None = None,
        readers: ASGIApp | None = None,
    ) -> None:
        self._api = api
        self._bodies = bodies
        self._tokens = tokens
        self.publisher = publisher
        self.surface = surface
        self._readers = readers

    def describe(self) -> dict[str, Any]:
        """The OpenAPI document. Call it at the start: to make the document holds up the event loop."""
        return self._api.openapi()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if (
            self.publisher is not None
            and scope["type"] == "http"
            and scope["path"] == "/v1/events"
            and scope["method"] == "POST"
        ):
            await self._publish(self.publisher, scope, receive, send)
            return
        if scope["type"] != "http":
            await self._api(scope, receive, send)
            return
        if self._readers is not None and scope["path"].startswith(_READ):
            await self._answer(self._readers, scope, receive, send)
        else:
            await self._answer(self._api, scope, receive, send)

    async def _publish(self, publisher: Publisher, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            check_parameters(scope["query_string"], _PUBLISHING.parameters)
        except Refused as refusal:
            await problems.problem(refusal)(scope, receive, send)
        else:
            await publisher(scope, receive, send)

    async def _answer(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Have an application answer, within bounds."""
        status, method = 500, scope["method"]
        varying: tuple[bytes, ...] = ()

        async def sending(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                fields = add_vary(_with_limits(scope, _guarded(message.get("headers", ()))), varying)
                message = {**message, "headers": fields}
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        reader = _Reader(self._bodies, self._tokens, scope, receive)
        try:
            coding, varying, methods = understand(self.surface, scope)
            if methods is None:
                await app(scope, reader, Packing(scope, coding, sending))
            else:
                await Response(status_code=204, headers={"Allow": methods})(scope, receive, sending)
        except Refused as refusal:
            await problems.problem(refusal)(scope, receive, sending)
        finally:
            reader.end()
            if admission := admission_in(scope):
                admission.end()
            REQUESTS.labels(method, route_of(scope), str(status)).inc()


def _with_limits(scope: Scope, fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The header fields, with those that say how much the caller's limit leaves."""
    given = list(fields)
    admission = admission_in(scope)
    if admission is not None and all(name != b"ratelimit" for name, _ in given):
        given += admission.fields()
    return given


class _Reader:
    """Brings the body of a request to an application, bounded and counted."""

    def __init__(self, bodies: Bodies, tokens: Tokens, scope: Scope, receive: Receive) -> None:
        self._bodies = bodies
        self._tokens = tokens
        self._scope = scope
        self._receive = receive
        self._most = _MOST_BYTES if scope["path"].startswith(_DOCUMENTS) else _LARGEST_ORDER
        self._body: Body | None = None

    async def __call__(self) -> Any:
        """The next part of the body.

        Raises:
            Refused: the body is too large, or too many bytes are under way.
        """
        if self._body is None:
            self._body = Body(self._bodies, self._owner())
            declared = _field(self._scope, b"content-length")
            self._check(int(declared) if declared.isdigit() else 0)
            self._receive = unpack(_field(self._scope, b"content-encoding"), self._receive, self._most)
        message = await self._receive()
        self._body.grow(len(message.get("body", b"")))
        self._check(self._body.size)
        return message

    def end(self) -> None:
        """The request is answered."""
        if self._body is not None:
            self._body.end()

    def _check(self, size: int) -> None:
        if size > self._most:
            raise BodyTooLarge(f"At most {self._most} bytes are taken here.")

    def _owner(self) -> str:
        """The owner of the body: the participant, or the client's address if nobody is known yet."""
        principal = self._tokens.find_known(_field(self._scope, b"authorization"))
        address, _ = self._scope["client"] or ("", 0)
        return principal.participant if principal is not None else f"at {address}"


def _field(scope: Scope, wanted: bytes) -> bytes:
    return next((value for name, value in scope["headers"] if name == wanted), b"")


def _guarded(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The header fields, and those that the answer lacks: caches must not store it, a page gets the strictest policy."""
    given = list(fields)
    named = dict(given)
    if b"cache-control" not in named:
        given.append((b"cache-control", b"no-store"))
    if named.get(b"content-type", b"").startswith(b"text/html") and b"content-security-policy" not in named:
        given.append((b"content-security-policy", STRICT_POLICY.encode()))
    return given


def create_edge(rooms: Rooms, checks: Health) -> Edge:
    """The whole edge."""
    routers = [*_ROUTERS, health.router]
    api = _api(routers, rooms, checks, is_whole=True)
    if not rooms.settings.operation_address:
        routers.append(_add_operation(api, rooms, api))
    surface = _survey(routers)
    surface.add(_READERS)
    surface.add_endpoint("POST", "/v1/events", _PUBLISHING)
    bodies = _bodies(rooms)
    return Edge(api, surface, bodies, rooms.tokens, Publisher(rooms, bodies), create_readers(_READERS, rooms))


def create_watch(rooms: Rooms, checks: Health) -> Edge:
    """The edge of a process without the role `api`: health and metrics alone."""
    api = _api([health.router], rooms, checks)
    routers = [health.router]
    if not rooms.settings.operation_address:
        routers.append(_add_operation(api, rooms, None))
    return Edge(api, _survey(routers), _bodies(rooms), rooms.tokens)


def create_operation(rooms: Rooms, checks: Health, described: Edge) -> Edge:
    """The edge of the operators' own address: health, metrics, and the description of another edge."""
    api = _api([health.router], rooms, checks)
    described_api = described if described.publisher is not None else None
    routers = [health.router, _add_operation(api, rooms, described_api)]
    return Edge(api, _survey(routers), _bodies(rooms), rooms.tokens)


def _add_operation(api: FastAPI, rooms: Rooms, described: Edge | FastAPI | None) -> APIRouter:
    """The routes for operators, which the application answers too.

    Args:
        described: whose description they show; None: nobody's.
    """
    document = described.describe if isinstance(described, Edge) else described.openapi if described else None
    router = operation_router(TITLE, document, rooms.settings.operation_scope)
    api.include_router(router, responses=problems.RESPONSES)
    return router


def _survey(routers: Sequence[APIRouter]) -> Surface:
    surface = Surface()
    for router in routers:
        surface.add(router.routes)
    return surface


def _bodies(rooms: Rooms) -> Bodies:
    """The bounds of bodies. At least one batch of the largest size has room."""
    settings = rooms.settings
    each = max(settings.max_bodies_bytes_each, settings.max_batch_bytes)
    return Bodies(max(settings.max_bodies_bytes, each), each)


class _Api(FastAPI):
    """FastAPI whose OpenAPI document also has the routes that are not its own, and the bus's address.

    The document is made at its first use, since that takes long.
    """

    address = ""
    is_whole = False
    """Whether it serves the API, beside health and metrics."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            if self.is_whole:
                document["paths"].setdefault("/v1/events", {})["post"] = OPENAPI
                document["paths"] |= {
                    route.path_format: {"get": describe(route, route.operation)} for route in _READERS
                }
                answers = [model for route in _READERS for model in route.operation.models]
                document["components"]["schemas"] |= components([*answers, *_NAMED])
                # The descriptions of routes are shared by all edges of a process.
                self.openapi_schema = deepcopy(document)
                complete(self.openapi_schema, self.address)
        return super().openapi()


def _api(routers: Iterable[APIRouter], rooms: Rooms, checks: Health, *, is_whole: bool = False) -> FastAPI:
    api = _Api(
        title=TITLE,
        version="1",
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        openapi_url=None,
        redoc_url=None,
        # A redirect would name http behind a proxy. The client would then send its token in the clear.
        redirect_slashes=False,
        # Generated clients name their methods and types by these.
        generate_unique_id_function=lambda route: route.name,
        separate_input_output_schemas=False,
    )
    api.address = rooms.tokens.issuer
    api.is_whole = is_whole
    problems.install(api)
    api.state.health = checks
    api.state.rooms = rooms
    for router in routers:
        api.include_router(router, responses=problems.RESPONSES)
    return api
