"""`bus pull` as a process: killed at random moments, while others write, it ends in exactly the bus's state."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.a_bus import Bus
from tests.a_dev_bus import strange_environment
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person
from tests.pull.a_copy import Copy
from tests.services.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

# Small batches, so that there are many moments at which a process can be killed.
_PROGRAM = "import bus.pull.run as run; run._BATCH_LINES = 7; from bus.cli import main; main()"
_RECORDS = 1500


def an_environment(bus: Bus, url: str) -> dict[str, str]:
    """The environment of a terminal with a client of the bus."""
    bus.token("dinkes")
    client, secret = bus.rooms.participants.add_client("dinkes", ("events.read", "contracts.read"), by=bus.operator)
    known = {"BUS_URL": url, "BUS_CLIENT_ID": client.client_id, "BUS_CLIENT_SECRET": secret}
    return strange_environment() | known


@contextmanager
def a_puller(copy: Copy, environment: dict[str, str], *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-P", "-c", _PROGRAM, "pull", WARGA, "--to", copy.target, *options]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def kill_some(copy: Copy, environment: dict[str, str], times: int, chance: random.Random) -> None:
    """Kill pulls soon after they moved the copy."""
    for _ in range(times):
        before = _look(copy)
        with a_puller(copy, environment, "--follow") as process:
            until(lambda before=before: process.poll() is not None or _look(copy) != before, 60)  # type: ignore[misc]
            assert process.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0, 0.5))


def _look(copy: Copy) -> list[tuple[Any, ...]]:
    try:
        return copy.query("SELECT resume, cursor FROM bus_pull")
    except Exception:  # noqa: BLE001 - there is no such table yet
        return []


async def write_all_the_time(bus: Bus, state: dict[str, Any], chance: random.Random) -> None:
    """Change and delete records, until it is cancelled."""
    while True:
        key = a_nik(chance.randrange(_RECORDS + 50))
        state[key] = None if chance.random() < 0.3 else a_person(nik=key, nama=f"Baru {chance.random()}")
        await bus.publish(state[key], subject=key)
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("times", [2, pytest.param(50, marks=[pytest.mark.stress, pytest.mark.timeout(1800)])])
async def test_a_pull_that_is_killed_at_random_ends_in_the_bus_s_state(bus: Bus, copy: Copy, times: int):
    seed = int(os.environ.get("BUS_TEST_SEED", "0")) or random.randrange(1, 10**6)
    print("BUS_TEST_SEED", seed)
    chance = random.Random(seed)
    bus.apply(a_document(a_grant("dinkes")))
    state: dict[str, Any] = {a_nik(n): a_person(n) for n in range(_RECORDS)}
    await bus.publish_all(list(state.values()))
    async with bus.served() as url:
        environment = an_environment(bus, url)
        writing = asyncio.create_task(write_all_the_time(bus, state, random.Random(seed)))
        await asyncio.to_thread(kill_some, copy, environment, times, chance)
        writing.cancel()
        await asyncio.wait([writing])
        with a_puller(copy, environment, "--verify") as process:
            _, told = await asyncio.to_thread(process.communicate, None, 120)
    assert process.returncode == 0, told
    assert b"the copy is what the bus has" in told
    # The last write may have been cut before or after it was stored.
    kept = {key: data for key, data in state.items() if data is not None}
    copied = copy.read()
    assert len([key for key in {*kept, *copied} if kept.get(key) != copied.get(key)]) <= 1


async def test_a_full_disk_is_told_and_the_file_before_stays(bus: Bus, a_file: Copy):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    async with bus.served() as url:
        environment = an_environment(bus, url)
        with a_puller(a_file, environment) as process:
            await asyncio.to_thread(process.communicate, None, 60)
        await bus.publish_all([a_person(n, nama="x" * 50_000) for n in range(2, 60)])
        script = 'ulimit -f 400; exec "$0" "$@"'
        command = ["bash", "-c", script, sys.executable, "-P", "-m", "bus", "pull", WARGA, "--to", a_file.target]
        limited = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, timeout=60)
        assert limited.returncode == 1
        assert b"start the pull again" in limited.stderr
        assert b"xxx" not in limited.stderr
        assert a_file.read() == {a_nik(1): a_person(1)}
        with a_puller(a_file, environment, "--verify") as process:
            await asyncio.to_thread(process.communicate, None, 60)
    assert process.returncode == 0
    assert len(a_file.read()) == 59
