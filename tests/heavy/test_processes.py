"""The pool of worker processes: bounded in time and memory, and no worker outlives its server."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.contracts.errors import DocumentInvalid
from bus.heavy import Bounds, Processes, Shares, TooHeavy
from bus.heavy.processes import WorkFailed
from bus.problem import FieldError
from tests.heavy import jobs
from tests.services.waiting import until

pytestmark = pytest.mark.process


@pytest.fixture
async def pool() -> AsyncIterator[Processes]:
    """A pool that has time also on a machine with much to do."""
    pool = Processes(Shares(at_once=2, each=1), Bounds(seconds=10, memory=256 * 1024 * 1024, jobs=3, idle=60))
    yield pool
    await pool.close()


@pytest.fixture
async def impatient() -> AsyncIterator[Processes]:
    pool = Processes(Shares(at_once=2, each=1), Bounds(seconds=1.5))
    yield pool
    await pool.close()


async def _worker(pool: Processes) -> int:
    return int(await pool.run(jobs.process_id, who="a"))


async def test_a_job_gets_its_parts_and_its_answer_comes_back(pool: Processes) -> None:
    parts = [b"", b"\x00\n", b"x" * 5_000_000]
    assert await pool.run(jobs.echoed, *parts, who="a") == b"|".join(parts)


async def test_a_worker_is_used_again_and_ends_after_its_number_of_jobs(pool: Processes) -> None:
    ids = [await _worker(pool) for _ in range(4)]
    assert len(set(ids[:3])) == 1
    assert ids[3] != ids[0]
    until(lambda: not _lives(ids[0]))


async def test_a_job_that_never_ends_is_killed(impatient: Processes) -> None:
    worker = await _worker(impatient)
    with pytest.raises(TooHeavy):
        await impatient.run(jobs.never_ends, who="a")
    assert not _lives(worker)
    assert await impatient.run(jobs.echoed, b"x", who="a") == b"x"


async def test_a_job_that_waits_for_ever_is_killed_by_the_clock(impatient: Processes) -> None:
    with pytest.raises(TooHeavy):
        await impatient.run(jobs.sleeps, who="a")


async def test_a_job_that_takes_all_memory_is_refused(pool: Processes) -> None:
    with pytest.raises(TooHeavy):
        await pool.run(jobs.takes_all_memory, who="a")
    assert await pool.run(jobs.echoed, b"x", who="a") == b"x"


async def test_a_job_that_recurses_without_end_is_refused(pool: Processes) -> None:
    with pytest.raises(TooHeavy):
        await pool.run(jobs.recurses, who="a")


async def test_a_worker_takes_no_code_from_the_working_directory(
    pool: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bus", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('this is not the bus')")
    monkeypatch.chdir(tmp_path)
    assert await pool.run(jobs.echoed, b"x", who="a") == b"x"


async def test_a_crash_of_a_worker_is_the_end_of_its_own_job_alone(pool: Processes) -> None:
    crashing = asyncio.ensure_future(pool.run(jobs.crashes, who="a"))
    good = [await pool.run(jobs.echoed, b"x", who="b") for _ in range(5)]
    with pytest.raises(TooHeavy):
        await crashing
    assert good == [b"x"] * 5


async def test_a_worker_that_died_between_two_jobs_is_replaced(pool: Processes) -> None:
    worker = await _worker(pool)
    os.kill(worker, 9)
    until(lambda: not _lives(worker))
    await asyncio.sleep(0)
    for _ in range(2):
        try:
            assert await _worker(pool) != worker
            return
        except TooHeavy:
            continue
    raise AssertionError("no new worker came")


async def test_a_refusal_comes_back_as_itself(pool: Processes) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        await pool.run(jobs.refuses, who="a")
    refusal = caught.value
    assert refusal.errors == (FieldError("/a", "is wrong", "type"),)
    assert (refusal.detail, refusal.headers, refusal.members) == ("It is wrong.", {"a": "b"}, {"more": [1]})


async def test_of_an_unforeseen_error_the_type_alone_comes_back(pool: Processes) -> None:
    with pytest.raises(WorkFailed, match=r"^KeyError$"):
        await pool.run(jobs.fails, who="a")


async def test_what_a_library_prints_is_no_answer(pool: Processes) -> None:
    assert await pool.run(jobs.prints, who="a") == b"answer"


async def test_a_worker_knows_no_setting_of_the_bus(pool: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUS_DATABASE_URL", "postgresql://bus:secret@db/bus")
    assert b"secret" not in await pool.run(jobs.environment, who="a")


async def test_a_worker_is_let_go_when_no_job_comes() -> None:
    pool = Processes(Shares(at_once=1, each=1), Bounds(idle=0.05))
    worker = await _worker(pool)
    async with asyncio.timeout(20):
        while _lives(worker):  # noqa: ASYNC110 - the loop has to go round for it
            await asyncio.sleep(0.01)
    assert await pool.run(jobs.echoed, b"x", who="a") == b"x"
    await pool.close()


async def test_a_job_that_nobody_waits_for_any_more_is_ended(pool: Processes) -> None:
    worker = await _worker(pool)
    running = asyncio.ensure_future(pool.run(jobs.sleeps, who="a"))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await pool.run(jobs.echoed, b"x", who="a") == b"x"
    assert worker


_SERVER = """
import asyncio, sys
from bus.heavy import Bounds, Processes, Shares
from tests.heavy import jobs
async def main():
    pool = Processes(Shares(at_once=2, each=2), Bounds(seconds=30))
    print((await pool.run(jobs.process_id, who="a")).decode(), flush=True)
    await pool.run(jobs.never_ends, who="a")
asyncio.run(main())
"""


def test_a_worker_ends_with_its_server_though_a_job_runs() -> None:
    server = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE)
    assert server.stdout is not None
    worker = int(server.stdout.readline())
    until(lambda: _seconds(worker) > 0.3)
    server.kill()
    server.wait(10)
    until(lambda: not _lives(worker), 5)


def _lives(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _seconds(process: int) -> float:
    """The processor time that a process has had."""
    with open(f"/proc/{process}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[11]) / os.sysconf("SC_CLK_TCK")
