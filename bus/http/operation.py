"""Metrics for operators, and the description of the API for developers. A setting can hide both from the public."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from bus.http.documentation import add_documentation
from bus.http.rooms import Rooms
from bus.http.security import Authorised, caller
from bus.problem import Unavailable
from bus.status import write_metrics

Document = Callable[[], dict[str, Any]]
"""Makes the OpenAPI document."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What an application offers operators.

    Attributes:
        scope: the scope that a token must have; None: everybody may look.
        has_document: whether it shows the OpenAPI document of `set_document`; false if the process does not serve the API.
    """

    scope: str | None
    has_document: bool = True


def operation_router(title: str, operation: Operation) -> APIRouter:
    """The routes for operators."""
    needed = [Depends(caller(operation.scope))] if operation.scope is not None else []
    router = APIRouter(tags=["Operation"], dependencies=needed, route_class=Authorised)
    router.get("/metrics", response_class=PlainTextResponse)(metrics)
    if operation.has_document:
        add_documentation(router, title)
        router.get("/openapi.json", include_in_schema=False, response_class=JSONResponse)(openapi)
    return router


def set_document(app: FastAPI, document: Document) -> None:
    """Give an application the OpenAPI document that it shows. It writes the document once, at its first use."""
    app.state.show_document = cache(lambda: JSONResponse(document()))


async def openapi(request: Request) -> Response:
    """The OpenAPI document."""
    # FastAPI remembers each endpoint for ever. As a closure over its application, this one would keep the application too.
    show_document: Callable[[], Response] = request.app.state.show_document
    return show_document()


async def metrics(request: Request) -> Response:
    """Prometheus metrics of this process or of all behind its port, and of the subscriptions of the whole bus."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    rooms: Rooms = request.app.state.rooms
    text = await asyncio.to_thread(generate_latest, registry)
    with suppress(Unavailable):
        # Without a database the process's own metrics still tell.
        text += await asyncio.to_thread(write_metrics, rooms.status)
    return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})
