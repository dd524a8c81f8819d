"""A suspended grant: nothing goes out under it, on any way, and everybody concerned can see why."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bus.actions import Verb
from bus.contracts import Waiting
from bus.delivery import NewSubscription, Pull, Webhook
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.unfinished_drops import UnfinishedDrops
from bus.disclosures import Wanted
from bus.identity.keys import Keys
from bus.storage import Storage
from tests.a_bus import Bus
from tests.an_actor import OPERATOR, actions
from tests.an_agency import AnAdapter, join
from tests.attacks.a_live_bus import TAKEN, a_live_bus, a_sink, says, subscribe, until
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik, a_person
from tests.http.a_feed import FEED
from tests.http.api.queries.a_query import TANYA, a_query_document

REASON = "PKS sedang diperiksa"
SUSPEND, RESUME = (f"/v1/contracts/{WARGA}/grants/dinkes/{step}" for step in ("suspend", "resume"))
sqlite_alone = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def suspend(bus: Bus, waiting: Waiting = Waiting.KEEP, participant: str = "dinkes") -> int:
    return bus.rooms.grants.suspend(WARGA, participant, REASON, waiting, OPERATOR)


def resume(bus: Bus) -> int:
    return bus.rooms.grants.resume(WARGA, "dinkes", OPERATOR)


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:bus:problem:")


@pytest.fixture
async def live(storage: Storage, bus_keys: Keys, tmp_path: Path) -> AsyncIterator[Bus]:
    async with a_live_bus(storage, bus_keys, tmp_path) as bus:
        bus.apply(a_document(a_grant("dinkes"), a_grant("bapenda")))
        yield bus
        await bus.close()


@sqlite_alone
async def test_every_read_is_refused_with_the_reason_and_works_again_after_the_suspension(bus: Bus):
    bus.apply(a_document(a_grant("dinkes"), a_grant("bapenda")))
    position = await bus.publish(a_person(1))
    suspend(bus)
    reader, other = bus.reader("dinkes"), bus.reader("bapenda")
    for path in (FEED, f"/v1/records/{WARGA}", f"/v1/records/{WARGA}/{a_nik(1)}"):
        answer = await reader.get(path)
        assert problem(answer) == (403, "grant-suspended")
        assert answer.json()["detail"].endswith(REASON)
        assert (await other.get(path)).status_code == 200
    assert (await reader.get(f"/v1/events/{position}")).status_code == 404
    resume(bus)
    assert (await reader.get(FEED)).status_code == 200


@sqlite_alone
async def test_a_new_version_does_not_lift_a_suspension(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    suspend(bus)
    bus.apply(a_document(a_grant("dinkes"), version="1.1.0"))
    assert problem(await bus.reader("dinkes").get(FEED)) == (403, "grant-suspended")


@sqlite_alone
async def test_the_owner_suspends_over_http_and_others_cannot(bus: Bus):
    bus.apply(a_document(a_grant("dinkes"), a_grant("bapenda")))
    order = {"reason": REASON}
    owner, other = bus.reader(OWNER, "contracts.approve"), bus.reader("bapenda", "contracts.approve")
    assert problem(await other.post(SUSPEND, json=order)) == (403, "not-owner")
    assert (await bus.reader(OWNER, "contracts.write").post(SUSPEND, json=order)).status_code == 403
    assert problem(await owner.post(SUSPEND.replace("dinkes", "tidak-ada"), json=order)) == (404, "no-such-grant")
    answer = await owner.post(SUSPEND, json=order)
    assert (answer.status_code, answer.json()["suspended"]["by"], answer.json()["deliveries"]) == (200, OWNER, 0)
    assert problem(await bus.reader("dinkes").get(FEED)) == (403, "grant-suspended")
    assert (await owner.post(RESUME)).json()["suspended"] is None
    assert problem(await owner.post(RESUME)) == (409, "grant-not-suspended")
    assert [
        one.what for one in actions(bus.rooms.storage) if one.what.kind == "grant" and one.result.value == "done"
    ] == [
        Verb.GRANT_SUSPEND,
        Verb.GRANT_RESUME,
    ]


@sqlite_alone
async def test_an_owner_cannot_lift_what_the_operator_suspended(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    suspend(bus)
    owner = bus.reader(OWNER, "contracts.approve")
    assert problem(await owner.post(RESUME)) == (403, "not-operator")
    assert problem(await owner.post(SUSPEND, json={"reason": "lain"})) == (403, "not-operator")


@sqlite_alone
@pytest.mark.parametrize("reason", ["", "   ", "a\nb", "x" * 501])
async def test_a_reason_that_nobody_can_read_is_refused(bus: Bus, reason: str):
    bus.apply(a_document(a_grant("dinkes")))
    answer = await bus.reader(OWNER, "contracts.approve").post(SUSPEND, json={"reason": reason})
    assert answer.status_code in (400, 422)
    assert (await bus.reader("dinkes").get(FEED)).status_code == 200


@sqlite_alone
async def test_a_reason_with_a_persons_number_does_not_show_it(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    bus.rooms.grants.suspend(WARGA, "dinkes", f"bocor: {a_nik(1)}", Waiting.KEEP, OPERATOR)
    assert a_nik(1) not in (await bus.reader("dinkes").get(FEED)).text


@sqlite_alone
async def test_the_calendar_shows_owner_and_consumer_their_grants_and_the_reason_to_nobody_else(bus: Bus):
    bus.apply(
        a_document(a_grant("dinkes", until="2090-01-01"), a_grant("bapenda", until="2020-01-01")),
        a_document(a_grant("bapenda"), contract="lain.hal", owner="dpupr", producers=["dpupr"]),
    )
    suspend(bus)

    async def told(participant: str, **params: Any) -> list[tuple[Any, ...]]:
        answer = await bus.reader(participant, "contracts.read").get("/v1/grants", params=params)
        assert answer.status_code == 200, answer.text
        return [(one["contract"], one["participant"], one["state"]) for one in answer.json()["grants"]]

    assert await told(OWNER) == [(WARGA, "dinkes", "suspended"), (WARGA, "bapenda", "ended")]
    assert await told(OWNER, suspended=True) == [(WARGA, "dinkes", "suspended")]
    assert await told(OWNER, ends_before="2027-01-01") == [(WARGA, "bapenda", "ended")]
    assert await told("bapenda") == [(WARGA, "bapenda", "ended"), ("lain.hal", "bapenda", "granted")]
    assert await told("dpupr") == [("lain.hal", "bapenda", "granted")]
    for who, reason in (("dinkes", REASON), (OWNER, REASON), ("dpupr", None)):
        access = (await bus.reader(who, "contracts.read").get(f"/v1/contracts/{WARGA}/access")).json()
        assert access["versions"][0]["grants"][0]["suspended"]["reason"] == reason


@sqlite_alone
async def test_pages_of_the_calendar_follow_each_other(bus: Bus):
    bus.apply(*(a_document(a_grant("dinkes"), contract=f"uji.hal{n}") for n in range(5)))
    reader, after, found = bus.reader("dinkes", "contracts.read"), "", []
    while after is not None:
        page = (await reader.get("/v1/grants", params={"limit": 2, "after": after})).json()
        found += [one["contract"] for one in page["grants"]]
        after = page["next"]
    assert found == [f"uji.hal{n}" for n in range(5)]


@sqlite_alone
async def test_a_question_under_way_ends_at_once_with_the_reason(live: Bus):
    adapter = AnAdapter()
    join(live, adapter)
    live.apply(a_query_document())
    adapter.open.clear()
    asking = asyncio.create_task(
        live.reader("dinkes", "queries.call").post(f"/v1/queries/{TANYA}", json={"nik": a_nik(1)})
    )
    await until(lambda: adapter.busiest == 1)
    await asyncio.to_thread(live.rooms.grants.suspend, TANYA, "dinkes", REASON, Waiting.KEEP, OPERATOR)
    async with asyncio.timeout(5):
        assert problem(await asking) == (403, "grant-suspended")


@sqlite_alone
async def test_an_answer_that_comes_after_the_grant_ended_is_not_given(bus: Bus):
    adapter = AnAdapter()
    join(bus, adapter)
    bus.apply(a_query_document())
    adapter.open.clear()
    asking = asyncio.create_task(
        bus.reader("dinkes", "queries.call").post(f"/v1/queries/{TANYA}", json={"nik": a_nik(1)})
    )
    await until(lambda: adapter.busiest == 1)
    bus.rooms.grants.suspend(TANYA, "dinkes", REASON, Waiting.KEEP, OPERATOR)
    adapter.open.set()
    assert problem(await asking) == (403, "grant-suspended")
    assert bus.rooms.disclosures.search(Wanted(a_nik(1)), None, 10) == []


async def test_what_waits_and_what_comes_goes_after_the_suspension(live: Bus):
    async with a_sink(says(TAKEN)) as sink:
        subscription = subscribe(live, "dinkes", Webhook(sink.url))
        await live.publish(a_person(1))
        await until(lambda: len(sink.persons) == 1)
        await asyncio.to_thread(suspend, live)
        await live.publish_all([a_person(2), a_person(3)])
        one = live.rooms.subscriptions.get(subscription, None)
        await until(lambda: live.rooms.deliveries.tally(one).counts.get("pending") == 2)
        # The other participant's delivery of the same events shows that the relay and the worker went past them.
        async with a_sink(says(TAKEN)) as others:
            subscribe(live, "bapenda", Webhook(others.url))
            await until(lambda: len(others.persons) == 3)
        assert sink.persons == [a_nik(1)]
        detail = (await live.reader("dinkes", "subscriptions.manage").get(f"/v1/subscriptions/{subscription}")).json()
        assert [item["type"] for item in detail["withheld"]] == ["urn:bus:problem:grant-suspended"]
        assert await asyncio.to_thread(resume, live) == 2
        await until(lambda: len(sink.persons) == 3)
    assert sorted(sink.persons) == [a_nik(1), a_nik(2), a_nik(3)]


@sqlite_alone
async def test_what_waits_under_a_grant_that_ended_is_dead_and_says_so(live: Bus):
    async with a_sink(says(TAKEN)) as sink:
        await asyncio.to_thread(suspend, live)
        subscription = subscribe(live, "dinkes", Webhook(sink.url))
        one = live.rooms.subscriptions.get(subscription, None)
        await live.publish_all([a_person(1), a_person(2)])
        await until(lambda: live.rooms.deliveries.tally(one).counts == {"pending": 2})
        live.apply(a_document(a_grant("dinkes", until="2020-01-01"), version="1.1.0"))
        live.rooms.catalogue.registrar.retire(WARGA, "1.0.0", OPERATOR)
        await asyncio.to_thread(resume, live)
        await until(lambda: live.rooms.deliveries.tally(one).counts == {"dead": 2})
        assert sink.persons == []
        client = live.reader("dinkes", "subscriptions.manage")
        listed = (await client.get("/v1/deliveries", params={"subscription": subscription})).text
        assert "ended on 2020-01-01" in listed
        detail = (await client.get(f"/v1/subscriptions/{subscription}")).json()
        assert [item["type"] for item in detail["withheld"]] == ["urn:bus:problem:grant-expired"]


async def test_what_waits_and_what_comes_is_dropped_and_counted(live: Bus):
    live.apply(a_document(a_grant("dinkes"), contract="lain.hal"))
    async with a_sink(says(b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n")) as away:
        subscription = subscribe(live, "dinkes", Webhook(away.url))
        one = live.rooms.subscriptions.get(subscription, None)
        await live.publish_all([a_person(n) for n in range(5)])
        await until(lambda: live.rooms.deliveries.tally(one).counts.get("pending") == 5)
        assert await asyncio.to_thread(suspend, live, Waiting.DROP) == 5
        assert live.rooms.deliveries.tally(one).counts == {"discarded": 5}
        position = await live.publish(a_person(9))
        async with a_sink(says(TAKEN)) as others:
            subscribe(live, "bapenda", Webhook(others.url))
            await until(lambda: len(others.persons) == 6)
        assert live.rooms.deliveries.of_event(position, [one]) == []
        assert live.rooms.deliveries.tally(one).counts == {"discarded": 5}


@sqlite_alone
async def test_a_drop_takes_nothing_of_the_subscriptions_other_contracts(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")), a_document(a_grant("dinkes"), contract="lain.hal"))
    mine = await bus.publish(a_person(1))
    other = await bus.publish(a_person(1), type="lain.hal")
    new = NewSubscription("dinkes", [WARGA, "lain.hal"], Webhook("http://127.0.0.1:1027/hook"))
    one = bus.rooms.subscriptions.add(new, OPERATOR)
    with bus.rooms.storage.write() as transaction:
        deliveries = [NewDelivery(one.number, position, 7) for position in (mine, other)]
        Ledger(bus.rooms.storage).add(transaction, deliveries, 0, again=False)
    assert suspend(bus, Waiting.DROP) == 1
    (kept,) = bus.rooms.deliveries.of_event(other, [one])
    assert kept.state.name == "PENDING"


@sqlite_alone
async def test_a_drop_that_broke_off_is_finished_also_where_nobody_pulls(bus: Bus, monkeypatch: pytest.MonkeyPatch):
    bus.apply(a_document(a_grant("dinkes")))
    one = bus.rooms.subscriptions.add(NewSubscription("dinkes", [WARGA], Pull()), OPERATOR)
    positions = await bus.publish_all([a_person(n) for n in range(5)])
    with bus.rooms.storage.write() as transaction:
        Ledger(bus.rooms.storage).add(transaction, [NewDelivery(one.number, at, 7) for at in positions], 0, again=False)
    # The process was killed behind the suspension, before the first delivery was discarded.
    bus.rooms.catalogue.registrar.suspend_grant(WARGA, "dinkes", REASON, Waiting.DROP, OPERATOR, 5)
    monkeypatch.setattr("bus.delivery.suspended._STEP", 2)
    drops = UnfinishedDrops(bus.rooms.catalogue, bus.rooms.grants)
    assert not drops.look()
    assert bus.rooms.deliveries.tally(one).counts == {"pending": 5}
    monkeypatch.setattr("bus.delivery.unfinished_drops._MOMENT", timedelta(0))
    drops = UnfinishedDrops(bus.rooms.catalogue, bus.rooms.grants)
    while drops.look():
        pass
    assert bus.rooms.deliveries.tally(one).counts == {"discarded": 5}


async def test_an_event_that_was_loaded_before_the_suspension_is_not_sent_after_it(live: Bus):
    """The sink takes one request at a time and holds it: the others wait, loaded, for their turn."""
    held, go = asyncio.Event(), asyncio.Event()

    async def holds(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.set()
        await go.wait()
        writer.write(TAKEN)
        await writer.drain()

    async with a_sink(holds) as sink:
        live.apply(a_document(a_grant("dinkes"), contract="lain.urut", delivery={"ordered_by": "/nik"}))
        subscribe(live, "dinkes", Webhook(sink.url), "lain.urut")
        # All of one person, so that each waits for the one before.
        await live.publish_all([a_person(1, nama=f"Rekaan {n}") for n in range(5)], type="lain.urut")
        await asyncio.wait_for(held.wait(), 30)
        await asyncio.to_thread(live.rooms.grants.suspend, "lain.urut", "dinkes", REASON, Waiting.KEEP, OPERATOR)
        go.set()
        (one,) = live.rooms.subscriptions.listed("dinkes")
        await until(lambda: live.rooms.deliveries.tally(one).counts == {"pending": 4, "delivered": 1}, 30)
        assert len(sink.persons) == 1
