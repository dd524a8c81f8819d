"""The front page: what this is, and where to go from there."""

import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from bus.http.edge import create_edge
from bus.http.health import Health
from tests.a_bus import ADDRESS, Bus
from tests.builders import OWNER

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def anybody(bus: Bus) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS)


async def test_the_front_page_says_what_this_is(anybody: httpx.AsyncClient) -> None:
    page = await anybody.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "application/json")
    assert page.json()["name"] == "Bus data Kabupaten Lamongan"
    assert page.json()["version"] == version("bus-lamongan")


async def test_every_link_leads_somewhere(bus: Bus, anybody: httpx.AsyncClient) -> None:
    links = (await anybody.get("/")).json()["links"]
    assert {"documentation", "openapi", "health"} <= set(links)
    reader = bus.reader(OWNER, "contracts.read")
    for path in links.values():
        assert (await reader.get(path)).status_code in (200, 405), path
    page = (await anybody.get("/", headers={"accept": "text/html"})).text
    assert re.findall('href="([^"]*)"', page) == list(links.values())


async def test_every_guide_has_the_title_that_the_page_says(anybody: httpx.AsyncClient) -> None:
    for name, title in (await anybody.get("/")).json()["guides"].items():
        assert (ROOT / name).read_text().splitlines()[0] == f"# {title}"


async def test_a_browser_gets_a_page_that_loads_nothing(anybody: httpx.AsyncClient) -> None:
    answer = await anybody.get("/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    # Without it a telephone shows the page as small as a desk's.
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in answer.text
    assert not re.search(r"<(script|style|link|img)|://|style=", answer.text)


async def test_what_is_at_the_operators_address_is_not_linked(bus: Bus) -> None:
    settings = bus.rooms.settings.model_copy(update={"operation_address": "127.0.0.1:9090"})
    edge = create_edge(replace(bus.rooms, settings=settings), Health({}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url=ADDRESS) as client:
        assert not {"documentation", "openapi"} & set((await client.get("/")).json()["links"])
