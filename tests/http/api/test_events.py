"""One event over HTTP: through the caller's view, or whole and with its deliveries for who sent it."""

import asyncio

import pytest

from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.subscription import NewSubscription, Webhook
from bus.disclosures import Wanted
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik, a_person

SEMBUNG = [{"exact": {"desa": "sembung"}}]


async def disclosed(bus: Bus, participant: str) -> list[tuple[str, tuple[int, ...]]]:
    found = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(participant=participant), None, 1000)
    return [(one.disclosure.channel.value, tuple(one.positions)) for one in found]


async def test_a_consumer_sees_an_event_as_its_grant_shows_it(bus: Bus):
    bus.apply(a_document(a_grant("bapenda", fields=["/nik"], mask={"/nik": "pseudonym"})))
    position = await bus.publish(a_person(1))
    answer = await bus.reader("bapenda").get(f"/v1/events/{position}")
    shown = answer.json()["event"]
    assert shown["data"] == {"nik": shown["subject"]}
    assert "deliveries" not in answer.json()
    assert a_nik(1) not in answer.text
    assert await disclosed(bus, "bapenda") == [("event", (position,))]


async def test_who_sent_an_event_sees_it_whole_with_its_deliveries(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    position = await bus.publish(a_person(1))
    subscription = await asyncio.to_thread(a_delivery, bus, position)
    answer = await bus.reader(OWNER).get(f"/v1/events/{position}")
    assert answer.json()["event"]["data"] == a_person(1)
    (delivery,) = answer.json()["deliveries"]
    assert (delivery["subscription"], delivery["state"]) == (subscription, "pending")
    assert await disclosed(bus, OWNER) == [("event", (position,))]


async def test_nothing_else_is_there(bus: Bus):
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG), a_grant("lama", until="2020-01-01")))
    bus.apply(a_document(contract="lain.hal"))
    elsewhere = await bus.publish(a_person(1, desa="paciran"))
    not_granted = await bus.publish(a_person(1), type="lain.hal")
    client, late = bus.reader("desa-sembung"), bus.reader("lama")
    absent = await client.get("/v1/events/999")
    answers = [await client.get(f"/v1/events/{position}") for position in (elsewhere, not_granted)]
    answers.append(await late.get(f"/v1/events/{elsewhere}"))
    assert absent.status_code == 404
    assert [(answer.status_code, answer.content) for answer in answers] == [(404, absent.content)] * 3


async def test_an_event_of_a_contract_that_is_out_of_force_is_not_there(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    position = await bus.publish(a_person(1))
    await asyncio.to_thread(bus.rooms.catalogue.registrar.retire, WARGA, "1.0.0", bus.operator)
    client = bus.reader("dinkes")
    answer, absent = await client.get(f"/v1/events/{position}"), await client.get("/v1/events/999")
    assert (answer.status_code, answer.content) == (404, absent.content)


@pytest.mark.parametrize("position", ["0", "-1", "x", str(2**63)])
async def test_what_is_no_position_is_refused(bus: Bus, position: str):
    assert (await bus.reader("dinkes").get(f"/v1/events/{position}")).status_code == 400


def a_delivery(bus: Bus, position: int) -> str:
    """A pending delivery of an event; the id of its subscription."""
    new = NewSubscription("dinkes", [WARGA], Webhook("https://dinkes.lamongan.example/masuk"))
    subscription = bus.rooms.subscriptions.add(new, OPERATOR)
    with bus.rooms.storage.write() as transaction:
        Ledger(bus.rooms.storage).add(transaction, [NewDelivery(subscription.number, position, None)], 0, again=False)
    return subscription.id
