"""The same push twice is one event, whoever takes it and when; and each push is answered for its own rows."""

import asyncio
import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bus import clock
from bus.agencies.publication import Publication
from bus.agencies.tables import POLLED_ROWS
from bus.kit import digest
from tests.a_bus import Bus
from tests.agencies.a_polled_agency import a_row
from tests.agencies.a_pushing_agency import ACCEPTED, PASSWORD, REFUSED, SETTINGS, SIGNED, APushedBus

LONG = "x" * 30
TIMED = {
    **SIGNED,
    "algorithm": "hmac-sha256",
    "key": "password",
    "parts": [{"value": "nik"}, {"time": "epoch"}],
    "separator": "|",
    "time_header": "waktu",
}
MINUTE = {**TIMED, "parts": [{"value": "nik"}, {"time": "%Y%m%d%H%M"}], "time_header": None}


def two_processes(bus: Bus, **changes: Any) -> tuple[APushedBus, APushedBus]:
    """A bus whose contract takes what the agency pushes, in two processes that know nothing of each other."""
    first, second = APushedBus(bus, SETTINGS, changes), APushedBus(bus, SETTINGS, changes)
    first.agree()
    return first, second


class Stop:
    """Holds up whoever waits, until it is left."""

    def __init__(self, *, is_open: bool = False) -> None:
        self.reached, self.left = asyncio.Event(), asyncio.Event()
        if is_open:
            self.left.set()

    async def wait(self) -> None:
        self.reached.set()
        await self.left.wait()


Hold = Callable[[bytes, Any], None]


@pytest.fixture
def hold(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> Hold:
    """`hold(text, until)`: events with the text are appended once `until` has passed, whose `wait` is awaited."""
    append, held = bus.rooms.appender.append, dict[bytes, Any]()

    async def wait(submissions: Any, **named: Any) -> Any:
        for text, until in held.items():
            if text in submissions[0].body:
                await until.wait()
        return await append(submissions, **named)

    monkeypatch.setattr(bus.rooms.appender, "append", wait)
    return held.__setitem__


async def test_the_same_push_in_two_processes_at_once_is_published_once(bus: Bus, hold: Hold) -> None:
    first, second = two_processes(bus)
    # Both have looked at what the journal has before either appends.
    hold(b"Siti", asyncio.Barrier(2))
    answers = await asyncio.gather(first.push(a_row(1)), second.push(a_row(1)))
    assert [one.json() for one in answers] == [ACCEPTED, ACCEPTED]
    assert [name for _, name in first.told()] == ["Siti"]


async def test_a_push_that_another_process_overtook_says_nothing_of_the_present_row(bus: Bus, hold: Hold) -> None:
    first, second = two_processes(bus)
    stop = Stop()
    hold(b"Siti", stop)
    slow = asyncio.create_task(second.push(a_row(1)))
    await stop.reached.wait()
    hold(b"Siti", Stop(is_open=True))
    for name in ("Siti", "Budi"):
        assert (await first.push(a_row(1, name))).json() == ACCEPTED
    stop.left.set()
    assert (await slow).json() == ACCEPTED
    for name in ("Budi", "Siti"):
        assert (await first.push(a_row(1, name))).json() == ACCEPTED
    assert [name for _, name in first.told()] == ["Siti", "Budi", "Siti"]


async def test_a_slow_push_of_another_process_hides_no_later_state(bus: Bus, hold: Hold) -> None:
    first, second = two_processes(bus)
    stop = Stop()
    hold(b"Cici", stop)
    slow = asyncio.create_task(second.push(a_row(1, "Cici")))
    await stop.reached.wait()
    for name in ("Siti", "Budi"):
        await first.push(a_row(1, name))
    stop.left.set()
    assert (await slow).json() == ACCEPTED
    for name in ("Budi", "Siti", "Budi"):
        assert (await first.push(a_row(1, name))).json() == ACCEPTED
    assert [name for _, name in first.told()] == ["Siti", "Budi", "Cici", "Budi", "Siti", "Budi"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_refused_row_is_told_as_refused_though_another_process_publishes_it_meanwhile(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two_processes(bus)
    publish, others = Publication.publish, [second]

    async def publish_and_wait(self: Publication, *given: Any) -> Any:
        done = await publish(self, *given)
        if others:
            assert (await others.pop().push(a_row(1))).json() == ACCEPTED
        return done

    monkeypatch.setattr(Publication, "publish", publish_and_wait)
    assert (await first.push(a_row(1, LONG))).json() == REFUSED
    assert [name for _, name in first.told()] == ["Siti"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_accepted_row_is_told_as_accepted_though_another_process_sets_it_aside_meanwhile(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two_processes(bus)
    publish, others = Publication.publish, [second]

    async def publish_and_wait(self: Publication, *given: Any) -> Any:
        done = await publish(self, *given)
        if others:
            assert (await others.pop().push(a_row(1, LONG))).json() == REFUSED
        return done

    monkeypatch.setattr(Publication, "publish", publish_and_wait)
    assert (await first.push(a_row(1))).json() == ACCEPTED


def sign(nik: str, form: str, minutes: int = 0) -> dict[str, str]:
    at = (clock.now() + timedelta(minutes=minutes)).astimezone(clock.WIB)
    written = str(int(at.timestamp())) if form == "epoch" else at.strftime(form)
    return {"waktu": written, "token": hmac.new(PASSWORD.encode(), f"{nik}|{written}".encode(), "sha256").hexdigest()}


@pytest.mark.parametrize(("proof", "form"), [(TIMED, "epoch"), (MINUTE, "%Y%m%d%H%M")], ids=["second", "minute"])
async def test_a_replay_within_the_window_brings_no_earlier_state_back(
    bus: Bus, proof: dict[str, Any], form: str
) -> None:
    first, second = two_processes(bus, verify=proof)
    nik = a_row(1)["nik"]
    recorded = sign(nik, form)
    assert (await first.push(a_row(1), headers=recorded)).json() == ACCEPTED
    assert (await first.push(a_row(1, "Budi"), headers=sign(nik, form, 1))).json() == ACCEPTED
    replays = [
        recorded,
        {**recorded, "token": recorded["token"].upper()},
        {**recorded, "token": f" {recorded['token']}"},
    ]
    for replay in replays:
        assert (await second.push(a_row(1), headers=replay)).json() == ACCEPTED
    assert [name for _, name in first.told()] == ["Siti", "Budi"]
    # What the agency itself sends later is news.
    assert (await first.push(a_row(1), headers=sign(nik, form, 2))).json() == ACCEPTED
    assert [name for _, name in first.told()] == ["Siti", "Budi", "Siti"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_an_earlier_version_of_the_bus_took_is_still_known(bus: Bus) -> None:
    first, _ = two_processes(bus)
    with bus.rooms.storage.write() as transaction:
        row = {"adapter": "badan", "operation": "terima", "source": "/badan/warga", "key": a_row(1)["nik"]}
        transaction.execute(sa.insert(POLLED_ROWS), row | {"digest": digest(a_row(1))})
    for name in ("Siti", "Budi", "Siti"):
        assert (await first.push(a_row(1, name))).json() == ACCEPTED
    assert [name for _, name in first.told()] == ["Budi", "Siti"]
