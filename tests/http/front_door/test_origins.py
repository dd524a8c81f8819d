"""Pages of other origins: which of them may call what, where the operator names them."""

import json

import pytest

from tests import no_tls
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, a_document, a_grant, a_person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PAGE, OTHER = "https://data.example", "https://evil.example"
PREFLIGHT = {"access-control-request-method": "GET", "access-control-request-headers": "authorization"}


def cors_fields(answer: object) -> dict[str, str]:
    headers: dict[str, str] = answer.headers  # type: ignore[attr-defined]
    return {name: value for name, value in headers.items() if name.startswith("access-control-")}


async def test_a_page_that_is_named_reads_the_api_and_no_cookie_goes_with_it(bus: Bus):
    bus.apply(a_document(a_grant("bapenda")))
    headers = {"origin": PAGE, "authorization": bus.token("bapenda")}
    async with bus.opened(cors_origins=(PAGE,)) as (address, _), no_tls.AsyncClient(base_url=address) as http:
        path = f"/v1/records/{WARGA}"
        preflight = await http.options(path, headers={"origin": PAGE, **PREFLIGHT})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == PAGE
        assert "Authorization" in preflight.headers["access-control-allow-headers"]
        answer = await http.get(path, headers=headers)
        assert answer.status_code == 200
        told = cors_fields(answer)
        assert told.pop("access-control-allow-origin") == PAGE
        shown = told.pop("access-control-expose-headers").split(", ")
        assert {"Bus-Next", "ETag", "Location", "Retry-After", "Link"} <= set(shown)
        assert told == {}
        assert "Origin" in answer.headers["vary"]
        refused = await http.get(path, headers={"origin": PAGE})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PAGE)
        assert cors_fields(await http.get(path, headers={"authorization": headers["authorization"]})) == {}


async def test_a_page_that_is_not_named_is_answered_as_if_there_were_no_cors(bus: Bus):
    async with bus.opened(cors_origins=(PAGE,)) as (address, _), no_tls.AsyncClient(base_url=address) as http:
        for origin in (OTHER, "null", f"{PAGE}.evil.example", f"{PAGE}/"):
            for path in ("/v1/contracts", "/oauth/token"):
                preflight = await http.options(path, headers={"origin": origin, **PREFLIGHT})
                assert (preflight.status_code, cors_fields(preflight)) == (204, {})
            assert cors_fields(await http.get("/v1/contracts", headers={"origin": origin})) == {}


async def test_of_the_token_server_a_page_reaches_the_token_alone(bus: Bus):
    async with bus.opened(cors_origins=(PAGE,)) as (address, _), no_tls.AsyncClient(base_url=address) as http:
        form = {"grant_type": "client_credentials"}
        token = await http.post("/oauth/token", data=form, headers={"origin": PAGE})
        assert (token.status_code, token.headers["access-control-allow-origin"]) == (401, PAGE)
        for path in ("/oauth/revoke", "/oauth/introspect"):
            assert cors_fields(await http.post(path, data={"token": "x"}, headers={"origin": PAGE})) == {}
        for path in ("/openapi.json", "/docs", "/metrics", "/healthz"):
            assert cors_fields(await http.get(path, headers={"origin": PAGE})) == {}


async def test_a_page_may_read_what_became_of_its_event_also_on_a_connection_that_published_before(bus: Bus):
    bus.apply(a_document(a_grant()))
    headers = {
        "authorization": bus.token(OWNER, "events.publish"),
        "content-type": "application/cloudevents+json",
    }
    event = {"specversion": "1.0", "source": f"/{OWNER}", "type": WARGA, "data": a_person()}
    async with bus.opened(cors_origins=(PAGE,)) as (address, _), no_tls.AsyncClient(base_url=address) as http:
        for number, origin in enumerate(({}, {}, {"origin": PAGE}, {"origin": OTHER}, {})):
            content = json.dumps(event | {"id": f"e{number}"})
            answer = await http.post("/v1/events", content=content, headers=headers | origin)
            assert answer.status_code == 202, answer.text
            assert answer.headers.get("access-control-allow-origin") == (PAGE if PAGE in origin.values() else None)
