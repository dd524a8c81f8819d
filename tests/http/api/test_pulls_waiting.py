"""Pulls that wait, and what lets their participant pull: woken by what is theirs, and ended with their right."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from bus.contracts import Waiting
from bus.disclosures import DisclosureLog, Noted, Wanted
from bus.heavy import HeavyWorkWaits
from bus.identity.keys import Keys
from bus.problem import Unavailable
from bus.storage import Storage
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.attacks.a_live_bus import until
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person, a_public_document
from tests.http.api.a_puller import SOON, Puller, a_puller, an_office, another_client, positions

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The edge is the same on both databases; `test_pulls` has the statements."""

PERISTIWA = "kependudukan.peristiwa"


@pytest.fixture
async def office(storage: Storage, bus_keys: Keys, tmp_path: Path) -> AsyncIterator[Bus]:
    async with an_office(storage, bus_keys, tmp_path) as bus:
        yield bus


@asynccontextmanager
async def waiting(bus: Bus, *pullers: Puller) -> AsyncIterator[list["asyncio.Task[httpx.Response]"]]:
    """Pulls that wait."""
    pulls = [asyncio.create_task(one.ask("pull", {"wait": 60})) for one in pullers]
    await until(lambda: bus.rooms.pull_bell.waiting.total() == len(pullers), SOON)
    yield pulls
    for pull in pulls:
        pull.cancel()
    await asyncio.wait(pulls)


async def test_an_event_wakes_the_pulls_of_its_own_subscription_alone(office: Bus):
    mine = await a_puller(office)
    others = [
        await a_puller(office, filters=[{"exact": {"subject": a_nik(99)}}]),
        await a_puller(office, "dinkes", filters=[{"exact": {"subject": a_nik(99)}}]),
    ]
    async with waiting(office, mine, *others) as pulls:
        looks = count_looks(office)
        position = await office.publish(a_person(1))
        async with asyncio.timeout(SOON):
            answer = await pulls[0]
        assert positions(answer.json()) == [position]
        number = office.rooms.subscriptions.get(mine.sub, None).number
        assert set(looks) == {number}
        assert [one.done() for one in pulls[1:]] == [False, False]


def count_looks(bus: Bus) -> list[int]:
    """The subscriptions that the bell rings for, from now on."""
    rung: list[int] = []
    bell = bus.rooms.pull_bell
    ring = bell._ring

    def note(subscriptions: list[int]) -> None:
        rung.extend(subscriptions)
        ring(subscriptions)

    bell._ring = note  # type: ignore[method-assign, assignment]
    return rung


async def pause(bus: Bus, puller: Puller) -> None:
    await puller.ask("pause")


async def delete(bus: Bus, puller: Puller) -> None:
    await puller.http.delete(f"/v1/subscriptions/{puller.sub}")


async def grant_nothing(bus: Bus, puller: Puller) -> None:
    await asyncio.to_thread(bus.apply, a_document(version="1.1.0"))
    await asyncio.to_thread(bus.rooms.catalogue.registrar.retire, WARGA, "1.0.0", OPERATOR)


async def revoke(bus: Bus, puller: Puller) -> None:
    principal = bus.rooms.tokens.verify(puller.http.headers["authorization"].encode())
    await asyncio.to_thread(bus.rooms.tokens.revoke, principal, OPERATOR)


async def suspend(bus: Bus, puller: Puller, waiting: Waiting = Waiting.KEEP) -> None:
    grants = bus.rooms.grants
    await asyncio.to_thread(grants.suspend, WARGA, "bapenda", "PKS sedang diperiksa", waiting, OPERATOR)


async def resume(bus: Bus) -> None:
    await asyncio.to_thread(bus.rooms.grants.resume, WARGA, "bapenda", OPERATOR)


End = Callable[[Bus, Puller], Awaitable[None]]
ENDS: list[tuple[End, int]] = [(pause, 409), (delete, 404), (grant_nothing, 403), (suspend, 403), (revoke, 401)]


@pytest.mark.parametrize(("end", "status"), ENDS)
async def test_a_pull_that_waits_ends_at_once_with_the_reason_why_it_may_not(office: Bus, end: End, status: int):
    puller = await a_puller(office)
    async with waiting(office, puller) as (pull,):
        await end(office, await another_client(office, puller) if end is not revoke else puller)
        async with asyncio.timeout(SOON):
            assert (await pull).status_code == status


async def test_a_process_that_stops_answers_pulls_that_wait(office: Bus):
    async with waiting(office, await a_puller(office)) as (pull,):
        office.rooms.waiting.finish()
        async with asyncio.timeout(SOON):
            answer = await pull
        assert answer.json() == {"lease": None, "until": None, "deliveries": []}


async def test_a_pull_whose_client_went_away_holds_nothing(office: Bus):
    puller = await a_puller(office)
    async with office.served() as address, httpx.AsyncClient(base_url=address, headers=puller.http.headers) as client:
        pull = asyncio.create_task(client.post(f"/v1/subscriptions/{puller.sub}/pull", params={"wait": 60}))
        await until(lambda: office.rooms.pull_bell.waiting.total() == 1, SOON)
        pull.cancel()
        await until(lambda: office.rooms.pull_bell.waiting.total() == 0, SOON)
    position = await office.publish(a_person(1))
    assert await puller.positions(wait=SOON) == [position]


async def test_more_pulls_do_not_wait_than_a_participant_may_have(storage: Storage, bus_keys: Keys, tmp_path: Path):
    async with an_office(storage, bus_keys, tmp_path, limits={"waiting_readers": 1}) as office:
        puller = await a_puller(office)
        async with waiting(office, puller):
            assert (await puller.ask("pull", {"wait": 60})).status_code == 429


async def test_what_is_pulled_is_disclosed_before_and_as_the_grant_of_today_shows_it(office: Bus):
    puller = await a_puller(office)
    position = await office.publish(a_person(1))
    await puller.until_pending(1)
    cut = a_grant("bapenda", fields=["/nik", "/desa"], mask={"/desa": "redact"})
    await asyncio.to_thread(office.apply, a_document(cut, version="1.1.0"))
    await asyncio.to_thread(office.rooms.catalogue.registrar.retire, WARGA, "1.0.0", OPERATOR)
    pulled = await puller.pull()
    (shown,) = pulled["deliveries"]
    assert shown["event"]["data"].keys() == {"nik", "desa"}
    assert shown["event"]["data"]["desa"] != "sembung"
    (found,) = await asyncio.to_thread(office.rooms.disclosures.search, Wanted(a_nik(1), "bapenda"), None, 10)
    told = found.disclosure
    assert (told.channel.value, found.positions, list(told.fields)) == ("pull", [position], ["/nik", "/desa"])
    principal = office.rooms.tokens.verify(puller.http.headers["authorization"].encode())
    assert told.client_id == principal.client_id


async def test_what_cannot_be_disclosed_is_neither_given_nor_held(office: Bus, monkeypatch: pytest.MonkeyPatch):
    puller = await a_puller(office)
    position = await office.publish(a_person(1))
    await puller.until_pending(1)

    def refuse(self: DisclosureLog, disclosures: object) -> list[Noted]:
        raise Unavailable("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(DisclosureLog, "record", refuse)
        assert (await puller.ask("pull")).status_code == 503
    pulled = await puller.pull()
    assert positions(pulled) == [position]
    assert pulled["deliveries"][0]["tries"] == 1


async def test_what_is_refused_for_lack_of_a_turn_is_not_held(office: Bus):
    puller = await a_puller(office)
    position = await office.publish(a_person(1))
    await puller.until_pending(1)
    steps = office.rooms.pulls.pull(office.rooms.subscriptions.get(puller.sub, "bapenda"), "client_x", 10, 60)
    next(steps)
    assert await puller.positions() == []
    with pytest.raises(HeavyWorkWaits):
        steps.throw(HeavyWorkWaits("Try again."))
    pulled = await puller.pull()
    assert (positions(pulled), pulled["deliveries"][0]["tries"]) == ([position], 1)


async def test_events_wait_for_a_grant_that_ended_and_comes_back(office: Bus):
    puller = await a_puller(office)
    position = await office.publish(a_person(1))
    await puller.until_pending(1)
    await grant_nothing(office, puller)
    refused = await puller.ask("pull")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:bus:problem:not-granted")
    await asyncio.to_thread(office.apply, a_document(a_grant("bapenda"), version="1.2.0"))
    await asyncio.to_thread(office.rooms.catalogue.registrar.retire, WARGA, "1.1.0", OPERATOR)
    assert await puller.positions() == [position]


async def test_events_wait_while_the_grant_is_suspended_and_none_is_given(office: Bus):
    puller = await a_puller(office)
    first = await office.publish(a_person(1))
    await puller.until_pending(1)
    await suspend(office, puller)
    second = await office.publish(a_person(2))
    await puller.until_pending(2)
    refused = await puller.ask("pull")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:bus:problem:grant-suspended")
    await resume(office)
    assert await puller.positions() == [first, second]


async def test_what_waits_under_a_suspended_grant_is_dropped_where_it_says_so(office: Bus):
    puller = await a_puller(office)
    await office.publish_all([a_person(1), a_person(2)])
    await puller.until_pending(2)
    pulled = await puller.pull(limit=1)
    await suspend(office, puller, Waiting.DROP)
    assert (await puller.read())["deliveries"]["discarded"] == 2
    assert await puller.settle("ack", leases=[pulled["lease"]]) == ["ended"]
    await resume(office)
    later = await office.publish(a_person(3))
    assert await puller.positions(wait=SOON) == [later]


async def with_two_contracts(office: Bus) -> tuple[Puller, int, int]:
    """A puller of two contracts, and the position of an event of each. The first is about a resident."""
    schema = {"type": "object", "properties": {"isi": {"type": "string"}}}
    office.apply(a_public_document(PERISTIWA, "dukcapil-lamongan", "bapenda", kind="event", schema=schema))
    puller = await a_puller(office, contracts=[WARGA, PERISTIWA])
    resident = await office.publish(a_person(1))
    other = await office.publish({"isi": "satu"}, type=PERISTIWA)
    await puller.until_pending(2)
    return puller, resident, other


async def test_a_suspended_contract_holds_up_no_other_and_its_lapsed_try_counts(office: Bus):
    puller, hidden, shown = await with_two_contracts(office)
    assert await puller.positions(limit=1, lease=1) == [hidden]
    await suspend(office, puller)
    await asyncio.sleep(1.1)  # the lease ends
    assert await puller.positions() == [shown]
    assert await puller.positions(wait=0.3) == []
    deliveries = (await puller.http.get("/v1/deliveries", params={"state": "pending"})).json()["deliveries"]
    (waiting,) = [one for one in deliveries if one["position"] == hidden]
    assert (waiting["next_attempt"], len(waiting["attempts"])) == (None, 1)
    await resume(office)
    again = await puller.pull(wait=SOON)
    assert [(one["event"]["sequence"], one["tries"]) for one in again["deliveries"]] == [(f"{hidden:020}", 2)]


async def test_a_drop_that_broke_off_is_made_good_by_the_next_pull(office: Bus):
    puller, hidden, shown = await with_two_contracts(office)
    # A process that ends now has written the suspension, and dropped nothing.
    registrar = office.rooms.catalogue.registrar
    await asyncio.to_thread(registrar.suspend_grant, WARGA, "bapenda", "PKS sedang diperiksa", Waiting.DROP, OPERATOR)
    assert await puller.positions() == [shown]
    assert (await puller.read())["deliveries"]["discarded"] == 1
    assert hidden < shown


async def test_a_contract_without_a_grant_holds_up_no_other_of_the_subscription(office: Bus):
    puller, hidden, shown = await with_two_contracts(office)
    await grant_nothing(office, puller)
    assert await puller.positions() == [shown]
    (dead,) = (await puller.http.get("/v1/deliveries", params={"state": "dead"})).json()["deliveries"]
    assert (dead["position"], dead["attempts"][0]["failure"]) == (hidden, "permanent")
