"""Following: the next events of some contracts, each once and in order, however the journal is read for them."""

import asyncio
from collections.abc import Iterator, Sequence
from random import Random

import pytest

from bus.journal import Appender, JournalReader, Submission, following
from bus.storage import Storage
from tests.builders import a_submission

CONTRACTS = range(1, 6)


@pytest.fixture
async def journal(storage: Storage) -> JournalReader:
    """Two hundred events of five contracts."""
    rng = Random(7)
    appender = Appender(storage, lambda position: None)
    await appender.append([a_submission(number, contract_id=rng.choice(CONTRACTS)) for number in range(200)])
    await appender.close()
    return JournalReader(storage)


def followed(journal: JournalReader, contracts: Sequence[int], step: int) -> Iterator[int]:
    after, is_last = 0, False
    while not is_last:
        entries, reached, end, is_last = journal.upcoming(lambda: contracts, after, step)
        positions = [entry.position for entry in entries]
        assert all(after < position <= reached for position in positions)
        after = reached
        yield from positions
    assert after == end == 200


@pytest.mark.parametrize("most_asked", [0, 100])
@pytest.mark.parametrize("contracts", [[1], [2, 4], [9], []])
@pytest.mark.parametrize("step", [1, 7, 1000])
async def test_every_event_of_the_contracts_once_and_in_order(
    journal: JournalReader, monkeypatch: pytest.MonkeyPatch, contracts: list[int], step: int, most_asked: int
):
    monkeypatch.setattr(following, "_MOST_ASKED", most_asked)
    entries = journal.at(range(1, 201))
    wanted = [position for position in range(1, 201) if entries[position].contract_id in contracts]
    assert list(followed(journal, contracts, step)) == wanted


async def test_behind_the_journals_end_there_is_nothing(journal: JournalReader):
    assert journal.upcoming(lambda: CONTRACTS, 200, 10) == ([], 200, 200, True)
    assert journal.upcoming(lambda: CONTRACTS, 230, 10) == ([], 230, 200, True)


async def test_the_contracts_are_asked_for_once_the_end_was_read(journal: JournalReader, storage: Storage):
    appender = Appender(storage, lambda position: None)
    others = asyncio.get_running_loop()

    def asked() -> Sequence[int]:
        asyncio.run_coroutine_threadsafe(_append(appender, a_submission(999, contract_id=9)), others).result(10)
        return [9]

    first = await asyncio.to_thread(journal.upcoming, asked, 200, 10)
    assert (first.entries, first.reached) == ([], 200)
    await appender.close()


async def _append(appender: Appender, submission: Submission) -> None:
    await appender.append([submission])
