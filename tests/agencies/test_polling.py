"""Polls: a bad row holds up no other, what happened twice is two events, and an agency's accident deletes nothing."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import structlog

from bus.agencies import NothingHeld
from bus.agencies.memory import read_state
from bus.agencies.poller import TooManySetAside
from bus.journal import Appender
from bus.kit import AgencyFault, Event, Failure, Polled
from bus.process import Wakeups
from bus.refusals import MOST_SET_ASIDE, Aside, BrokenRule, Poll, put_aside
from tests.a_bus import Bus
from tests.agencies.a_polled_agency import CLOSED, OPEN, POLL, SOURCE, APolledAgency, APolledBus, a_row
from tests.an_actor import OPERATOR, actions
from tests.an_agency import AGENCY
from tests.builders import OWNER, WARGA, a_nik
from tests.services.waiting import until

LONG = "x" * 30


@pytest.fixture
async def polled(bus: Bus) -> APolledBus:
    made = APolledBus(bus, APolledAgency())
    made.agree(schema=CLOSED)
    return made


ODD: dict[str, Any] = {
    "half a surrogate pair": a_row(1, "potong\ud83d"),
    "a number that would change": a_row(1, "x") | {"usia": Decimal("18446744073709551617")},
    "a member too many": a_row(1) | {"lain": 1},
    "a wrong type where a text was due": a_row(1, {"depan": "Siti"}),
    "a number where a text was due": a_row(1, 7),
    "nothing where a text was due": a_row(1, None),
    "a missing member": {"nik": a_nik(1)},
    "a text that is too long": a_row(1, LONG),
    "a NUL": a_row(1, "a\0b"),
    "a time that is none": a_row(1) | {"waktu": "kemarin"},
    "a time of another type": a_row(1) | {"waktu": 7},
}


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_row_that_is_unfit_is_set_aside_with_its_key_and_the_next_ones_arrive(
    polled: APolledBus, what: str
) -> None:
    assert await polled.step(a_row(2, "Budi"), ODD[what], a_row(3, "Ani")) == [(a_nik(2), "Budi"), (a_nik(3), "Ani")]
    assert list(polled.aside()) == [a_nik(1)]
    # The poll goes on.
    assert await polled.step(a_row(2, "Budi"), ODD[what], a_row(3, "Ani S."), a_row(4, "Eko")) == [
        (a_nik(3), "Ani S."),
        (a_nik(4), "Eko"),
    ]


@pytest.mark.parametrize("entry", ["baris", 7, None, [], {}, {"nik": 7, "nama": "x"}, {"nik": "a\ud83d", "nama": "x"}])
async def test_a_row_without_a_usable_key_is_set_aside_once(polled: APolledBus, entry: Any) -> None:
    for _ in range(2):
        await polled.step(a_row(2, "Budi"), entry)
        (key,) = polled.aside()
        assert key.startswith("?")
    assert polled.told() == [(a_nik(2), "Budi")]


async def test_a_row_of_a_page_that_is_unfit_is_set_aside_as_well(polled: APolledBus) -> None:
    polled.agency.is_whole = False
    for _ in range(2):
        await polled.step(a_row(1, "potong\ud83d"), a_row(2, "Budi"))
    assert (polled.told(), list(polled.aside())) == ([(a_nik(2), "Budi")], [a_nik(1)])


async def test_a_row_set_aside_is_counted_once_and_not_at_every_poll(polled: APolledBus) -> None:
    for _ in range(3):
        await polled.step(a_row(1, LONG), a_row(2))
    await polled.bus.rooms.recorder.flush()
    assert [(one.refusal.rule, one.count) for one in polled.bus.rooms.refusals.search()] == [("maxLength", 1)]


async def test_a_row_set_aside_arrives_when_the_agency_mends_it(polled: APolledBus) -> None:
    await polled.step(a_row(1, LONG))
    assert await polled.step(a_row(1, "Siti")) == [(a_nik(1), "Siti")]
    assert polled.aside() == {}


async def test_a_number_that_the_agency_mends_by_sending_text_arrives(polled: APolledBus) -> None:
    polled.agree("2.0.0", schema={**CLOSED, "properties": {**CLOSED["properties"], "telepon": {"type": "string"}}})  # type: ignore[dict-item]
    number = 18446744073709551617
    await polled.step(a_row(1) | {"telepon": Decimal(number)})
    assert list(polled.aside()) == [a_nik(1)]
    assert await polled.step(a_row(1) | {"telepon": str(number)}) == [(a_nik(1), "Siti")]


async def test_a_row_set_aside_arrives_when_a_version_that_takes_it_is_active(polled: APolledBus) -> None:
    await polled.step(a_row(1, LONG))
    assert await polled.step() == []
    polled.agree("2.0.0", schema=OPEN)
    assert await polled.step() == [(a_nik(1), LONG)]
    assert polled.aside() == {}


async def test_a_row_is_tried_again_as_soon_as_a_version_is_active(polled: APolledBus) -> None:
    polled.agency.entries = [a_row(1, LONG)]
    running = asyncio.create_task(polled.poller.run())
    try:
        await asyncio.to_thread(until, lambda: bool(polled.aside()))
        # The poll pauses for an hour.
        polled.agree("2.0.0", schema=OPEN)
        polled.poller.look_again()
        await asyncio.to_thread(until, lambda: polled.told() == [(a_nik(1), LONG)])
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_a_step_cannot_read_holds_up_no_other_step_and_fails_the_round(bus: Bus) -> None:
    made = APolledBus(bus, APartlyUnreadAgency(entries=[a_row(1)]))
    made.agree(schema=CLOSED)
    with structlog.testing.capture_logs() as logged:
        running = asyncio.create_task(made.poller.run())
        try:
            # In a round that does not fail, the poll pauses for an hour.
            await asyncio.to_thread(until, lambda: made.agency.polls > 2)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert made.told() == [(a_nik(1), "Siti")]
    failed = [one["detail"] for one in logged if one["event"] == "poll.failed"]
    assert failed[0] == "the first list is not there"


class APartlyUnreadAgency(APolledAgency):
    """Of two lists the first one cannot be read."""

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        polled = await super().poll(operation, cursor)
        if self.polls % 2:
            fault = AgencyFault(Failure.SINK_DOWN, "the first list is not there", status=404)
            return replace(polled, rows=None, more=True, fault=fault)
        return polled


async def test_a_published_row_that_becomes_unfit_keeps_its_record(polled: APolledBus) -> None:
    await polled.step(a_row(1, "Siti"), a_row(2))
    assert await polled.step(a_row(1, LONG), a_row(2)) == []
    assert list(polled.aside()) == [a_nik(1)]
    assert await polled.step(a_row(1, "Siti"), a_row(2)) == []
    assert polled.aside() == {}


async def test_a_row_set_aside_that_is_gone_is_listed_no_more(polled: APolledBus) -> None:
    await polled.step(a_row(1, LONG), a_row(2))
    await polled.step(a_row(2))
    assert polled.aside() == {}


async def test_nothing_of_a_row_set_aside_is_logged(polled: APolledBus) -> None:
    with structlog.testing.capture_logs() as logged:
        await polled.step(a_row(1, {"Sumiyati": "Rekaan"}), a_row(2, "Sumiyati" + LONG), a_row(3, "Sumiyati\ud83d"))
    assert "Sumiyati" not in str(logged)
    assert a_nik(1) not in str(logged)


async def test_what_happened_twice_is_two_events(polled: APolledBus) -> None:
    polled.agency.is_whole = False
    states = ["diproses", "selesai", "diproses", "diproses", "selesai"]
    for state in states:
        await polled.step(a_row(1, state))
    assert [name for _, name in polled.told()] == ["diproses", "selesai", "diproses", "selesai"]


async def test_a_row_that_went_and_came_back_as_it_was_is_news(polled: APolledBus) -> None:
    await polled.step(a_row(1), a_row(2))
    await polled.step(a_row(2))
    assert await polled.step(a_row(1), a_row(2)) == [(a_nik(1), "Siti")]


async def test_events_and_the_memory_of_rows_are_one_transaction(polled: APolledBus) -> None:
    rooms = polled.bus.rooms

    class Crash(Exception):
        pass

    class CrashingAppender(Appender):
        def _commit(self, requests: Any) -> Any:
            super()._commit(requests)
            raise Crash

    await polled.step(a_row(1, "lama"))
    crashing = CrashingAppender(rooms.storage, Wakeups().appended)
    doomed = APolledBus(replace(polled.bus, rooms=replace(rooms, appender=crashing)), polled.agency)
    with pytest.raises(Crash):
        await doomed.step(a_row(1, "baru"))
    await crashing.close()
    # The poll's memory is that of the journal, so what returns meanwhile is news, and what stays is told once.
    assert polled.told() == [(a_nik(1), "lama"), (a_nik(1), "baru")]
    assert await polled.step(a_row(1, "lama")) == [(a_nik(1), "lama")]


async def test_many_changes_are_published_in_pieces_with_the_cursor_at_the_end(polled: APolledBus) -> None:
    rows = [a_row(number) for number in range(1, 1102)]
    assert len(await polled.step(*rows)) == 1101
    with polled.bus.rooms.storage.read() as transaction:
        state = read_state(transaction, Poll(AGENCY, POLL.name))
    assert (state.cursor, state.steps) == ("1", 3)
    assert await polled.step(*rows) == []


def told_event(id_: str, number: int, nama: str) -> Event:
    return Event(id_, "/badan/kabar", WARGA, {"nik": a_nik(number), "nama": nama})


async def test_an_event_that_the_agency_sends_once_is_kept_until_the_contract_takes_it(polled: APolledBus) -> None:
    polled.agency.events = [told_event("e1", 1, LONG), told_event("e2", 2, "Budi")]
    assert await polled.step() == [(a_nik(2), "Budi")]
    assert polled.aside() == {a_nik(1): [("maxLength", "/data/nama")]}
    polled.agency.events = []
    polled.agree("2.0.0", schema=OPEN)
    assert await polled.step() == [(a_nik(1), LONG)]
    assert polled.aside() == {}


async def test_a_kept_event_of_a_record_is_dropped_when_a_later_one_arrives(polled: APolledBus) -> None:
    polled.agency.events = [told_event("e1", 1, LONG)]
    await polled.step()
    polled.agency.events = [told_event("e2", 1, "Siti")]
    assert await polled.step() == [(a_nik(1), "Siti")]
    polled.agency.events = []
    polled.agree("2.0.0", schema=OPEN)
    assert (await polled.step(), polled.aside()) == ([], {})


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_poll_that_set_too_many_events_aside_stops_before_it_loses_one(polled: APolledBus) -> None:
    polled.agency.events = [told_event("e1", 1, LONG)]
    await polled.step()
    aside = Aside(Poll(AGENCY, POLL.name), SOURCE, "", WARGA, OWNER, AGENCY, "d", "1", [BrokenRule("type", "")], None)
    with polled.bus.rooms.storage.write() as transaction:
        put_aside(transaction, [replace(aside, key=str(number)) for number in range(MOST_SET_ASIDE)], 0)
    polled.agency.events = [told_event("e2", 2, "Budi")]
    with pytest.raises(TooManySetAside):
        await polled.step()
    with polled.bus.rooms.storage.read() as transaction:
        assert read_state(transaction, Poll(AGENCY, POLL.name)).cursor == "1"


HUNDRED = [a_row(number) for number in range(1, 101)]


async def test_a_list_of_three_rows_in_place_of_a_hundred_deletes_nothing(polled: APolledBus) -> None:
    await polled.step(*HUNDRED)
    with structlog.testing.capture_logs() as logged:
        assert await polled.step(*HUNDRED[:2], a_row(3, "Ani")) == [(a_nik(3), "Ani")]
    (report,) = polled.holds.report()
    assert [(one.source, one.deletions, one.known, one.released) for one in report.held] == [(SOURCE, 97, 100, None)]
    assert [line["deletions"] for line in logged if line["event"] == "poll.deletions_held"] == [97]


async def test_held_deletions_end_when_the_rows_are_back(polled: APolledBus) -> None:
    await polled.step(*HUNDRED)
    await polled.step(*HUNDRED[:3])
    assert await polled.step(*HUNDRED[:95]) == [(a_nik(number), None) for number in range(96, 101)]
    assert polled.holds.report()[0].held == []


async def test_held_deletions_go_on_after_the_operators_word(polled: APolledBus) -> None:
    await polled.step(*HUNDRED)
    await polled.step(*HUNDRED[:3])
    assert [one.deletions for one in polled.holds.release(AGENCY, OPERATOR)] == [97]
    assert await polled.step() == [(a_nik(number), None) for number in range(4, 101)]
    assert polled.holds.report()[0].held == []
    with pytest.raises(NothingHeld):
        polled.holds.release(AGENCY, OPERATOR)


async def test_the_operators_word_is_for_the_deletions_that_it_was_given_for(polled: APolledBus) -> None:
    await polled.step(*HUNDRED)
    await polled.step(*HUNDRED[:50])
    polled.holds.release(AGENCY, OPERATOR)
    assert await polled.step(*HUNDRED[:3]) == []
    (held,) = polled.holds.report()[0].held
    assert (held.deletions, held.released) == (97, 50)


async def test_the_poll_goes_on_as_soon_as_the_operator_says_so(polled: APolledBus) -> None:
    await polled.step(*HUNDRED)
    polled.agency.entries = HUNDRED[:3]
    running = asyncio.create_task(polled.poller.run())
    try:
        await asyncio.to_thread(until, lambda: bool(polled.holds.report()[0].held))
        polled.holds.release(AGENCY, OPERATOR)
        polled.poller.look_again()
        await asyncio.to_thread(until, lambda: len(polled.told()) == 197)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_list_that_is_empty_at_once_deletes_nothing(polled: APolledBus) -> None:
    await polled.step(a_row(1))
    polled.agency.entries = []
    assert await polled.step() == []
    assert [one.deletions for one in polled.holds.report()[0].held] == [1]


async def test_plausible_deletions_go_on(polled: APolledBus) -> None:
    await polled.step(*HUNDRED)
    assert len(await polled.step(*HUNDRED[:90])) == 10


async def test_what_is_plausible_is_a_setting(bus: Bus) -> None:
    polled = APolledBus(bus, APolledAgency(settings={"deletions_share": "0.5", "deletions_rows": "0"}))
    polled.agree(schema=CLOSED)
    await polled.step(*HUNDRED[:4])
    assert await polled.step(*HUNDRED[:1]) == []
    assert len(await polled.step(*HUNDRED[:2])) == 2


async def test_the_operators_word_is_in_the_action_log(polled: APolledBus) -> None:
    await polled.step(*HUNDRED)
    await polled.step(*HUNDRED[:3])
    polled.holds.release(AGENCY, OPERATOR)
    act = actions(polled.bus.rooms.storage)[-1]
    told = {"operation": POLL.name, "source": SOURCE, "deletions": 97, "known": 100}
    assert (act.what, act.on.id, act.details) == ("agency.release", AGENCY, {"released": [told]})
