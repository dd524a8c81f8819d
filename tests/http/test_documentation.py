"""The page `/docs`: it works without the internet, and runs no script but its own."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from bus import json
from bus.http import documentation
from tests.a_bus import ADDRESS, Bus

FOLDER = Path(documentation.__file__).parent / "swagger_ui"
_LOADING = {"src", "href", "action", "data", "poster", "srcset"}
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Where the answer does not depend on the database."""


class Addresses(HTMLParser):
    """Gathers the addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in _LOADING]


@pytest.fixture
def http(bus: Bus) -> httpx.AsyncClient:
    """Somebody without a token."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS)


@only_sqlite
async def test_the_page_and_what_it_loads_come_from_this_bus_alone(http: httpx.AsyncClient):
    page = await http.get("/docs")
    addresses = Addresses()
    addresses.feed(page.text)
    loaded = [address for address in addresses.found if address != "data:,"]
    assert len(loaded) == 2
    for address in loaded:
        assert address.startswith("/docs/")
        assert (await http.get(address)).status_code == 200
    assert "//" not in page.text.replace("<!DOCTYPE", "")
    assert "url: '/openapi.json'" in page.text


@only_sqlite
async def test_the_page_asks_no_outside_service_whether_the_document_is_valid(http: httpx.AsyncClient):
    assert '"validatorUrl": null' in (await http.get("/docs")).text


@only_sqlite
async def test_the_policy_lets_the_page_load_nothing_from_elsewhere(http: httpx.AsyncClient):
    page = await http.get("/docs")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    for name in ("default-src", "frame-ancestors", "base-uri", "form-action"):
        assert policy[name] == "'none'"
    (script,) = re.findall(rb"<script>(.*?)</script>", page.content, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    assert policy["script-src"].split() == ["'self'", f"'sha256-{digest}'"]
    assert policy["connect-src"] == "'self'"
    assert "http" not in page.headers["content-security-policy"]


@only_sqlite
async def test_styles_of_the_page_load_nothing(http: httpx.AsyncClient):
    style = (await http.get("/docs/swagger-ui.css")).text
    assert "@import" not in style
    assert all(address.startswith(("data:", '"data:', "'data:")) for address in re.findall(r"url\(([^)]*)\)", style))


@pytest.mark.parametrize(
    ("name", "media_type"), [("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css")]
)
@only_sqlite
async def test_an_asset_says_what_it_is_and_is_not_sent_twice(http: httpx.AsyncClient, name: str, media_type: str):
    answer = await http.get(f"/docs/{name}")
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.content == (FOLDER / name).read_bytes()
    known = await http.get(f"/docs/{name}", headers={"if-none-match": answer.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


@pytest.mark.parametrize("path", ["/docs/manifest.json", "/docs/../edge.py", "/docs/swagger-ui.js", "/docs/"])
@only_sqlite
async def test_nothing_else_is_served(http: httpx.AsyncClient, path: str):
    assert (await http.get(path)).status_code == 404


def test_the_files_are_those_of_the_package_unchanged():
    manifest = json.loads((FOLDER / "manifest.json").read_bytes())
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", manifest["version"])
    files = {path.name: path for path in FOLDER.iterdir() if path.name != "manifest.json"}
    digests = {
        name: "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
        for name, path in files.items()
    }
    assert digests == manifest["files"]
    assert {"LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"} <= files.keys()
