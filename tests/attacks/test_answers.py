"""What an answer gives away beside its content: redirects, echoes, cookies, foreign origins, versions."""

import httpx
import pytest

from tests import no_tls
from tests.a_bus import Bus
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person

ELSEWHERE = "https://evil.example"
ALL = ("events.read", "contracts.read", "subscriptions.manage", "audit.read", "admin")


@pytest.fixture
async def http(bus: Bus) -> httpx.AsyncClient:
    """A client that may read everything there is."""
    bus.apply(a_document(a_grant("bapenda")))
    await bus.publish(a_person())
    return bus.reader("bapenda", *ALL)


async def every_path_to_read(http: httpx.AsyncClient) -> list[str]:
    """Each path of the API that answers GET, its parameters filled in."""
    names = {"contract": WARGA, "name": WARGA, "version": "1.0.0", "v": "1.0.0", "key": "1", "position": "1"}
    document = (await http.get("/openapi.json")).json()
    found = [path for path, item in document["paths"].items() if "get" in item]
    for name, value in names.items():
        found = [path.replace(f"{{{name}}}", value) for path in found]
    return [path for path in found if "{" not in path]


async def test_no_path_redirects_to_where_the_token_would_follow(http: httpx.AsyncClient):
    for path in await every_path_to_read(http):
        answer = await http.get(f"{path}/", headers={"host": "evil.example"})
        assert not answer.has_redirect_location, path
        assert not answer.is_redirect, path


async def test_no_answer_lets_a_foreign_page_read_it_or_sets_a_cookie(http: httpx.AsyncClient):
    paths = await every_path_to_read(http)
    assert len(paths) > 15
    for path in paths:
        answer = await http.get(path, headers={"origin": ELSEWHERE})
        foreign = [name for name in answer.headers if name.startswith("access-control-") or name == "set-cookie"]
        assert foreign == [], path


async def test_no_answer_stays_with_somebody_on_the_way(http: httpx.AsyncClient):
    for path in [*await every_path_to_read(http), f"/v1/records/{WARGA}/{a_nik(1)}", f"/v1/records/{WARGA}/nobody"]:
        told = (await http.get(path)).headers.get("cache-control", "")
        assert told == "no-store" or told.startswith("private"), f"{path}: {told}"


async def test_every_answer_says_what_it_holds(http: httpx.AsyncClient):
    for path in await every_path_to_read(http):
        answer = await http.get(path)
        kind = answer.headers.get("content-type", "")
        assert kind or not answer.content, path
        assert not kind.startswith("text/") or "charset=utf-8" in kind, path


async def test_no_preflight_allows_a_foreign_page_anything(http: httpx.AsyncClient):
    asked = {"origin": ELSEWHERE, "access-control-request-method": "POST"}
    answer = await http.options("/v1/events", headers=asked)
    # Without a field of CORS a browser lets the page do nothing, whatever the status.
    assert answer.status_code == 204
    assert not any(name.startswith("access-control-") for name in answer.headers)


@pytest.mark.parametrize("path", ["/", "/v1/events", "/v1/contracts", "/oauth/token"])
async def test_trace_echoes_nothing(http: httpx.AsyncClient, path: str):
    answer = await http.request("TRACE", path, headers={"x-secret": "kata-sandi"})
    assert answer.is_client_error
    assert "kata-sandi" not in answer.text


async def test_a_token_in_a_url_is_not_taken(bus: Bus):
    token = bus.token("bapenda", "contracts.read").removeprefix("Bearer ")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ELSEWHERE) as nobody:
        answer = await nobody.get("/v1/contracts", params={"access_token": token})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:bus:problem:parameters-wrong")
    assert token not in answer.text


async def test_no_answer_names_the_server_or_its_version(bus: Bus):
    async with bus.served() as address, no_tls.AsyncClient(base_url=address) as nobody:
        for path in ("/healthz", "/v1/contracts", "/nowhere"):
            answer = await nobody.get(path)
            assert {"server", "x-powered-by", "via"}.isdisjoint(answer.headers)
            assert "uvicorn" not in answer.text
