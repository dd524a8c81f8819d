"""The status of the whole over HTTP: the operator's, and a participant's part of it."""

import httpx
import pytest

from bus.cli.status import write_lines
from bus.contracts import Waiting
from bus.delivery import Webhook
from bus.delivery.health import CircuitReport
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.subscription import Subscription
from bus.status import describe_status, reader
from tests.a_bus import Bus
from tests.a_failure import a_failed_attempt
from tests.an_actor import OPERATOR
from tests.builders import OWNER, WARGA, a_document, a_grant, a_new_subscription

HOOK = "https://bapenda.example:8443/hook?token=rahasia"


@pytest.fixture
async def trouble(bus: Bus) -> Subscription:
    """A subscription of bapenda whose sink fails, beside one of dinkes that does well."""
    bus.apply(a_document(a_grant("bapenda"), a_grant("dinkes"), delivery={"fresh_hours": 24}))
    position = await bus.publish({"nik": "3524011010900001"})
    rooms = bus.rooms
    rooms.subscriptions.add(a_new_subscription("dinkes", sink=Webhook("https://dinkes.example/hook")), OPERATOR)
    made = rooms.subscriptions.add(a_new_subscription("bapenda", sink=Webhook(HOOK)), OPERATOR)
    with rooms.storage.write() as transaction:
        ledger = Ledger(rooms.storage, rooms.keys.encrypt)
        ledger.add(transaction, [NewDelivery(made.number, position, None)], 0, again=False)
        circuits = {made.number: CircuitReport(is_closed=False, until=9)}
        ledger.record(transaction, [a_failed_attempt(made.number, position)], circuits)
    return made


async def read(http: httpx.AsyncClient) -> dict[str, object]:
    answer = await http.get("/v1/status")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_operator_sees_who_gets_nothing_first_with_since_when_and_why(
    bus: Bus, trouble: Subscription
) -> None:
    found = await read(bus.reader("operator", "admin"))
    subscribers = found["subscribers"]
    assert isinstance(subscribers, list)
    first, second = subscribers
    assert (first["subscription"], first["troubled"], second["troubled"]) == (trouble.id, True, False)
    assert (first["pending"], first["dead"], first["circuit"]) == (1, 0, "open")
    assert first["sink"] == "bapenda.example:8443"
    assert first["waiting_since"]
    assert first["failing_since"] == first["last_failure"]["at"]
    assert first["last_failure"]["detail"].startswith("the sink answered 500")
    assert first["last_success"] is None
    assert found["bus"]["position"] == 1  # type: ignore[index]
    (producer,) = found["producers"]  # type: ignore[misc]
    assert (producer["contract"], producer["participant"], producer["silent"]) == (WARGA, OWNER, [])


async def test_a_participant_sees_its_own_part_alone(bus: Bus, trouble: Subscription) -> None:
    found = await read(bus.reader("dinkes", "events.read"))
    assert [one["participant"] for one in found["subscribers"]] == ["dinkes"]  # type: ignore[attr-defined]
    assert (found["bus"], found["producers"], found["refused"]) == (None, [], [])


async def test_a_producer_who_is_silent_for_longer_than_its_contract_wants_is_named(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda"), delivery={"fresh_hours": 24}))
    found = await read(bus.reader(OWNER, "events.publish"))
    (producer,) = found["producers"]  # type: ignore[misc]
    assert (producer["last_event"], producer["fresh_hours"], producer["silent"]) == (None, 24, [OWNER])


async def test_metrics_tell_each_subscription_by_participant(bus: Bus, trouble: Subscription) -> None:
    text = (await bus.reader("operator", "admin").get("/metrics")).text
    named = f'{{participant="bapenda",subscription="{trouble.id}"}}'
    assert f"bus_subscription_pending{named} 1.0" in text
    assert f"bus_subscription_circuit_open{named} 1.0" in text


async def test_the_lag_was_0_in_the_metrics_where_no_relay_ran(bus: Bus) -> None:
    bus.apply(a_document())
    await bus.publish({"nik": "3524011010900001"})
    text = (await bus.reader("operator", "admin").get("/metrics")).text
    assert "bus_relay_lag_events 1.0" in text


async def test_events_that_wait_under_a_suspended_grant_were_no_trouble(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda")))
    position, rooms = await bus.publish({"nik": "3524011010900001"}), bus.rooms
    made = rooms.subscriptions.add(a_new_subscription("bapenda", sink=Webhook(HOOK)), OPERATOR)
    with rooms.storage.write() as transaction:
        Ledger(rooms.storage).add(transaction, [NewDelivery(made.number, position, None)], 0, again=False)
    rooms.catalogue.registrar.suspend_grant(WARGA, "bapenda", "sedang diperiksa", Waiting.KEEP, OPERATOR, 1)
    rooms.catalogue.refresh()
    (state,) = rooms.status.read_subscribers()
    assert (state.is_troubled, state.suspended) == (True, [WARGA])
    lines = list(write_lines(describe_status(rooms.status.read())))
    assert any(line.endswith(f"bus grant resume {WARGA} bapenda") for line in lines)


async def test_an_office_whose_grant_had_ended_was_shown_as_one_without_trouble(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda")))
    rooms = bus.rooms
    rooms.subscriptions.add(a_new_subscription("bapenda", sink=Webhook(HOOK)), OPERATOR)
    bus.apply(a_document(a_grant("bapenda", until="2020-12-31"), version="1.1.0"))
    (state,) = rooms.status.read_subscribers()
    assert (state.is_troubled, state.ungranted) == (True, [WARGA])
    (line, *_) = [one for one in write_lines(describe_status(rooms.status.read())) if "has ended" in one]
    assert line.endswith(f"bus grant list --contract {WARGA}")


async def test_a_redrive_of_what_waits_makes_it_due_at_once(bus: Bus, trouble: Subscription) -> None:
    http = bus.reader("bapenda", "subscriptions.manage")
    answer = await http.post(f"/v1/subscriptions/{trouble.id}/redrive", params={"pending": True})
    assert answer.json() == {"redriven": 0, "hastened": 1}
    assert bus.rooms.subscriptions.get(trouble.id, None).hastened_at > 0


@pytest.mark.parametrize("few", [3, 2000])
async def test_the_newest_events_stay_right_from_one_look_to_the_next(
    bus: Bus, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(reader, "_FEW", few)
    other = a_document(a_grant("bapenda"), contract="kependudukan.keluarga")
    bus.apply(a_document(a_grant("bapenda")), other)
    rooms = bus.rooms
    for count in (0, 1, 2, 5):
        for number in range(count):
            await bus.publish({"nik": f"352401101090{number:04}"}, type=other["contract"] if number else WARGA)
        anew = reader.StatusReader(rooms.storage, rooms.subscriptions, rooms.catalogue, rooms.settings.data_dir)
        assert rooms.status.read().producers == anew.read().producers
    bus.apply(a_document(a_grant("bapenda"), contract="kependudukan.akta"))
    assert len(rooms.status.read().producers) == 2
    await bus.publish({"nik": "3524011010900009"}, type="kependudukan.akta")
    assert len(rooms.status.read().producers) == 3
