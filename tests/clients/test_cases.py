"""One suite of cases (`clients/cases.json`) that every client passes, against a server that plays a bad line."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from clients.scenario_server import TOKEN_PATH, Scenario, a_scenario_server
from tests.clients.a_client import CLIENTS, Client, Installed

CASES = [case for group in json.loads((CLIENTS / "cases.json").read_text()).values() for case in group]


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with a_scenario_server() as served:
        yield served


@pytest.fixture(scope="module")
def client(installed: Installed) -> Iterator[Client]:
    with Client(installed) as client:
        yield client


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_client_passes_the_case(case: Mapping[str, Any], client: Client, server: Any, tmp_path: Path) -> None:
    url, played = server
    played.scenario = scenario = Scenario(case.get("answers", {}))
    place = {"spool": str(tmp_path / "spool"), "options": case.get("spool", {})}
    client.do(op="open", url=url, id="id:1", secret="s e/c", source="/desa/uji", **place)
    results, pauses = [], []
    for step in case["do"]:
        result, paused = client.do_with_pauses(_sign(step) if step["op"] == "verify_webhook" else step)
        results.append(result)
        pauses += paused
    assert fits(results, case["expect"]), results
    assert fits(pauses, case.get("pauses", pauses)), pauses
    assert [event["id"] for event in scenario.accepted] == case.get("accepted", [e["id"] for e in scenario.accepted])
    _check_requests(scenario, case)


def _check_requests(scenario: Scenario, case: Mapping[str, Any]) -> None:
    asked = [request for request in scenario.requests if request.route == TOKEN_PATH]
    assert len(asked) == case.get("tokens", len(asked))
    for request in asked:
        # RFC 6749, section 2.3.1: both parts are form-encoded before base64.
        assert request.headers.get("authorization", "").startswith("Basic aWQlM0ExOnMlMjBlJTJGY") or not request.method
    sent = [
        {"method": one.method, "path": one.path, "headers": one.headers, "json": json.loads(one.body or "null")}
        for one in scenario.requests
        if one.route != TOKEN_PATH
    ]
    assert fits(sent, case.get("requests", sent)), sent
    assert all(one["headers"].get("authorization", "").startswith("Bearer ") for one in sent if one["method"])


def fits(actual: Any, expected: Any) -> bool:
    """Whether a value is as expected. An expected object names only the members that matter."""
    match expected:
        case {"at_most": most}:
            return isinstance(actual, int | float) and 0 <= actual <= most
        case {"matches": pattern}:
            return re.fullmatch(pattern, str(actual)) is not None
        case dict():
            empty = not expected and isinstance(actual, dict) and not actual
            members = isinstance(actual, dict) and all(
                name in actual and fits(actual[name], one) for name, one in expected.items()
            )
            return empty or (members and bool(actual))
        case list():
            same = isinstance(actual, list) and len(actual) == len(expected)
            return same and all(fits(one, other) for one, other in zip(actual, expected, strict=True))
        case _:
            return bool(actual == expected) and isinstance(actual, bool) == isinstance(expected, bool)


def _sign(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step with the headers of Standard Webhooks, made with the library that the bus uses."""
    signed_at = datetime.now(UTC) - timedelta(seconds=step.get("age", 0))
    body = step["body"]
    keys = [] if "headers" in step or "signature" in step else step.get("signed_with", [step["secret"]])
    signatures = " ".join(Webhook(key).sign("msg_1", signed_at, body) for key in keys)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(signed_at.timestamp())),
        "webhook-signature": step.get("signature", signatures),
    }
    if step.get("names") == "upper":
        headers = {name.upper(): value for name, value in headers.items()}
    sent = {"secret": step["secret"], "headers": step.get("headers", headers), "body": step.get("sent", body)}
    return {"op": "verify_webhook", **sent}
