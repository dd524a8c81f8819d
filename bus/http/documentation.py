"""The page `/docs`: Swagger UI over the OpenAPI document, served from this process alone.

The files in `swagger_ui/` are those of the npm package swagger-ui-dist, unchanged; `manifest.json` there has its version and
their digests. So the page works without the internet, and its Content-Security-Policy lets it load nothing from elsewhere.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from bus.http.conditional import cacheable

STRICT_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The Content-Security-Policy of a page that needs nothing."""

_FOLDER: Final = Path(__file__).parent / "swagger_ui"
_ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
_PARAMETERS: Final[dict[str, Any]] = {
    # Else the page asks an outside service whether the document is valid.
    "validatorUrl": None,
    "persistAuthorization": False,
}
_NO_ICON: Final = "data:,"
_INLINE: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def add_documentation(router: APIRouter, title: str) -> None:
    """Add the page and what it loads to a router."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=title,
        swagger_js_url="/docs/swagger-ui-bundle.js",
        swagger_css_url="/docs/swagger-ui.css",
        swagger_favicon_url=_NO_ICON,
        swagger_ui_parameters=_PARAMETERS,
    )
    page.headers["content-security-policy"] = _write_policy(bytes(page.body))

    @router.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    async def docs() -> Response:
        return page

    for name, media_type in _ASSETS.items():
        _add_asset(router, name, media_type)


def _add_asset(router: APIRouter, name: str, media_type: str) -> None:
    form = type("Asset", (Response,), {"media_type": media_type})

    @router.get(f"/docs/{name}", include_in_schema=False, response_class=form)
    def asset(request: Request) -> Response:
        return cacheable(request, _read(name), media_type)


@cache
def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


def _write_policy(page: bytes) -> str:
    """The Content-Security-Policy under which the page's own script runs, and no other."""
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _INLINE.findall(page)]
    scripts = " ".join(["'self'", *(f"'sha256-{text}'" for text in hashes)])
    return (
        f"{STRICT_POLICY}; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'"
    )
