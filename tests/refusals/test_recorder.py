"""The recorder: when counts are written, and what happens while they cannot be."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bus.contracts.errors import UnknownContract
from bus.heavy import HeavyWorkWaits, TooMuchAtOnce
from bus.http.bodies import BusFull, TooMuchUnderWay
from bus.identity.tokens import Principal
from bus.journal.append import Overloaded
from bus.limits import Limited
from bus.problem import Refused
from bus.process import Role, Wakeups, run_process
from bus.refusals.log import RefusalLog
from bus.refusals.recorder import Recorder
from bus.refusals.refusal import Refusal
from bus.refusals.tally import Count
from bus.storage import Storage, StorageFull, StorageUnavailable
from tests.a_bus import ADDRESS, Bus
from tests.builders import OWNER

SENDER = Principal(OWNER, "client_1", frozenset(), 0, "token_1")
REFUSED = UnknownContract("There is no such contract.")


class AFailingLog(RefusalLog):
    """Fails so many times, then works."""

    def __init__(self, storage: Storage, failures: list[Exception]) -> None:
        super().__init__(storage)
        self._failures = failures

    def add(self, counted: Mapping[Refusal, Count], events: Mapping[bytes, Mapping[str, Any]] | None = None) -> None:
        if self._failures:
            raise self._failures.pop()
        super().add(counted, events)


def a_recorder(bus: Bus, *failures: Exception) -> Recorder:
    return Recorder(AFailingLog(bus.rooms.storage, list(failures)), bus.rooms.catalogue)


async def test_following_writes_by_itself_also_after_a_failure(bus: Bus) -> None:
    recorder = a_recorder(bus, RuntimeError("unforeseen"))
    recorder.note(REFUSED, SENDER)
    following = asyncio.create_task(recorder.follow())
    async with asyncio.timeout(20):
        while not bus.rooms.refusals.search():
            recorder.note(REFUSED, SENDER)
            await asyncio.sleep(0.05)
    following.cancel()


@pytest.mark.parametrize("failure", [StorageUnavailable("away"), StorageFull("full")])
async def test_what_the_database_does_not_take_is_written_later(bus: Bus, failure: Refused) -> None:
    recorder = a_recorder(bus, failure)
    for _ in range(2):
        recorder.note(REFUSED, SENDER)
        await recorder.flush()
    assert [one.count for one in bus.rooms.refusals.search()] == [2]


async def test_what_the_bus_itself_fails_at_is_no_refusal(bus: Bus) -> None:
    noted = bus.rooms.recorder.note(Overloaded("Too many events are waiting."), SENDER)
    assert noted == ()


@pytest.mark.parametrize("event", [None, 7, [], {}, {"type": None}, {"type": []}, {"type": "x", "dataschema": 7}])
async def test_whatever_was_sent_instead_of_an_event_is_counted(bus: Bus, event: Any) -> None:
    (noted,) = bus.rooms.recorder.note(REFUSED, SENDER, event)
    assert (noted.contract, noted.rule, noted.pointer) == ("", "unknown-contract", "")


async def test_a_process_that_stops_writes_what_it_counted_last(bus: Bus) -> None:
    rooms = bus.rooms
    async with run_process(rooms.settings, rooms.storage, rooms.keys, ADDRESS, {Role.API}, Wakeups()) as process:
        process.rooms.recorder.note(REFUSED, SENDER)
    assert [one.count for one in rooms.refusals.search()] == [1]


@pytest.mark.parametrize(
    "overload",
    [
        Limited("publish", "wait", 1.0, OWNER),
        TooMuchUnderWay("finish some"),
        BusFull("try again"),
        TooMuchAtOnce("wait"),
        HeavyWorkWaits("try again"),
        Overloaded("try again"),
    ],
    ids=lambda overload: type(overload).__name__,
)
async def test_too_much_is_no_refusal_of_what_a_producer_sent(bus: Bus, overload: Refused) -> None:
    recorder = a_recorder(bus)
    assert recorder.note(overload, SENDER, {"type": "kependudukan.warga"}) == ()
    await recorder.flush()
    assert bus.rooms.refusals.search() == []
