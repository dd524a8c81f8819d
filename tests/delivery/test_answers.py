"""What sinks answered: kept encrypted, for the owner, and for others with a reason that leaves a disclosure."""

import pytest
import sqlalchemy as sa

from bus.delivery import Webhook
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.subscription import Subscription
from bus.delivery.tables import ATTEMPTS
from bus.disclosures import ReasonMissing, Wanted
from tests.a_bus import Bus
from tests.a_failure import a_failed_attempt
from tests.an_actor import OPERATOR, an_actor
from tests.builders import a_document, a_grant, a_new_subscription

SAID = "Traceback: NIK 3524 tidak dikenal"


@pytest.fixture
async def failed(bus: Bus) -> tuple[Subscription, int]:
    """A subscription of bapenda, and the position of an event that its sink did not take."""
    bus.apply(a_document(a_grant("bapenda")))
    position = await bus.publish({"nik": "3524011010900001"})
    rooms = bus.rooms
    made = rooms.subscriptions.add(a_new_subscription(sink=Webhook("https://bapenda.example/hook")), OPERATOR)
    ledger = Ledger(rooms.storage, rooms.keys.encrypt)
    with rooms.storage.write() as transaction:
        ledger.add(transaction, [NewDelivery(made.number, position, None)], 0, again=False)
        ledger.record(transaction, [a_failed_attempt(made.number, position)])
    return made, position


async def test_the_owner_reads_what_its_sink_answered_and_nothing_is_disclosed(
    bus: Bus, failed: tuple[Subscription, int]
) -> None:
    found = bus.rooms.sink_answers.open(*failed, an_actor("bapenda"))
    assert [(one.number, one.status, one.text) for one in found] == [(1, 500, SAID)]
    assert bus.rooms.disclosures.search(Wanted(), None, 10) == []


async def test_the_operator_gives_a_reason_which_leaves_a_disclosure(
    bus: Bus, failed: tuple[Subscription, int]
) -> None:
    with pytest.raises(ReasonMissing):
        bus.rooms.sink_answers.open(*failed, OPERATOR)
    assert bus.rooms.disclosures.search(Wanted(), None, 10) == []
    (answer,) = bus.rooms.sink_answers.open(*failed, OPERATOR, "gangguan semalam")
    assert answer.text == SAID
    (found,) = bus.rooms.disclosures.search(Wanted(), None, 10)
    told = found.disclosure
    assert (told.participant, told.channel.value, told.purpose) == ("operator", "answer", "gangguan semalam")
    assert found.positions == [failed[1]]


async def test_an_answer_is_encrypted_where_it_is_kept(bus: Bus, failed: tuple[Subscription, int]) -> None:
    with bus.rooms.storage.read() as transaction:
        stored = transaction.value(sa.select(ATTEMPTS.c.answer))
    assert stored is not None
    assert "NIK" not in stored
    assert "3524" not in bus.rooms.keys.decrypt(stored)


async def test_another_participant_does_not_find_the_delivery(bus: Bus, failed: tuple[Subscription, int]) -> None:
    made, position = failed
    other = bus.reader("dinkes", "subscriptions.manage")
    answer = await other.post(f"/v1/deliveries/{made.id}.{position}/answers", json={"reason": "ingin tahu"})
    assert answer.status_code == 404
    own = await bus.reader("bapenda", "subscriptions.manage").post(
        f"/v1/deliveries/{made.id}.{position}/answers", json={}
    )
    assert (own.json()["answers"][0]["text"], own.headers["cache-control"]) == (SAID, "no-store")
