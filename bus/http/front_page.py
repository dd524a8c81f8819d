"""What is at `/`: the name of the service, and where to go from there. JSON, or a page for who prefers HTML."""

from html import escape
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from bus import json
from bus.http.semantics import form_of

router = APIRouter(tags=["Operation"])

TITLE: Final = "Bus data Kabupaten Lamongan"
_SUMMARY: Final = "Events, records and queries between the regency's applications and the ministries, under contract."
_HTML: Final = "text/html"
_GUIDES: Final = {
    "apps": "For the developer of an app",
    "contracts": "Contracts",
    "agencies": "For a ministry or agency",
    "operators": "For the operator",
    "security": "Security",
}
_LINKS: Final = {
    "documentation": "/docs",
    "openapi": "/openapi.json",
    "authorization_server": "/.well-known/oauth-authorization-server",
    "protected_resource": "/.well-known/oauth-protected-resource",
    "contracts": "/v1/contracts",
    "events": "/v1/events",
    "health": "/healthz",
    "readiness": "/readyz",
}


class FrontPage(BaseModel):
    """What this is, and where to go."""

    name: str
    version: str = Field(description="of the product")
    description: str
    links: dict[str, str] = Field(description="paths on this host, by what is there")
    guides: dict[str, str] = Field(description="guides that come with the product in its folder `docs`, by file")


_ANSWER: Final[dict[int | str, dict[str, Any]]] = {200: {"model": FrontPage, "content": {_HTML: {}}}}


@router.get("/", response_class=Response, responses=_ANSWER)
async def read_front_page(request: Request) -> Response:
    """What this is, and where to go. With `Accept: text/html` it is a page."""
    page = _make_page(is_documented=not request.app.state.rooms.settings.operation_address)
    if form_of(request) == _HTML:
        return Response(_write_html(page), media_type=_HTML)
    return Response(json.dumps(page.model_dump()), media_type="application/json")


def _make_page(*, is_documented: bool) -> FrontPage:
    """The page.

    Args:
        is_documented: whether the description of the API is at this address, and not at the operators' own.
    """
    hidden = () if is_documented else ("documentation", "openapi")
    return FrontPage(
        name=TITLE,
        version=version("bus-lamongan"),
        description=_SUMMARY,
        links={name: path for name, path in _LINKS.items() if name not in hidden},
        guides={f"docs/{name}.md": title for name, title in _GUIDES.items()},
    )


def _write_html(page: FrontPage) -> str:
    links = "".join(
        f'<li><a href="{escape(path)}">{escape(name.replace("_", " "))}</a></li>' for name, path in page.links.items()
    )
    guides = "".join(f"<li>{escape(title)}: <code>{escape(name)}</code></li>" for name, title in page.guides.items())
    title = escape(page.name)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title></head><body>'
        f"<h1>{title}</h1><p>{escape(page.description)}</p><p>Version {escape(page.version)}</p>"
        f"<h2>Here</h2><ul>{links}</ul><h2>Guides that come with the product</h2><ul>{guides}</ul></body></html>\n"
    )
