"""CloudEvents' SDKs against a running bus: what they send is what everybody gets, and they read all that the bus sends."""

import importlib.metadata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from bus import json
from bus.identity import Participants, Scope
from tests import no_tls
from tests.a_node_package import install
from tests.an_actor import OPERATOR
from tests.conformance.a_table import Row, read_row
from tests.conformance.events.sdks import BATCH, Event, JavaScript, Message, Python, Sdk
from tests.services.agreements import CONSUMERS, FACT
from tests.services.receiver import Receiver, Sink, a_receiver
from tests.services.running import Bus, a_bus

HERE: Final = Path(__file__).parent
SDKS: Final = ("javascript", "python")
MODES: Final = ("binary", "structured", "batch")
BOOLEAN: Final = "a boolean"
PERCENT: Final = "what a header has to encode"

UNWRITTEN: Final = {JavaScript: PERCENT, Python: BOOLEAN}
"""What an SDK does not write in binary mode as CloudEvents says: header values unencoded (HTTP binding, section 3.1.3.2), and
`True` for `true` (section 3.1 of the core specification)."""


def _variants(prefix: str) -> dict[str, Event]:
    """Events with what the standard lets an event have, by what is special in each."""
    data = {"nomor": 1, "isi": "é 🙂 \"' %41"}
    # The SDKs add a time of their own where there is none.
    least = {"specversion": "1.0", "source": "/uji", "type": FACT, "time": "2026-01-02T03:04:05.678Z", "data": data}
    special: dict[str, Event] = {
        "no more than it needs": {},
        "every attribute": {
            "subject": "a/b",
            "dataschema": f"https://bus.lamongan.example/v1/contracts/{FACT}/versions/1.0.0/schema",
            "datacontenttype": "application/json",
        },
        "an offset": {"time": "2026-01-02T03:04:05+07:00"},
        "a relative source": {"source": "#bagian"},
        "an absolute source": {"source": "https://dpmptsp.example/a?b=c#d"},
        "an URN": {"source": "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"},
        "extensions": {
            "exttext": "a,b;c=d",
            "extnumber": 2147483647,
            "partitionkey": "k",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
        BOOLEAN: {"extflag": True, "extother": False},
        PERCENT: {"source": "/a%20b", "exttext": 'é "a" %41', "subject": "100 %"},
        "JSON by another name": {"datacontenttype": "application/vnd.uji+json"},
        "a charset": {"datacontenttype": "application/json; charset=utf-8"},
    }
    return {name: {**least, **changes, "id": f"{prefix}-{n}"} for n, (name, changes) in enumerate(special.items())}


@dataclass
class Site:
    """A running bus with a consumer's webhook."""

    bus: Bus
    sink: Sink
    reader: httpx.Client


@pytest.fixture(scope="module")
def javascript(request: pytest.FixtureRequest) -> JavaScript:
    return JavaScript(install(request.config, HERE))


@pytest.fixture(params=SDKS)
def sdk(request: pytest.FixtureRequest) -> Sdk:
    made: Sdk = request.getfixturevalue("javascript") if request.param == "javascript" else Python()
    return made


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Site]:
    with a_bus(tmp_path_factory.mktemp("bus")) as bus:
        sink = receiver.sink("sdk")
        bus.subscribe(sink)
        client, secret = Participants(bus.storage).add_client(CONSUMERS[0], [Scope.EVENTS_READ], by=OPERATOR)
        bus.start()
        form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret}
        token = no_tls.post(f"{bus.address}/oauth/token", data=form, timeout=30).raise_for_status().json()
        headers = {"authorization": f"Bearer {token['access_token']}"}
        with no_tls.Client(base_url=bus.address, headers=headers, timeout=30) as reader:
            yield Site(bus, sink, reader)


def _send(bus: Bus, messages: Sequence[Message]) -> None:
    with bus.client() as client:
        for message in messages:
            answer = client.post("/v1/events", content=message.body.encode(), headers=message.headers)
            assert answer.status_code == 202, answer.text


def _spell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _normal(event: Event) -> dict[str, Any]:
    """What an event says, however an SDK spells it: in binary mode every attribute is text, and a time has many spellings."""
    told = {name: value if name == "data" else _spell(value) for name, value in event.items()}
    told["datacontenttype"] = told.get("datacontenttype", "application/json").partition(";")[0]
    if "time" in told:
        told["time"] = datetime.fromisoformat(event["time"].upper())
    for added in ("sequence", "recordedtime", "dataschema"):
        told.pop(added, None)
    return told


@pytest.mark.parametrize("mode", MODES)
def test_what_an_sdk_sends_is_what_webhooks_and_feeds_hand_out(
    site: Site, sdk: Sdk, mode: str, request: pytest.FixtureRequest
) -> None:
    variants = _variants(request.node.name)
    if mode == "binary":
        del variants[UNWRITTEN[type(sdk)]]
    sent = list(variants.values())
    _send(site.bus, sdk.write(mode, sent))
    ids = [event["id"] for event in sent]
    site.sink.waits_for(*ids)
    arrived = {one.event["id"]: one.event for one in list(site.sink.taken)}
    fed = {event["id"]: event for event in site.reader.get(f"/v1/feeds/{FACT}?limit=1000").json()["events"]}
    for event in sent:
        assert _normal(arrived[event["id"]]) == _normal(event)
        assert fed[event["id"]] == arrived[event["id"]]


def test_an_sdk_reads_all_that_the_bus_sends(site: Site, sdk: Sdk, request: pytest.FixtureRequest) -> None:
    sent = list(_variants(request.node.name).values())
    _send(site.bus, sdk.write("structured", sent))
    site.sink.waits_for(*(event["id"] for event in sent))
    wanted = {event["id"] for event in sent}
    arrivals = [one for one in list(site.sink.taken) if one.event["id"] in wanted]
    webhooks = [Message(one.headers, json.dumps(one.event).decode()) for one in arrivals]
    fed = site.reader.get(f"/v1/feeds/{FACT}?limit=1000").json()["events"]
    page = [event for event in fed if event["id"] in wanted]
    batch = Message({"content-type": BATCH}, json.dumps(page).decode())
    *read, of_batch = sdk.read([*webhooks, batch])
    for arrival, (event,) in zip(arrivals, read, strict=True):
        assert _normal(event) == _normal(arrival.event)
        assert (event["sequence"], event["recordedtime"]) == (arrival.event["sequence"], arrival.event["recordedtime"])
    assert [_normal(event) for event in of_batch] == [_normal(event) for event in page]


def test_the_same_event_of_both_sdks_in_every_mode_is_one_event(site: Site, javascript: JavaScript) -> None:
    variants = _variants("both")
    events = [event for name, event in variants.items() if name not in UNWRITTEN.values()]
    for sdk in (javascript, Python()):
        for mode in MODES:
            _send(site.bus, sdk.write(mode, events))
    fed = site.reader.get(f"/v1/feeds/{FACT}?limit=1000").json()["events"]
    assert sorted(event["id"] for event in fed if event["id"].startswith("both-")) == sorted(
        event["id"] for event in events
    )


def test_the_table_says_what_runs() -> None:
    cases = len(_variants("")) * (len(MODES) + 1)
    locked = json.loads((HERE / "package.json").read_bytes())["dependencies"]["cloudevents"]
    assert read_row("cloudevents, npm") == Row(locked, cases, cases - 1)
    assert read_row("cloudevents, PyPI") == Row(importlib.metadata.version("cloudevents"), cases, cases - 1)
