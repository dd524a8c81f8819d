"""Refusals over HTTP: a developer finds what is wrong with an app's events, an owner who sends what is wrong."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bus import clock
from bus.http.edge import create_edge
from bus.http.health import Health
from bus.journal import Appender
from bus.refusals.log import RefusalLog
from bus.refusals.refusal import Refusal, round_to_hour
from bus.refusals.tally import Count
from tests import no_tls
from tests.a_bus import Bus
from tests.builders import OWNER, WARGA, Document, a_document, a_nik, a_person, a_refusal, an_event

REFUSALS = "/v1/refusals"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
VILLAGE = "desa-sembung"


async def publish(
    client: httpx.AsyncClient, events: Document | list[Document], *, partial: bool = False
) -> httpx.Response:
    media_type = BATCH if isinstance(events, list) else STRUCTURED
    return await client.post(
        "/v1/events", params={"partial": "true"} if partial else {}, json=events, headers={"content-type": media_type}
    )


def a_producer(bus: Bus, participant: str = OWNER) -> httpx.AsyncClient:
    return bus.reader(participant, "events.publish", "contracts.read")


async def answer(bus: Bus, client: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    await bus.rooms.recorder.flush()
    got = await client.get(REFUSALS, params=params)
    assert got.status_code == 200, got.text
    found: dict[str, Any] = got.json()
    return found


async def places(bus: Bus, client: httpx.AsyncClient, **params: Any) -> set[tuple[str | None, str, str, int]]:
    rows = (await answer(bus, client, **params))["refusals"]
    return {(row["contract"], row["rule"], row["pointer"], row["count"]) for row in rows}


async def test_a_developer_finds_rule_and_place_and_how_often(bus: Bus) -> None:
    bus.apply(a_document())
    producer = a_producer(bus)
    for _ in range(3):
        await publish(producer, an_event(data={"nama": 7}))
    assert await places(bus, producer) == {
        (WARGA, "required", "/data/nik", 3),
        (WARGA, "type", "/data/nama", 3),
    }


async def test_a_refusal_says_whose_it_is_and_when(bus: Bus) -> None:
    bus.apply(a_document())
    producer = a_producer(bus)
    begin = clock.now()
    await publish(producer, an_event(data={}))
    (row,) = (await answer(bus, producer))["refusals"]
    assert (row["participant"], row["client_id"][:7], row["version"]) == (OWNER, "client_", "1.0.0")
    assert clock.rfc3339(begin) <= row["first_at"] == row["last_at"] <= clock.rfc3339(clock.now())
    assert row["hour"] <= row["first_at"]


@pytest.mark.parametrize(
    ("event", "place"),
    [
        pytest.param(an_event(type="tiada.kontrak"), (None, "unknown-contract", "/type", 1), id="unknown contract"),
        pytest.param(
            an_event(dataschema="9.9.9"), (WARGA, "unknown-contract-version", "/dataschema", 1), id="unknown version"
        ),
        pytest.param(an_event(source=...), (WARGA, "event-malformed", "/source", 1), id="no event"),
        pytest.param(an_event(subject="lain"), (WARGA, "data-invalid", "/subject", 1), id="wrong subject"),
        pytest.param(an_event(id=7, type=7), (None, "event-malformed", "/id", 1), id="a type that is no text"),
    ],
)
async def test_other_rules_go_by_their_problem(
    bus: Bus, event: Document, place: tuple[str | None, str, str, int]
) -> None:
    bus.apply(a_document())
    producer = a_producer(bus)
    await publish(producer, event)
    assert place in await places(bus, producer)


async def test_what_is_refused_before_it_is_an_event_counts_too(bus: Bus) -> None:
    producer = a_producer(bus)
    await producer.post("/v1/events", content=b"{", headers={"content-type": STRUCTURED})
    await producer.post("/v1/events", content=b"{}", headers={"content-type": "text/plain"})
    assert await places(bus, producer) == {
        (None, "event-malformed", "", 1),
        (None, "media-type-unsupported", "", 1),
    }


async def test_a_retired_version_is_named(bus: Bus) -> None:
    bus.apply(a_document(), a_document(version="2.0.0"))
    bus.rooms.catalogue.registrar.retire(WARGA, "1.0.0", bus.operator)
    producer = a_producer(bus)
    await publish(producer, an_event(dataschema="1.0.0"))
    (row,) = (await answer(bus, producer))["refusals"]
    assert (row["version"], row["rule"]) == ("1.0.0", "contract-version-retired")


async def test_each_event_of_a_refused_batch_counts_and_the_batch_does_not(bus: Bus) -> None:
    bus.apply(a_document())
    producer = a_producer(bus)
    refused = await publish(producer, [an_event(data={}, id="a"), an_event(id="b"), an_event(data={}, id="c")])
    assert (refused.status_code, await places(bus, producer)) == (422, {(WARGA, "required", "/data/nik", 2)})


@pytest.mark.parametrize("partial", [True, False])
async def test_a_conflict_in_a_batch_counts_once(bus: Bus, partial: bool) -> None:
    bus.apply(a_document())
    producer = a_producer(bus)
    await publish(producer, an_event(id="a"))
    await publish(producer, [an_event(data=a_person(2), id="a"), an_event(data=a_person(3), id="b")], partial=partial)
    assert await places(bus, producer) == {(WARGA, "event-conflict", "/id", 1)}


async def test_a_conflict_counts(bus: Bus) -> None:
    bus.apply(a_document())
    producer = a_producer(bus)
    for number in (1, 2):
        await publish(producer, an_event(data=a_person(number)))
    assert await places(bus, producer) == {(WARGA, "event-conflict", "/id", 1)}


async def test_a_conflict_on_the_short_way_counts_for_its_contract(bus: Bus) -> None:
    bus.apply(a_document())
    headers = {"authorization": bus.token(OWNER, "events.publish")}
    async with bus.served() as address, no_tls.AsyncClient(base_url=address, headers=headers) as producer:
        # The first one's token is not known yet, and so it takes the long way.
        for number in (1, 2, 3):
            await publish(producer, an_event(data=a_person(number)))
    assert await places(bus, a_producer(bus)) == {(WARGA, "event-conflict", "/id", 2)}


async def test_nobody_counts_for_nobody(bus: Bus) -> None:
    bus.apply(a_document())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url="https://bus.example") as stranger:
        assert (await publish(stranger, an_event(data={}))).status_code == 401
    assert await places(bus, bus.reader("kominfo", "contracts.read", "admin")) == set()


async def test_an_owner_sees_who_sends_what_under_its_contract_and_others_only_their_own(bus: Bus) -> None:
    bus.apply(a_document(producers=[OWNER, VILLAGE]))
    village, stranger = a_producer(bus, VILLAGE), a_producer(bus, "dinkes")
    await publish(village, an_event(data={}))
    await publish(stranger, an_event())
    await publish(stranger, an_event(type="tiada.kontrak"))
    seen = {
        name: {row["participant"] for row in (await answer(bus, client))["refusals"]}
        for name, client in {
            "owner": bus.reader(OWNER, "contracts.read"),
            "village": village,
            "other": bus.reader("bapenda", "contracts.read"),
            "operator": bus.reader("kominfo", "contracts.read", "admin"),
        }.items()
    }
    assert seen == {"owner": {VILLAGE, "dinkes"}, "village": {VILLAGE}, "other": set(), "operator": {VILLAGE, "dinkes"}}
    assert len(await places(bus, bus.reader(OWNER, "contracts.read"))) == 2


async def test_a_list_is_narrowed_by_contract_and_time(bus: Bus) -> None:
    other = "kependudukan.lain"
    bus.apply(a_document(), a_document(contract=other))
    producer = a_producer(bus)
    await publish(producer, an_event(data={}))
    await publish(producer, an_event(data={}, type=other))
    assert {place[0] for place in await places(bus, producer, contract=other)} == {other}
    assert await places(bus, producer, since=clock.rfc3339(clock.now() + timedelta(seconds=1))) == set()
    assert len(await places(bus, producer, since=clock.rfc3339(clock.now() - timedelta(minutes=1)))) == 2


async def test_a_long_list_comes_in_pages_the_newest_first(bus: Bus) -> None:
    bus.apply(a_document())
    producer = a_producer(bus)
    for name in ("nama", "desa", "lahir"):
        await publish(producer, an_event(data=a_person(1) | {name: 7}))
        await bus.rooms.recorder.flush()
    first = await answer(bus, producer, limit=2)
    second = await answer(bus, producer, limit=2, after=first["next"])
    assert [row["pointer"] for page in (first, second) for row in page["refusals"]] == [
        "/data/lahir",
        "/data/desa",
        "/data/nama",
    ]
    assert second["next"] is None


async def test_what_two_processes_counted_adds_up(bus: Bus) -> None:
    bus.apply(a_document())
    producer = a_producer(bus)
    for _ in range(2):
        await publish(producer, an_event(data={}))
        await bus.rooms.recorder.flush()
    assert await places(bus, producer) == {(WARGA, "required", "/data/nik", 2)}


async def test_old_rows_are_forgotten_and_young_ones_kept(bus: Bus) -> None:
    now = clock.now()
    for days in (31, 29):
        bus.rooms.refusals.add({refused_at(now - timedelta(days=days)): Count(1, 1, 0, 0)})
    assert (bus.rooms.refusals.forget(now), len(bus.rooms.refusals.search())) == (1, 1)
    # The operator may keep them for longer or shorter.
    assert RefusalLog(bus.rooms.storage, 29).forget(now) == 0
    assert RefusalLog(bus.rooms.storage, 28).forget(now) == 1


def refused_at(at: Any, **changes: Any) -> Refusal:
    return a_refusal(hour=round_to_hour(clock.micros(at)), participant=VILLAGE, **changes)


async def test_a_producer_whose_refusals_jump_after_a_change_of_version_is_named_to_the_owner(bus: Bus) -> None:
    bus.apply(a_document(producers=[OWNER, VILLAGE]))
    changed = a_document(producers=[OWNER, VILLAGE], version="2.0.0")
    changed["schema"] = changed["schema"] | {"required": ["nik", "nama"]}
    bus.apply(changed)
    await publish(a_producer(bus, VILLAGE), [an_event(data={"nik": a_nik(n)}, id=f"e{n}") for n in range(12)])
    (alert,) = (await answer(bus, bus.reader(OWNER, "contracts.read")))["alerts"]
    assert alert.pop("activated_at").endswith("Z")
    assert alert == {"contract": WARGA, "version": "2.0.0", "participant": VILLAGE, "before": 0, "after": 12}


async def test_a_first_version_raises_no_alert(bus: Bus) -> None:
    bus.apply(a_document())
    producer = a_producer(bus)
    for _ in range(12):
        await publish(producer, an_event(data={}))
    assert (await answer(bus, producer))["alerts"] == []


async def test_an_alert_is_for_those_who_see_its_refusals(bus: Bus) -> None:
    bus.apply(a_document())
    bus.apply(a_document(version="2.0.0"))
    bus.rooms.refusals.add({refused_at(clock.now(), version="2.0.0"): Count(20, 20, 0, 0)})
    seen = {
        name: len((await answer(bus, bus.reader(name, "contracts.read")))["alerts"])
        for name in (OWNER, VILLAGE, "dinkes")
    }
    assert seen == {OWNER: 1, VILLAGE: 1, "dinkes": 0}


@pytest.mark.parametrize(
    "params", [{"since": "kemarin"}, {"since": "2026-01-01T00:00:00"}, {"after": "x"}, {"limit": 0}]
)
async def test_a_wrong_question_is_refused(bus: Bus, params: dict[str, Any]) -> None:
    got = await bus.reader(OWNER, "contracts.read").get(REFUSALS, params=params)
    assert (got.status_code, got.headers["content-type"]) == (400, "application/problem+json")


async def test_a_plus_that_the_query_reads_as_a_blank_is_named(bus: Bus) -> None:
    got = await bus.reader(OWNER, "contracts.read").get(f"{REFUSALS}?since=2026-01-01T00:00:00+07:00")
    [error] = got.json()["errors"]
    assert error["pointer"] == "/query/since"
    assert error["detail"].startswith("must be a time with its offset")
    assert "%2B" in error["detail"]


async def test_refusals_need_the_scope(bus: Bus) -> None:
    assert (await bus.reader(OWNER, "events.read").get(REFUSALS)).status_code == 403


@pytest.mark.parametrize("partial", [True, False])
@pytest.mark.parametrize("sent", [an_event(), [an_event()]], ids=["event", "batch"])
async def test_what_is_refused_for_the_bus_being_busy_is_nobodys_mistake(
    bus: Bus, sent: Document | list[Document], partial: bool
) -> None:
    bus.apply(a_document())
    full = replace(bus.rooms, appender=Appender(bus.rooms.storage, lambda position: None, most_waiting=0))
    busy = Bus(full, create_edge(full, Health({})))
    got = await publish(a_producer(busy), sent, partial=partial)
    assert (got.status_code, "Too many events are waiting" in got.text) == (503, True)
    producer = a_producer(bus)
    assert await places(bus, producer) == set()
