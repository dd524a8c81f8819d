"""An app developer's way, with nothing but public commands and well-known libraries: authlib, CloudEvents, Standard Webhooks."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from authlib.integrations.httpx_client import OAuth2Client
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from tests.services.receiver import Receiver
from tests.services.running import Process, free_port

ROOT = Path(__file__).parents[2]
CONTRACT = "perizinan.izin"
PERMIT: dict[str, Any] = yaml.safe_load((ROOT / "contracts/perizinan/izin.yaml").read_text())["examples"][0]
ENVIRONMENT = {**os.environ, "BUS_SINK_NETWORKS": "127.0.0.0/8"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operator's data folder."""
    return tmp_path_factory.mktemp("bus")


@pytest.fixture(scope="module")
def operator(data: Path) -> Iterator[OAuth2Client]:
    """The operator of a running bus, made with `bus init`, `bus contract apply` and `bus serve`."""
    admin = json.loads(bus("init", data))
    bus("contract", data, "apply", str(ROOT / "contracts/perizinan"))
    port = free_port()
    with (data / "log").open("wb") as log:
        command = [sys.executable, "-m", "bus", "serve", "--data", str(data), "--port", str(port)]
        popen = subprocess.Popen(command, env=ENVIRONMENT, stdout=log, stderr=log)
    process = Process(popen, f"http://127.0.0.1:{port}", data / "log")
    try:
        process.until_up().until_ready()
        with a_client(process.address, admin) as client:
            yield client
    finally:
        process.stop()


def bus(command: str, data: Path, *options: str) -> str:
    """What a command of the bus prints."""
    line = [sys.executable, "-m", "bus", command, *options, "--data", str(data)]
    return subprocess.run(line, env=ENVIRONMENT, capture_output=True, text=True, check=True, timeout=60).stdout


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
    ) as client:
        client.fetch_token()
        yield client


@contextmanager
def an_app(operator: OAuth2Client, name: str, *scopes: str) -> Iterator[OAuth2Client]:
    """The client of an app that the operator lets in."""
    known = operator.post("/v1/participants", json={"name": name, "title": name, "kind": "app"})
    assert known.status_code in (201, 409), known.text
    made = operator.post(f"/v1/participants/{name}/clients", json={"scopes": list(scopes)})
    assert made.status_code == 201, made.text
    with a_client(str(operator.base_url).rstrip("/"), made.json()) as client:
        yield client


@pytest.fixture(scope="module")
def licensing(operator: OAuth2Client) -> Iterator[OAuth2Client]:
    """The licensing office, which issues permits."""
    with an_app(operator, "dpmptsp", "events.publish") as client:
        yield client


@pytest.fixture(scope="module")
def tax(operator: OAuth2Client) -> Iterator[OAuth2Client]:
    """The tax office, which may know of most of a permit."""
    with an_app(operator, "bapenda", "events.read", "subscriptions.manage") as client:
        yield client


def a_permit(number: str) -> CloudEvent:
    attributes = {"id": number, "source": "/dpmptsp", "type": CONTRACT, "datacontenttype": "application/json"}
    return CloudEvent(attributes, PERMIT | {"nomor_izin": number})


def send(client: OAuth2Client, message: HTTPMessage) -> dict[str, Any]:
    answer = client.post("/v1/events", content=message.body, headers=message.headers)
    assert answer.status_code == 202, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


def test_permits_go_from_office_to_office_in_every_mode(
    licensing: OAuth2Client, tax: OAuth2Client, receiver: Receiver
) -> None:
    sink = receiver.sink("tax")
    wanted = {"contracts": [CONTRACT], "sink": {"url": sink.url}, "from": "beginning"}
    made = tax.post("/v1/subscriptions", json=wanted)
    assert made.status_code == 201, made.text
    sink.secrets.append(made.json()["secret"])
    batch = b"[" + to_structured_event(a_permit("IZN-3")).body + b"]"
    send(licensing, to_structured_event(a_permit("IZN-1")))
    send(licensing, to_binary_event(a_permit("IZN-2")))
    send(licensing, HTTPMessage({"content-type": "application/cloudevents-batch+json"}, batch))
    sink.waits_for("IZN-1", "IZN-2", "IZN-3")
    assert sink.forged == 0
    for arrival in sink.taken:
        event = from_http_event(HTTPMessage(arrival.headers, json.dumps(arrival.event).encode()))
        assert event.get_data() == granted(event.get_id())


def granted(number: str) -> dict[str, Any]:
    """What the tax office may know of a permit."""
    return {name: value for name, value in PERMIT.items() if name != "tingkat_risiko"} | {"nomor_izin": number}


def test_a_feed_goes_on_where_its_reader_stopped(licensing: OAuth2Client, tax: OAuth2Client) -> None:
    cursor = tax.get(f"/v1/feeds/{CONTRACT}", params={"limit": 1000}).json()["next"]
    send(licensing, to_structured_event(a_permit("IZN-4")))
    page = tax.get(f"/v1/feeds/{CONTRACT}", params={"after": cursor, "wait": 10}).json()
    assert [event["id"] for event in page["events"]] == ["IZN-4"]


def test_a_record_is_what_was_said_last(licensing: OAuth2Client, tax: OAuth2Client) -> None:
    send(licensing, to_structured_event(a_permit("IZN-5")))
    changed = CloudEvent(
        a_permit("IZN-5").get_attributes() | {"id": "IZN-5-2"}, granted("IZN-5") | {"status": "dicabut"}
    )
    send(licensing, to_structured_event(changed))
    record = tax.get(f"/v1/records/{CONTRACT}/IZN-5")
    assert (record.status_code, record.json()["data"]["status"]) == (200, "dicabut")


def test_the_same_event_sent_again_is_the_same(licensing: OAuth2Client) -> None:
    permit = a_permit("IZN-6")
    first = send(licensing, to_structured_event(permit))
    assert send(licensing, to_binary_event(permit)) == first | {"duplicate": True}


def test_who_may_not_publish_is_told_so(tax: OAuth2Client) -> None:
    message = to_structured_event(a_permit("IZN-7"))
    answer = tax.post("/v1/events", content=message.body, headers=message.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
