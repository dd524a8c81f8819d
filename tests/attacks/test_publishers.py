"""Attacks by one of several producers of a contract: what another office published, changed or deleted in its name."""

import pytest

from tests.a_bus import ADDRESS, Bus
from tests.builders import OWNER, WARGA, Document, a_document, a_grant, a_nik, a_person, an_event

OTHER = "dinas-lain"
GRANTS: dict[str, Document] = {"whole": {}, "cut": {"fields": ["/nik", "/nama"]}}


async def publish(bus: Bus, participant: str, event: Document) -> Document:
    headers = {"content-type": "application/cloudevents+json"}
    answer = await bus.reader(participant, "events.publish").post("/v1/events", json=event, headers=headers)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("grant", GRANTS.values(), ids=GRANTS)
async def test_a_producer_that_deletes_anothers_record_is_named(bus: Bus, grant: Document) -> None:
    bus.apply(a_document(a_grant("bapenda", **grant), producers=[OWNER, OTHER]))
    await publish(bus, OWNER, an_event(1))
    deletion = await publish(bus, OTHER, an_event(2, subject=a_nik(1), data=None))
    reader = bus.reader("bapenda")
    feed = (await reader.get(f"/v1/feeds/{WARGA}")).json()["events"]
    record = (await reader.get(f"/v1/records/{WARGA}")).json()["records"][0]
    event = (await reader.get(f"/v1/events/{deletion['position']}")).json()["event"]
    assert [one["publisher"] for one in feed] == [OWNER, OTHER]
    assert [one["publisher"] for one in (record, event)] == [OTHER, OTHER]


async def test_the_events_of_a_contract_with_one_producer_name_nobody(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda")))
    await publish(bus, OWNER, an_event(1))
    (event,) = (await bus.reader("bapenda").get(f"/v1/feeds/{WARGA}")).json()["events"]
    assert "publisher" not in event


@pytest.mark.parametrize("producers", [[OWNER], [OWNER, OTHER]], ids=["one producer", "several producers"])
@pytest.mark.parametrize("is_batch", [False, True], ids=["one event", "batch"])
async def test_nobody_publishes_in_anothers_name(bus: Bus, producers: list[str], is_batch: bool) -> None:
    bus.apply(a_document(a_grant("bapenda"), producers=producers))
    forged = an_event(1, publisher=OTHER)
    kind = "cloudevents-batch" if is_batch else "cloudevents"
    answer = await bus.reader(OWNER, "events.publish").post(
        "/v1/events", json=[forged] if is_batch else forged, headers={"content-type": f"application/{kind}+json"}
    )
    assert answer.status_code in (400, 422), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/0/publisher" if is_batch else "/publisher"]
    assert bus.rooms.journal.last_position() == 0


async def test_nobody_publishes_in_anothers_name_by_a_header(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda"), producers=[OWNER, OTHER]))
    headers = {f"ce-{name}": value for name, value in an_event(1, publisher=OTHER).items() if name != "data"}
    answer = await bus.reader(OWNER, "events.publish").post("/v1/events", json=a_person(), headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/publisher")
    assert bus.rooms.journal.last_position() == 0


async def test_a_producer_of_an_older_version_is_named_too(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda")))
    bus.apply(a_document(a_grant("bapenda"), version="1.1.0", producers=[OWNER, OTHER]))
    await publish(bus, OWNER, an_event(1, dataschema=f"{ADDRESS}/v1/contracts/{WARGA}/versions/1.0.0/schema"))
    (event,) = (await bus.reader("bapenda").get(f"/v1/feeds/{WARGA}")).json()["events"]
    assert event["publisher"] == OWNER


async def test_an_event_that_was_stored_before_its_contract_had_several_producers_is_a_duplicate(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda")))
    first = await publish(bus, OWNER, an_event(1))
    bus.apply(a_document(a_grant("bapenda"), version="1.1.0", producers=[OWNER, OTHER]))
    again = await publish(bus, OWNER, an_event(1))
    assert again == {"position": first["position"], "duplicate": True}
