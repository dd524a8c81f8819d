"""Whose data left is in the disclosure log, whatever the recipient does with them afterwards."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from bus.contracts.catalogue import Catalogue
from bus.contracts.document import parse_contract
from bus.delivery.subscription import AgencySink, Webhook
from bus.disclosures import DisclosureLog, Wanted
from bus.identity.keys import Keys
from bus.journal import Persons
from bus.kit import AdapterSettings, AgencyFault, Event, Failure, Outcome, make_http_client
from bus.storage import Storage, StorageFull
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.an_agency import AGENCY, TAKE, AnAdapter, agencies_with
from tests.attacks.a_live_bus import TAKEN, Answer, a_live_bus, a_sink, closes, says, says_nothing, subscribe, until
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person, of_nobody
from tests.services.agreements import CONSUMERS, PRODUCER
from tests.services.fixtures import MakeBus, make_bus, receiver
from tests.services.receiver import Arrival, Receiver
from tests.services.receiver import takes as takes_it
from tests.services.waiting import until as until_so

__all__ = ["make_bus", "receiver"]

PERSONS = 12

ANSWERS = {
    "garbage": says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "a bad length": says(b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n"),
    "two lengths": says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"),
    "nothing": says_nothing,
    "the end of the connection": closes,
    "half a head": says(b"HTTP/1.1 200 OK\r\nX: "),
    "100 Continue without end": says(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000),
    "a refusal": says(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
    "a time that is none": says(b"HTTP/1.1 503 No\r\nRetry-After: Mon, 1 Jan 99999999999 00:00:00 GMT\r\n\r\n"),
}
"""What a sink says once it has read a person's data."""
CASES = [
    *(pytest.param("sqlite", answer, id=name) for name, answer in ANSWERS.items()),
    pytest.param("postgres", says_nothing, marks=pytest.mark.postgres, id="nothing, on PostgreSQL"),
]
OF_AGENCIES = ["garbage", "nothing", "the end of the connection", "a refusal"]
"""An adapter has an HTTP client of its own. These answers fail there in different ways."""


def a_witness(storage: Storage, participant: str) -> tuple[Callable[[str], None], list[str]]:
    """What looks into the log in the moment that a person's data come, and whom it did not find there."""
    log, missing = DisclosureLog(storage, Persons(storage)), list[str]()

    def look(person: str) -> None:
        if not log.search(Wanted(person, participant), None, 10):
            missing.append(person)

    return look, missing


@pytest.mark.parametrize(("database_url", "answer"), CASES, indirect=["database_url"])
async def test_a_sink_that_reads_and_then_misbehaves_has_been_disclosed_to(
    storage: Storage, bus_keys: Keys, tmp_path: Path, answer: Answer
):
    seen, missing = a_witness(storage, "dinkes")
    async with a_live_bus(storage, bus_keys, tmp_path) as bus, a_sink(answer, seen=seen) as sink:
        bus.apply(a_document(a_grant("dinkes")))
        await bus.publish_all([a_person(n) for n in range(PERSONS)])
        subscribe(bus, "dinkes", Webhook(sink.url))
        await until(lambda: len(sink.persons) >= 5)
    assert missing == []


@dataclass
class Posts(AnAdapter):
    """An adapter that posts each event to an agency."""

    url: str = ""
    failures: list[str] = field(default_factory=list)

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        async with make_http_client(AdapterSettings(base_url=self.url, timeout_seconds=0.5)) as http:
            for event in events:
                try:
                    await http.post("", json=event.to_document())
                except httpx.HTTPError as error:
                    raise AgencyFault(Failure.TRANSIENT, "the agency answered badly") from error
        return [Outcome() for _ in events]


@pytest.mark.parametrize("answer", [ANSWERS[name] for name in OF_AGENCIES], ids=OF_AGENCIES)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_agency_that_reads_and_then_misbehaves_has_been_disclosed_to(
    storage: Storage, bus_keys: Keys, tmp_path: Path, answer: Answer
):
    seen, missing = a_witness(storage, AGENCY)
    adapter = Posts()
    agencies = agencies_with(adapter)
    async with a_live_bus(storage, bus_keys, tmp_path, agencies) as bus, a_sink(answer, seen=seen) as sink:
        adapter.url = sink.url
        # The bus sends nothing to an operation that no contract in force names.
        bus.apply(a_document(a_grant(AGENCY), adapters=[{"adapter": AGENCY, "operation": TAKE}]))
        await bus.publish_all([a_person(n) for n in range(PERSONS)])
        subscribe(bus, AGENCY, AgencySink(AGENCY, TAKE))
        await until(lambda: len(sink.persons) >= 3)
    assert missing == []


async def test_nothing_is_sent_while_the_log_cannot_be_written(
    storage: Storage, bus_keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with a_live_bus(storage, bus_keys, tmp_path, lease_seconds=1.0) as bus, a_sink(says(TAKEN)) as sink:
        full = FullLog(bus.rooms.disclosures.announce)
        monkeypatch.setattr(DisclosureLog, "announce", full)
        bus.apply(a_document(a_grant("dinkes")), of_nobody(a_document(a_grant("dinkes"), contract="uji.umum")))
        await bus.publish_all([a_person(1)])
        await bus.publish_all([{"nomor": "2"}], type="uji.umum")
        subscribe(bus, "dinkes", Webhook(sink.url))
        subscribe(bus, "dinkes", Webhook(sink.url), "uji.umum")
        await until(lambda: full.refused >= 2 and bool(sink.persons))
        assert set(sink.persons) == {""}
        full.is_full = False
        await until(lambda: a_nik(1) in sink.persons)


class FullLog:
    """A log on a full disk, until that has room."""

    def __init__(self, announce: Callable[..., Any]) -> None:
        self._announce = announce
        self.is_full = True
        self.refused = 0

    def __call__(self, runs: Any) -> Any:
        if self.is_full:
            self.refused += 1
            raise StorageFull("The disk of the bus is full; the operator has to make room.")
        return self._announce(runs)


async def test_who_could_not_be_reached_is_told_apart_from_who_was(storage: Storage, bus_keys: Keys, tmp_path: Path):
    """Two sinks of one participant get the same person: that one of them is away takes nothing from the log."""
    async with a_live_bus(storage, bus_keys, tmp_path) as bus, a_sink(says(TAKEN)) as sink:
        bus.apply(a_document(a_grant("dinkes"), a_grant("dinsos")))
        subscribe(bus, "dinkes", Webhook(sink.url))
        away = [subscribe(bus, name, Webhook("http://127.0.0.1:9/")) for name in ("dinkes", "dinsos")]
        await bus.publish_all([a_person(n) for n in range(3)])
        deliveries, subscriptions = bus.rooms.deliveries, bus.rooms.subscriptions
        await until(lambda: len(sink.persons) == 3)
        await until(
            lambda: all(deliveries.listed([subscriptions.get(one, None)], None, (0, 0), 9)[0].failures for one in away)
        )
        log = bus.rooms.disclosures

        def told(number: int) -> set[str]:
            return {one.disclosure.participant for one in log.search(Wanted(a_nik(number)), None, 100)}

        # An attempt under way is in the log until it has found nobody.
        await until(lambda: all(told(number) == {"dinkes"} for number in range(3)))
        assert sum(one.unsent for one in log.search(Wanted(participant="dinsos"), None, 100)) >= 1


async def test_reading_the_same_page_in_a_loop_is_one_row_that_counts(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(20)])
    reader = bus.reader("dinkes")
    for _ in range(25):
        await reader.get(f"/v1/feeds/{WARGA}")
        await reader.get(f"/v1/records/{WARGA}/{a_nik(1)}")
    found = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(a_nik(1), "dinkes"), None, 1000)
    assert sorted(one.times for one in found) == [25, 25]
    assert all(one.last_at > one.at for one in found)


async def test_asking_whether_a_record_is_there_is_disclosed(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(1)])
    answer = await bus.reader("dinkes").get(f"/v1/records/{WARGA}/{a_nik(1)}", headers={"if-none-match": "*"})
    assert answer.status_code == 304
    assert len(await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(a_nik(1), "dinkes"), None, 10)) == 1


def test_a_bus_killed_as_its_sink_has_the_body_has_disclosed(make_bus: MakeBus, receiver: Receiver) -> None:
    bus = make_bus()
    personal = a_document(a_grant(CONSUMERS[0]), producers=[PRODUCER], owner=PRODUCER)
    Catalogue(bus.storage, bus.keys.pseudonym).registrar.apply([parse_contract(personal)], OPERATOR)
    process = bus.start()

    def kills(arrival: Arrival) -> Any:
        os.kill(process.popen.pid, signal.SIGKILL)
        return takes_it(arrival)

    sink = receiver.sink("kills", kills)
    bus.subscribe(sink, WARGA)
    event = {"specversion": "1.0", "id": "1", "source": "/uji", "type": WARGA, "data": a_person(7)}
    bus.publish(event)
    until_so(lambda: sink.arrivals)
    process.popen.wait(10)
    log = DisclosureLog(bus.storage, Persons(bus.storage))
    (found,) = log.search(Wanted(a_nik(7), CONSUMERS[0]), None, 10)
    assert found.disclosure.channel.value == "webhook"
