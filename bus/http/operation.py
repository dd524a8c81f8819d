"""Metrics for operators, and the description of the API for developers. A setting can hide both from the public."""

import asyncio
import os
from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from bus.http.documentation import add_documentation
from bus.http.security import Authorised, caller

Document = Callable[[], dict[str, Any]]
"""Makes the OpenAPI document."""


def operation_router(title: str, document: Document | None, scope: str | None) -> APIRouter:
    """The routes for operators.

    Args:
        document: makes the OpenAPI document; None: the process does not serve the API.
        scope: the scope that a token must have; None: everybody may look.
    """
    needed = [Depends(caller(scope))] if scope is not None else []
    router = APIRouter(tags=["Operation"], dependencies=needed, route_class=Authorised)
    router.get("/metrics", response_class=PlainTextResponse)(metrics)
    if document is not None:
        add_documentation(router, title)
        _add_document(router, document)
    return router


async def metrics() -> Response:
    """Prometheus metrics of this process, or of all processes behind the same port."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(await asyncio.to_thread(generate_latest, registry), headers={"content-type": CONTENT_TYPE_LATEST})


def _add_document(router: APIRouter, document: Document) -> None:
    @cache
    def description() -> Response:
        return JSONResponse(document())

    @router.get("/openapi.json", include_in_schema=False, response_class=JSONResponse)
    async def openapi() -> Response:
        return description()
