"""Pulling over HTTP: what is given to whom, what comes again, and what a puller is told of what it says."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bus import clock
from bus.identity.keys import Keys
from bus.storage import Storage
from tests.a_bus import Bus
from tests.builders import WARGA, a_person
from tests.http.api.a_puller import SOON, URL, Puller, a_puller, an_office, another_client, positions

only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def office(storage: Storage, bus_keys: Keys, tmp_path: Path) -> AsyncIterator[Bus]:
    async with an_office(storage, bus_keys, tmp_path, retry_attempts=2) as bus:
        yield bus


async def published(bus: Bus, *persons: int) -> list[int]:
    return await bus.publish_all([a_person(number) for number in persons])


async def with_events(bus: Bus, *persons: int, **order: Any) -> tuple[Puller, list[int]]:
    """A puller for whom events about these persons are pending; their positions."""
    puller = await a_puller(bus, **order)
    made = await published(bus, *persons)
    await puller.until_pending(len(made))
    return puller, made


async def test_what_is_acknowledged_never_comes_again_and_the_rest_comes_when_its_lease_ends(office: Bus):
    puller, [first, second, third] = await with_events(office, 1, 2, 3)
    pulled = await puller.pull(lease=1)
    assert positions(pulled) == [first, second, third]
    assert [one["tries"] for one in pulled["deliveries"]] == [1, 1, 1]
    assert await puller.settle("ack", deliveries=[puller.delivery(second)]) == ["acknowledged"]
    assert await puller.positions() == []
    again = await puller.pull(wait=SOON)
    assert positions(again) == [first, third]
    assert [one["tries"] for one in again["deliveries"]] == [2, 2]
    assert await puller.settle("ack", leases=[pulled["lease"], again["lease"]]) == ["ended", "acknowledged"]
    counts = (await puller.read())["deliveries"]
    assert counts == {"pending": 0, "leased": 0, "delivered": 3, "dead": 0, "discarded": 0}


async def test_no_later_event_of_a_key_is_given_while_an_earlier_one_is_held_or_waits(office: Bus):
    puller, [first, behind, other] = await with_events(office, 1, 1, 2, ordered_by="/nik")
    held = await puller.pull()
    assert positions(held) == [first, other]
    assert await puller.positions() == []
    assert await puller.settle("nack", deliveries=[puller.delivery(first)], delay=60) == ["returned"]
    assert await puller.positions() == []
    # Somebody makes it due early.
    await puller.http.post(f"/v1/deliveries/{puller.delivery(first)}/retry")
    assert await puller.positions() == [first]
    assert await puller.settle("ack", deliveries=[puller.delivery(first)]) == ["acknowledged"]
    assert await puller.positions() == [behind]


async def test_a_delivery_that_is_returned_too_often_is_dead_and_can_be_redriven(office: Bus):
    puller, [position] = await with_events(office, 1)
    for result in ({"deliveries": 1, "dead": 0}, {"deliveries": 1, "dead": 1}):
        pulled = await puller.pull()
        (told,) = await puller.results("nack", leases=[pulled["lease"]], reason="register terkunci", delay=0)
        assert {"deliveries": told["deliveries"], "dead": told["dead"]} == result
    assert await puller.positions() == []
    (dead,) = (await puller.http.get("/v1/deliveries", params={"state": "dead"})).json()["deliveries"]
    assert [one["detail"] for one in dead["attempts"]] == ["register terkunci"] * 2
    assert (await puller.ask("redrive")).json() == {"redriven": 1, "hastened": 0}
    assert await puller.positions() == [position]


async def test_a_delivery_whose_puller_always_dies_is_dead_at_last(office: Bus):
    puller, [position] = await with_events(office, 1)
    assert await puller.positions(lease=1) == [position]
    assert await puller.positions(lease=1, wait=SOON) == [position]
    await asyncio.sleep(1.1)
    assert await puller.positions() == []
    (dead,) = (await puller.http.get("/v1/deliveries", params={"state": "dead"})).json()["deliveries"]
    assert [one["detail"] for one in dead["attempts"]] == [
        "neither acknowledged nor returned within its lease of 1 s"
    ] * 2


async def test_two_pullers_never_hold_the_same_event(office: Bus):
    puller, made = await with_events(office, *range(60))
    pullers = [await another_client(office, puller) for _ in range(4)]
    pulls = [one.positions(limit=5) for one in pullers for _ in range(4)]
    held = [position for found in await asyncio.gather(*pulls) for position in found]
    assert sorted(held) == made


async def test_a_lease_that_is_extended_holds_on(office: Bus):
    puller, [position] = await with_events(office, 1)
    pulled = await puller.pull(lease=1)
    (told,) = await puller.results("extend", leases=[pulled["lease"]], seconds=30)
    assert (told["result"], told["deliveries"]) == ("extended", 1)
    assert told["until"] > pulled["until"]
    assert await puller.positions(wait=1.5) == []
    (shorter,) = await puller.results("extend", leases=[pulled["lease"]], seconds=1)
    assert shorter["until"] == told["until"]
    assert await puller.settle("ack", leases=[pulled["lease"]]) == ["acknowledged"]
    assert await puller.settle("extend", leases=[pulled["lease"]], seconds=30) == ["settled"]
    assert position == 1


async def test_each_name_is_told_its_own_result(office: Bus):
    puller, [first, second, third] = await with_events(office, 1, 2, 3)
    other = await another_client(office, puller)
    mine, its = await puller.pull(limit=1), await other.pull(limit=1)
    names = [puller.delivery(position) for position in (first, second, third, 77)]
    names += ["sub_orang.1", f"{puller.sub}.1\0", "?"]
    leases = [its["lease"], "lease_aaaaaaaaaaaaaaaaaaaa", "satu\0"]
    told = await puller.results("ack", leases=leases, deliveries=names)
    assert [one["lease"] for one in told[:3]] == leases
    assert [one["result"] for one in told[:3]] == ["of-another", "unknown", "unknown"]
    results = ["acknowledged", "of-another", "not-held", *["unknown"] * 4]
    assert [(one["delivery"], one["result"]) for one in told[3:]] == list(zip(names, results, strict=True))
    # A request that is sent again, since its answer was lost.
    assert await puller.settle("ack", leases=[mine["lease"]], deliveries=names[:1]) == ["settled", "settled"]


async def test_a_seek_goes_on_from_there_and_gives_up_what_is_owed_before(office: Bus):
    puller, [first, second, third] = await with_events(office, 1, 2, 3)
    pulled = await puller.pull(limit=1)
    assert (await puller.ask("seek", to=second)).status_code == 202
    await puller.until_pending(2)
    assert await puller.settle("ack", leases=[pulled["lease"]]) == ["ended"]
    assert (await puller.read())["deliveries"]["discarded"] == 1
    again = await puller.pull()
    assert positions(again) == [second, third]
    await puller.settle("ack", leases=[again["lease"]])
    assert (await puller.ask("seek", to="beginning")).status_code == 202
    await puller.until_pending(3)
    assert await puller.positions() == [first, second, third]


async def test_a_seek_to_a_time_gives_what_was_recorded_since(office: Bus):
    puller, _ = await with_events(office, 1)
    since = clock.rfc3339(clock.now())
    [later] = await published(office, 2)
    await puller.until_pending(2)
    assert (await puller.ask("seek", to=since)).status_code == 202
    await puller.until_pending(1)
    assert await puller.positions() == [later]


async def test_a_seek_behind_the_end_skips_what_is_owed_and_no_later_event(office: Bus):
    puller, _ = await with_events(office, 1, 2)
    await puller.pull(limit=1)
    assert (await puller.ask("seek", to=10_000)).status_code == 202
    await puller.until_pending(0)
    [later] = await published(office, 3)
    assert await puller.positions(wait=SOON) == [later]


@only_once
async def test_events_that_fill_an_answer_leave_the_others_for_the_next(office: Bus):
    puller = await a_puller(office)
    large = "x" * 900_000
    made = await office.publish_all([a_person(number, nama=large) for number in range(6)])
    await puller.until_pending(6)
    assert [await puller.positions(), await puller.positions()] == [made[:4], made[4:]]


@only_once
async def test_a_paused_subscription_gives_nothing_and_what_is_held_can_be_settled(office: Bus):
    puller, _ = await with_events(office, 1, 2)
    pulled = await puller.pull(limit=1)
    await puller.ask("pause")
    refused = await puller.ask("pull")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:bus:problem:subscription-paused")
    assert await puller.settle("ack", leases=[pulled["lease"]]) == ["acknowledged"]


@only_once
async def test_what_is_steered_while_it_is_held_leaves_its_lease(office: Bus):
    puller, [first, second, third] = await with_events(office, 1, 2, 3)
    pulled = await puller.pull()
    await puller.http.post(f"/v1/deliveries/{puller.delivery(first)}/discard")
    await puller.http.post(f"/v1/deliveries/{puller.delivery(second)}/retry")
    assert await puller.positions() == [second]
    (told,) = await puller.results("ack", leases=[pulled["lease"]])
    assert (told["result"], told["deliveries"]) == ("acknowledged", 1)
    assert await puller.settle("ack", deliveries=[puller.delivery(first)]) == ["not-held"]
    assert third == 3


@only_once
async def test_nobody_but_its_participant_pulls_a_subscription(office: Bus):
    puller, [position] = await with_events(office, 1)
    operator = Puller(office.reader("operator", "subscriptions.manage", "admin"), puller.sub)
    stranger = await another_client(office, puller, "dinkes")
    names = {"deliveries": [puller.delivery(position)]}
    for other in (operator, stranger):
        answers = [await other.ask("pull"), await other.ask("ack", **names), await other.ask("nack", **names)]
        assert [one.status_code for one in answers] == [404, 404, 404]
    assert (await stranger.ask("seek", to=1)).status_code == 404
    assert (await operator.ask("seek", to=1)).status_code == 202
    reads_only = Puller(office.reader("bapenda", "events.read"), puller.sub)
    assert (await reads_only.ask("pull")).status_code == 403


WRONG: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("pull", {"limit": 1001}, {}, "/query/limit"),
    ("pull", {"wait": 61}, {}, "/query/wait"),
    ("pull", {"lease": 0.5}, {}, "/query/lease"),
    ("pull", {"lease": 43_201}, {}, "/query/lease"),
    ("ack", {}, {"leases": []}, ""),
    ("ack", {}, {"deliveries": ["?"] * 1001}, "/deliveries"),
    ("nack", {}, {"deliveries": ["?"], "reason": "satu\ndua"}, "/reason"),
    ("nack", {}, {"deliveries": ["?"], "delay": -1}, "/delay"),
    ("extend", {}, {"leases": ["?"], "seconds": 0}, "/seconds"),
    ("seek", {}, {"to": "kemarin"}, "/to"),
]


@only_once
async def test_what_cannot_be_is_refused_with_its_place(office: Bus):
    puller = await a_puller(office)
    for what, query, body, pointer in WRONG:
        answer = await puller.ask(what, query, **body)
        assert answer.status_code in (400, 422), answer.text
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    half = b'{"leases": ["\\ud83d"]}'
    headers = {"content-type": "application/json"}
    answer = await puller.http.post(f"{URL}/{puller.sub}/ack", content=half, headers=headers)
    assert answer.status_code in (400, 422)


@only_once
async def test_a_subscription_is_pulled_or_sent_and_never_becomes_the_other(office: Bus):
    puller, _ = await with_events(office, 1)
    hook = {"url": "http://127.0.0.1:1027/hook"}
    changed = await puller.http.patch(f"{URL}/{puller.sub}", json={"sink": hook})
    assert (changed.status_code, changed.json()["type"]) == (409, "urn:bus:problem:sink-kind-fixed")
    assert {(await puller.ask(what)).status_code for what in ("test", "rotate-secret")} == {409}
    sent = await puller.http.post(URL, json={"contracts": [WARGA], "sink": hook})
    other = Puller(puller.http, sent.json()["id"])
    answers = [await other.ask("pull"), await other.ask("ack", leases=["?"]), await other.ask("seek", to=1)]
    assert {(one.status_code, one.json()["type"]) for one in answers} == {(409, "urn:bus:problem:not-pulled")}
