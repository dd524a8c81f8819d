"""The edge: the ASGI application of one bus. Publishing and reading have callables of their own. FastAPI answers the rest."""

import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from bus.http import feeds, front_page, health, problems, records
from bus.http.acts import route_of
from bus.http.admissions import admission_in
from bus.http.api import (
    access,
    access_requests,
    actions,
    adapter_moves,
    adapters,
    agencies,
    contract_checks,
    contract_documents,
    contract_moves,
    contracts,
    deliveries,
    disclosures,
    doctor,
    domains,
    event_status,
    events,
    grants,
    inquiries,
    jobs,
    limits,
    oauth,
    participants,
    proposals,
    pulls,
    pushes,
    queries,
    refusals,
    security_txt,
    staff,
    status,
    subscriptions,
    traffic,
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
from bus.http.operation import Document, Operation, operation_router, set_document
from bus.http.packing import Packing
from bus.http.pages import NO_PAGES, Pages
from bus.http.parameters import check_parameters
from bus.http.publish import PATH, Publisher, Receive, Scope, Send, count_answer
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
    "417, 501 or 505, and then ends the connection."
)
_ABOUT: Final[dict[str, Any]] = {
    "title": TITLE,
    "version": "1",
    "description": _DESCRIPTION,
    "license_info": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
_MOST_BYTES: Final = 1024 * 1024 + 64 * 1024
"""The largest body, except of publishing. Routes for contract documents and data refuse more than 1 MiB themselves."""

_ROUTERS: Final[tuple[APIRouter, ...]] = (
    oauth.router,
    # Before `events`: its path would be a position there.
    event_status.router,
    events.router,
    queries.router,
    jobs.router,
    contract_checks.router,
    contract_moves.router,
    contracts.router,
    contract_documents.router,
    adapters.router,
    adapter_moves.router,
    domains.router,
    access.router,
    proposals.router,
    access_requests.router,
    doctor.router,
    grants.router,
    subscriptions.router,
    pulls.router,
    deliveries.router,
    participants.router,
    limits.router,
    staff.router,
    disclosures.router,
    inquiries.router,
    actions.router,
    agencies.router,
    pushes.router,
    refusals.router,
    status.router,
    traffic.router,
    security_txt.router,
    front_page.router,
)


_NAMED: Final = (*PUBLISHING, *ERRORS, *SINKS)
"""Types that descriptions refer to by name."""
_READERS: Final[tuple[ReaderRoute, ...]] = (*feeds.ROUTES, *records.ROUTES)
_READ: Final = ("/v1/feeds/", "/v1/records/")
"""Beginnings of the paths of feeds and records."""
_TAKES_MORE: Final = re.compile("/v1/(contracts|adapters|queries|agencies/[^/]+/push/)")
"""Begins the paths that take documents or pushes; they bound and read their bodies themselves."""
_LARGEST_ORDER: Final = 128 * 1024
"""Bytes of every other body: the framework parses it in the event loop."""
_PUBLISHING: Final = Endpoint(None, {one["name"]: False for one in OPENAPI["parameters"] if one["in"] == "query"})


class Edge:
    """Routes a request to the publisher, to the readers' application or to FastAPI, and counts it by route.

    Every body is bounded. A request that is not for the publisher is understood as HTTP says, before its endpoint sees it.

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
        document: Document = dict,
        pages: Pages = NO_PAGES,
    ) -> None:
        self._pages = pages
        self._api = api
        self._bodies = bodies
        self._tokens = tokens
        self.publisher = publisher
        self.surface = surface
        self._readers = readers
        self._document = document

    def describe(self) -> dict[str, Any]:
        """The OpenAPI document; empty in a process without the role `api`.

        Call it at the start: to make the document holds up the event loop.
        """
        return self._document()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._api(scope, receive, send)
        elif self.publisher is not None and scope["path"] == PATH and scope["method"] == "POST":
            await self._publish(self.publisher, scope, receive, send)
        elif self._readers is not None and scope["path"].startswith(_READ):
            await self._answer(self._readers, scope, receive, send)
        else:
            await self._answer(self._api, scope, receive, send)

    async def _publish(self, publisher: Publisher, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            check_parameters(scope["query_string"], _PUBLISHING.parameters)
        except Refused as refusal:
            count_answer(refusal.status)
            await problems.problem(refusal)(scope, receive, send)
        else:
            await publisher(scope, receive, send)

    async def _answer(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Have an application answer, within bounds."""
        status, method, send = 500, scope["method"], self._pages.show_faults(scope, send)
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
        self._most = _MOST_BYTES if _TAKES_MORE.match(scope["path"]) else _LARGEST_ORDER
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


def create_edge(rooms: Rooms, checks: Health, pages: Pages = NO_PAGES) -> Edge:
    """The whole edge.

    Args:
        pages: what the edge serves beside the API. They are no part of the API's description.
    """
    settings = rooms.settings
    operation = None if settings.operation_address else Operation(settings.operation_scope)
    routes = _make_routes(True, operation, pages)
    api = _api(routes, rooms, checks)
    document = cache(partial(_make_document, routes, rooms.tokens.issuer))
    set_document(api, document)
    surface = Surface(routes.written)
    surface.add(_READERS)
    surface.add_endpoint("POST", "/v1/events", _PUBLISHING)
    bodies = _bodies(rooms)
    readers = create_readers(_READERS, rooms)
    return Edge(api, surface, bodies, rooms.tokens, Publisher(rooms, bodies), readers, document, pages)


def create_watch(rooms: Rooms, checks: Health) -> Edge:
    """The edge of a process without the role `api`: health and metrics alone."""
    settings = rooms.settings
    operation = None if settings.operation_address else Operation(settings.operation_scope, has_document=False)
    routes = _make_routes(False, operation)
    return Edge(_api(routes, rooms, checks), Surface(routes.written), _bodies(rooms), rooms.tokens)


def create_operation(rooms: Rooms, checks: Health, described: Edge) -> Edge:
    """The edge of the operators' own address: health, metrics, and the description of another edge."""
    operation = Operation(rooms.settings.operation_scope, has_document=described.publisher is not None)
    routes = _make_routes(False, operation)
    api = _api(routes, rooms, checks)
    set_document(api, described.describe)
    return Edge(api, Surface(routes.written), _bodies(rooms), rooms.tokens)


@dataclass(frozen=True)
class _Routes:
    """The routes of an application: as their modules wrote them, and as FastAPI serves them."""

    written: Sequence[BaseRoute]
    served: Sequence[BaseRoute]

    @cached_property
    def document(self) -> dict[str, Any]:
        """FastAPI's part of the OpenAPI document. To make it takes long."""
        return get_openapi(**_ABOUT, routes=self.served, separate_input_output_schemas=False)


@cache
def _make_routes(is_whole: bool, operation: Operation | None, pages: Pages = NO_PAGES) -> _Routes:
    """The routes of one kind of application. All edges of a process share them, since FastAPI takes long to prepare a route.

    Args:
        is_whole: whether it serves the API, beside health.
        operation: what it offers operators; None: nothing.
        pages: what is served beside.
    """
    routers = [*(_ROUTERS if is_whole else ()), health.router, *pages.routers]
    if operation is not None:
        routers.append(operation_router(TITLE, operation))
    whole = APIRouter(generate_unique_id_function=_name_operation)
    for router in routers:
        whole.include_router(router, responses=problems.RESPONSES)
    return _Routes([route for router in routers for route in router.routes], whole.routes)


def _name_operation(route: APIRoute) -> str:
    """An operation's name, by which generated clients name their methods and types."""
    return route.name


def _bodies(rooms: Rooms) -> Bodies:
    """The bounds of bodies. At least one batch of the largest size has room."""
    settings = rooms.settings
    each = max(settings.max_bodies_bytes_each, settings.max_batch_bytes)
    return Bodies(max(settings.max_bodies_bytes, each), each)


def _make_document(routes: _Routes, address: str) -> dict[str, Any]:
    """The OpenAPI document, with the routes that are not FastAPI's, and the bus's address."""
    document = deepcopy(routes.document)
    document["paths"].setdefault("/v1/events", {})["post"] = deepcopy(OPENAPI)
    document["paths"] |= {route.path_format: {"get": deepcopy(describe(route, route.operation))} for route in _READERS}
    answers = [model for route in _READERS for model in route.operation.models]
    document["components"]["schemas"] |= components([*answers, *_NAMED])
    complete(document, address)
    return document


def _api(routes: _Routes, rooms: Rooms, checks: Health) -> FastAPI:
    api = FastAPI(
        routes=list(routes.served),
        docs_url=None,
        openapi_url=None,
        redoc_url=None,
        # A redirect would name http behind a proxy. The client would then send its token in the clear.
        redirect_slashes=False,
    )
    problems.install(api)
    api.state.health = checks
    api.state.rooms = rooms
    return api
