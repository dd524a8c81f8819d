"""What operators and developers look at: metrics, and the description of the API. A setting can keep both from the public."""

import asyncio
import base64
import hashlib
import os
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from fastapi import APIRouter, Depends, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from bus.http.security import Authorised, caller

Document = Callable[[], dict[str, Any]]
"""Makes the OpenAPI document."""

STRICT_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The Content-Security-Policy of a page that needs nothing."""
_SCRIPT: Final = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui-bundle.js"
_STYLE: Final = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui.css"
_NO_ICON: Final = "data:,"
_INLINE: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def operation_router(title: str, document: Document | None, scope: str | None) -> APIRouter:
    """The routes for operators.

    Args:
        document: None in a process that does not serve the API.
        scope: what a token has to carry; None if everybody may look.
    """
    needed = [Depends(caller(scope))] if scope is not None else []
    router = APIRouter(tags=["operation"], dependencies=needed, route_class=Authorised)
    router.get("/metrics", response_class=PlainTextResponse)(metrics)
    if document is not None:
        _add_documentation(router, title, document)
    return router


async def metrics() -> Response:
    """Prometheus metrics of this process, or of all processes behind the same port."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(await asyncio.to_thread(generate_latest, registry), headers={"content-type": CONTENT_TYPE_LATEST})


def _add_documentation(router: APIRouter, title: str, document: Document) -> None:
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=title,
        swagger_js_url=_SCRIPT,
        swagger_css_url=_STYLE,
        swagger_favicon_url=_NO_ICON,
    )
    page.headers["content-security-policy"] = _policy(bytes(page.body))

    @router.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    async def docs() -> Response:
        return page

    @cache
    def description() -> Response:
        return JSONResponse(document())

    @router.get("/openapi.json", include_in_schema=False, response_class=JSONResponse)
    async def openapi() -> Response:
        return description()


def _policy(page: bytes) -> str:
    """The Content-Security-Policy under which the page's own script runs, and no other."""
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _INLINE.findall(page)]
    scripts = " ".join([_SCRIPT, *(f"'sha256-{text}'" for text in hashes)])
    return (
        f"{STRICT_POLICY}; script-src {scripts}; style-src {_STYLE} 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'"
    )
