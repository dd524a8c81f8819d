"""What the log and the metrics tell of logins, and what they never hold."""

import logging

import httpx
import pytest
from joserfc.jwk import OKPKey
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.full_log import a_full_log
from tests.http.api.oauth.a_server import Bus, a_token, an_assertion, credentials


async def test_no_log_holds_a_token_or_a_secret(http: httpx.AsyncClient, bus: Bus, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        token = await a_token(http, bus)
        await http.post("/oauth/token", data=credentials(bus, client_secret="a-wrong-secret"))
    assert "a-wrong-secret" not in caplog.text
    assert token not in caplog.text
    assert bus.secret not in caplog.text


async def test_each_token_that_is_issued_is_logged_and_counted_without_the_token(http: httpx.AsyncClient, bus: Bus):
    before = issued()
    with capture_logs() as lines:
        token = await a_token(http, bus)
        await http.post("/oauth/token", data=credentials(bus, client_secret="a-wrong-secret"))
    (line,) = (line for line in lines if line["event"] == "token.issued")
    assert (line["client_id"], line["participant"], line["address"]) == (bus.client_id, "bapenda", "127.0.0.1")
    assert (line["method"], line["scope"], line["seconds"]) == ("client_secret", "events.publish events.read", 600)
    assert token not in str(lines)
    assert bus.secret not in str(lines)
    assert issued() == before + 1


async def test_a_token_for_a_signature_is_logged_as_such(http: httpx.AsyncClient, bus: Bus):
    key = OKPKey.generate_key("Ed25519")
    client_id, _ = bus.a_client("events.read", key=key)
    with capture_logs() as lines:
        answer = await http.post("/oauth/token", data=an_assertion(key, client_id, jti="logged"))
    assert answer.status_code == 200
    assert [(line["client_id"], line["method"]) for line in lines if line["event"] == "token.issued"] == [
        (client_id, "private_key_jwt")
    ]


@pytest.mark.parametrize(("path", "endpoint"), [("revoke", "revocation"), ("introspect", "introspection")])
async def test_a_login_at_another_endpoint_is_logged(http: httpx.AsyncClient, bus: Bus, path: str, endpoint: str):
    token = await a_token(http, bus)
    with capture_logs() as lines:
        await http.post(f"/oauth/{path}", data=credentials(bus, token=token))
    (line,) = (line for line in lines if line["event"] == "client.authenticated")
    assert (line["endpoint"], line["client_id"], line["method"]) == (endpoint, bus.client_id, "client_secret")
    assert token not in str(lines)


async def test_a_log_that_cannot_be_written_keeps_no_token_back(http: httpx.AsyncClient, bus: Bus):
    with a_full_log():
        assert await a_token(http, bus)


def issued() -> float:
    """How many tokens bapenda got."""
    return REGISTRY.get_sample_value("bus_tokens_issued_total", {"participant": "bapenda"}) or 0.0
