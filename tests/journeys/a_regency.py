"""A regency as its people have it: a bus made with public commands, and participants with authlib's OAuth client."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from authlib.integrations.httpx_client import OAuth2Client
from cloudevents.core.bindings.http import HTTPMessage

from samples.port import free_port
from tests import no_tls
from tests.forked import Forked, run_bus
from tests.services.running import Process

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "BUS_SINK_NETWORKS": "127.0.0.0/8"}


@contextmanager
def an_operator(data: Path, *applied: Path, environment: Mapping[str, str] = ENVIRONMENT) -> Iterator[OAuth2Client]:
    """The operator of a running bus, made with `bus init`, `bus contract apply` and `bus serve`."""
    admin = json.loads(bus("init", "--data", str(data), environment=environment))
    for contracts in applied:
        bus("contract", "apply", "--grants-seen", str(contracts), "--data", str(data), environment=environment)
    with a_process(data, environment) as address, a_client(address, admin) as client:
        yield client


@contextmanager
def a_process(data: Path, environment: Mapping[str, str] = ENVIRONMENT) -> Iterator[str]:
    """The address of a bus that `bus serve` runs."""
    port = free_port()
    popen = Forked(["serve", "--data", str(data), "--port", str(port)], environment, data / "log")
    process = Process(popen, f"http://127.0.0.1:{port}", data / "log")
    try:
        process.until_up().until_ready()
        yield process.address
    finally:
        process.stop()


def bus(*line: str, code: int = 0, environment: Mapping[str, str] = ENVIRONMENT) -> str:
    """What a command of the bus prints; it has to end with this code."""
    ran = run_bus(*line, environment=environment)
    assert ran.returncode == code, ran.stderr
    return ran.stdout


@contextmanager
def a_client(address: str, credentials: dict[str, str]) -> Iterator[OAuth2Client]:
    """authlib's client, with a token."""
    with OAuth2Client(
        credentials["client_id"],
        credentials["client_secret"],
        token_endpoint=f"{address}/oauth/token",
        grant_type="client_credentials",
        base_url=address,
        timeout=30,
        verify=no_tls.NOBODY,
    ) as client:
        client.fetch_token()
        yield client


@contextmanager
def a_participant(operator: OAuth2Client, name: str, *scopes: str, kind: str = "app") -> Iterator[OAuth2Client]:
    """A client of a participant that the operator lets in; it may be known already."""
    known = operator.post("/v1/participants", json={"name": name, "title": name, "kind": kind})
    assert known.status_code in (201, 409), known.text
    made = operator.post(f"/v1/participants/{name}/clients", json={"scopes": list(scopes)})
    assert made.status_code == 201, made.text
    with a_client(str(operator.base_url).rstrip("/"), made.json()) as client:
        yield client


def send(client: OAuth2Client, message: HTTPMessage) -> dict[str, Any]:
    """Publish, and give back the receipt."""
    answer = client.post("/v1/events", content=message.body, headers=message.headers)
    assert answer.status_code == 202, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt
