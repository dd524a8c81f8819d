"""Group commit: who shares a commit, and what each is told."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

import pytest

import bus.storage.group
from bus.storage import GroupCommit
from tests.services.waiting import until


class Ledger:
    """Commits that a test can hold up; each group is noted."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.may_commit = threading.Event()
        self.may_commit.set()

    def commit(self, work: Sequence[int]) -> list[int]:
        assert self.may_commit.wait(20)
        self.groups.append(list(work))
        if -1 in work:
            raise OSError("no room")
        return [-one for one in work]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


async def turns(count: int, act: Callable[[int], object]) -> None:
    """Do something in each of some turns of the loop."""
    for turn in range(count):
        act(turn)
        await asyncio.sleep(0)


async def test_each_gets_the_result_of_its_own_work(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    assert await asyncio.gather(*(group.submit(number) for number in range(5))) == [0, -1, -2, -3, -4]
    await group.close()


async def test_what_comes_turn_by_turn_shares_a_commit(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    answers: list[asyncio.Future[int]] = []
    await turns(10, lambda turn: answers.append(group.submit(turn)))
    await asyncio.gather(*answers)
    assert ledger.groups == [list(range(10))]
    await group.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a group be gathered as long as the loop has other things to do."""
    monkeypatch.setattr(bus.storage.group, "_GATHER_SECONDS", 60)


def work_hard(_: int) -> None:
    """Take more of a turn of the loop than it has when it is idle."""
    time.sleep(0.002)


@pytest.mark.usefixtures("patient")
async def test_what_comes_while_the_loop_has_more_to_do_shares_a_commit(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    first = group.submit(1)
    await turns(10, work_hard)
    assert group.waiting == 1
    await asyncio.gather(first, group.submit(2))
    assert ledger.groups == [[1, 2]]
    await group.close()


async def test_a_stream_without_a_pause_is_committed_nevertheless(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    first = group.submit(0)
    async with asyncio.timeout(20):
        while not first.done():
            group.submit(1)
            await asyncio.sleep(0)
    assert ledger.groups[0][0] == 0
    await group.close()


async def test_what_comes_during_a_commit_is_the_next_group(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    ledger.may_commit.clear()
    answers = [group.submit(1)]
    await asyncio.to_thread(until, lambda: group.waiting == 0)
    answers += [group.submit(number) for number in (2, 3)]
    assert group.waiting == 2
    ledger.may_commit.set()
    assert await asyncio.gather(*answers) == [-1, -2, -3]
    assert ledger.groups == [[1], [2, 3]]
    await group.close()


async def test_what_is_large_waits_beside_the_commit_under_way(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    ledger.may_commit.clear()
    answers = [group.submit(1, is_large=True), group.submit(2, is_large=True)]
    answers += [group.submit(3, is_large=True), group.submit(4)]
    await turns(5, lambda _: None)
    assert group.waiting == 2
    ledger.may_commit.set()
    assert await asyncio.gather(*answers) == [-1, -2, -3, -4]
    assert ledger.groups == [[1], [2], [3, 4]]
    await group.close()


@pytest.mark.usefixtures("patient")
async def test_what_is_large_does_not_wait_for_a_busy_loop(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    ledger.may_commit.clear()
    answers = [group.submit(number, is_large=True) for number in (1, 2, 3)]
    assert group.waiting == 1
    ledger.may_commit.set()
    async with asyncio.timeout(20):
        while not all(answer.done() for answer in answers):
            await turns(1, work_hard)
    assert [answer.result() for answer in answers] == [-1, -2, -3]
    await group.close()


async def test_what_is_large_takes_along_what_is_waiting(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    answers = [group.submit(1), group.submit(2, is_large=True)]
    assert group.waiting == 0
    assert await asyncio.gather(*answers) == [-1, -2]
    await turns(5, lambda _: None)
    assert await group.submit(3) == -3
    assert ledger.groups == [[1, 2], [3]]
    await group.close()


async def test_what_comes_beside_a_large_one_waits_for_its_commit(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    ledger.may_commit.clear()
    answers = [group.submit(1), group.submit(2, is_large=True)]
    for number in (3, 4):
        await turns(5, lambda _: None)
        answers.append(group.submit(number))
    await turns(5, lambda _: None)
    ledger.may_commit.set()
    assert await asyncio.gather(*answers) == [-1, -2, -3, -4]
    assert ledger.groups == [[1, 2], [3, 4]]
    await group.close()


async def test_closing_commits_what_is_large(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    answers = [group.submit(number, is_large=True) for number in (1, 2, 3)]
    await group.close()
    assert [answer.result() for answer in answers] == [-1, -2, -3]


async def test_a_commit_that_fails_is_told_to_its_group_alone(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    failed = await asyncio.gather(group.submit(-1), group.submit(2), return_exceptions=True)
    assert [type(answer) for answer in failed] == [OSError, OSError]
    assert await group.submit(3) == -3
    await group.close()


async def test_closing_commits_what_is_waiting(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    answers = [group.submit(number) for number in (1, 2)]
    await group.close()
    assert [answer.result() for answer in answers] == [-1, -2]


async def test_who_does_not_wait_any_more_is_not_told(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    gone, there = group.submit(1), group.submit(2)
    gone.cancel()
    assert await there == -2
    assert ledger.groups == [[1, 2]]
    await group.close()


class Broken:
    """Who waits, and cannot be told."""

    def done(self) -> bool:
        return False

    def foresee(self, result: int, /) -> None:
        raise RuntimeError("the connection is closed")

    def set_result(self, result: int, /) -> None:
        raise RuntimeError("the connection is closed")

    def set_exception(self, exception: Exception, /) -> None:
        raise RuntimeError("the connection is closed")


async def test_an_answer_that_fails_holds_up_neither_its_group_nor_the_next(ledger: Ledger):
    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit)
    group.submit_for(1, Broken())
    async with asyncio.timeout(20):
        assert await group.submit(2) == -2
        assert await group.submit(3) == -3
        group.submit_for(-1, Broken())
        with pytest.raises(OSError, match="no room"):
            await group.submit(4)
        assert await group.submit(5) == -5
    await group.close()


class Foreseeing:
    """Who waits, and notes what it hears; `event` is set once it was told."""

    def __init__(self, heard: list[object], *, fails: bool = False) -> None:
        self.heard = heard
        self.fails = fails
        self.told = asyncio.Event()

    def done(self) -> bool:
        return False

    def foresee(self, result: int, /) -> None:
        self.heard.append(("foreseen", result))
        if self.fails:
            raise RuntimeError("no room for an answer")

    def set_result(self, result: int, /) -> None:
        self.heard.append(("told", result))
        self.told.set()

    def set_exception(self, exception: Exception, /) -> None:
        self.heard.append(str(exception))
        self.told.set()


class Foretelling(Ledger):
    """Foretells its results, and commits only once the loop has made the answers ready."""

    def __init__(self, heard: list[object]) -> None:
        super().__init__()
        self.may_commit.clear()
        self.group: GroupCommit[int, int] = GroupCommit(
            "test", self.foretold, committed=lambda: heard.append("committed")
        )

    def foretold(self, work: Sequence[int]) -> list[int]:
        self.group.foretell([-one for one in work])
        return self.commit(work)


@pytest.mark.parametrize("fails", [False, True])
async def test_answers_are_made_ready_before_the_commit_ends(fails: bool):
    heard: list[object] = []
    ledger, answer = Foretelling(heard), Foreseeing(heard, fails=fails)
    ledger.group.submit_for(5, answer)
    await asyncio.to_thread(until, lambda: heard)
    assert heard == [("foreseen", -5)]
    ledger.may_commit.set()
    async with asyncio.timeout(20):
        await answer.told.wait()
    assert heard == [("foreseen", -5), "committed", ("told", -5)]
    await ledger.group.close()


async def test_what_was_foreseen_is_not_told_when_the_commit_fails():
    heard: list[object] = []
    ledger, answer = Foretelling(heard), Foreseeing(heard)
    ledger.may_commit.set()
    ledger.group.submit_for(-1, answer)
    async with asyncio.timeout(20):
        await answer.told.wait()
    assert heard == [("foreseen", 1), "no room"]
    await ledger.group.close()


async def test_whoever_hears_of_commits_cannot_keep_the_answers_back(ledger: Ledger):
    def failing() -> None:
        raise RuntimeError("nobody at home")

    group: GroupCommit[int, int] = GroupCommit("test", ledger.commit, committed=failing)
    async with asyncio.timeout(20):
        assert await group.submit(1) == -1
        assert await group.submit(2) == -2
    await group.close()
