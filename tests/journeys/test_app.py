"""An app developer's way, with nothing but public commands and well-known libraries: authlib, CloudEvents, Standard Webhooks."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from authlib.integrations.httpx_client import OAuth2Client
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from tests.journeys.a_regency import ROOT, a_participant, an_operator, send
from tests.services.receiver import Receiver
from tests.services.waiting import until

CONTRACT = "perizinan.izin"
PERMIT: dict[str, Any] = yaml.safe_load((ROOT / "contracts/perizinan/izin.yaml").read_text())["examples"][0]


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OAuth2Client]:
    """The operator of a running bus with the contract of permits."""
    with an_operator(tmp_path_factory.mktemp("bus"), ROOT / "contracts/perizinan") as client:
        yield client


@pytest.fixture(scope="module")
def licensing(operator: OAuth2Client) -> Iterator[OAuth2Client]:
    """The licensing office, which issues permits."""
    with a_participant(operator, "dpmptsp", "events.publish") as client:
        yield client


@pytest.fixture(scope="module")
def tax(operator: OAuth2Client) -> Iterator[OAuth2Client]:
    """The tax office, which may know of most of a permit."""
    with a_participant(operator, "bapenda", "events.read", "subscriptions.manage") as client:
        yield client


def a_permit(number: str) -> CloudEvent:
    attributes = {"id": number, "source": "/dpmptsp", "type": CONTRACT, "datacontenttype": "application/json"}
    return CloudEvent(attributes, PERMIT | {"nomor_izin": number})


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
    # The tax office does not see permits whole, so their events have ids of the bus's own.
    until(lambda: {numbered(arrival.event) for arrival in list(sink.taken)} == {"IZN-1", "IZN-2", "IZN-3"})
    assert sink.forged == 0
    for arrival in sink.taken:
        event = from_http_event(HTTPMessage(arrival.headers, json.dumps(arrival.event).encode()))
        assert event.get_data() == granted(numbered(arrival.event))


def numbered(event: dict[str, Any]) -> str:
    """The number of the permit that an event is about."""
    return str(event["data"]["nomor_izin"])


def granted(number: str) -> dict[str, Any]:
    """What the tax office may know of a permit."""
    return {name: value for name, value in PERMIT.items() if name != "tingkat_risiko"} | {"nomor_izin": number}


def test_a_feed_goes_on_where_its_reader_stopped(licensing: OAuth2Client, tax: OAuth2Client) -> None:
    cursor = tax.get(f"/v1/feeds/{CONTRACT}", params={"limit": 1000}).json()["next"]
    send(licensing, to_structured_event(a_permit("IZN-4")))
    page = tax.get(f"/v1/feeds/{CONTRACT}", params={"after": cursor, "wait": 10}).json()
    assert [numbered(event) for event in page["events"]] == ["IZN-4"]


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
