"""Following: the next events of some contracts, each once and in order, however the journal is read for them."""

from collections.abc import Iterator, Sequence
from random import Random

import pytest

from bus.journal import Appender, JournalReader, Submission, following
from bus.storage import Storage

CONTRACTS = range(1, 6)


def a_submission(number: int, contract: int) -> Submission:
    return Submission(contract, 1, "dinkes", b"%d" % number, None, None, False, b'{"data":1}')


@pytest.fixture
async def journal(storage: Storage) -> JournalReader:
    """Two hundred events of five contracts."""
    rng = Random(7)
    appender = Appender(storage, lambda position: None)
    await appender.append([a_submission(number, rng.choice(CONTRACTS)) for number in range(200)])
    await appender.close()
    return JournalReader(storage)


def followed(journal: JournalReader, contracts: Sequence[int], until: int, step: int) -> Iterator[int]:
    after, is_last = 0, False
    while not is_last:
        positions, reached, is_last = journal.upcoming(contracts, after, until, step)
        assert all(after < position <= reached for position in positions)
        after = reached
        yield from positions
    assert after == until


@pytest.mark.parametrize("most_asked", [0, 100])
@pytest.mark.parametrize("contracts", [[1], [2, 4], [9], []])
@pytest.mark.parametrize("step", [1, 7, 1000])
async def test_every_event_of_the_contracts_once_and_in_order(
    journal: JournalReader, monkeypatch: pytest.MonkeyPatch, contracts: list[int], step: int, most_asked: int
):
    monkeypatch.setattr(following, "_MOST_ASKED", most_asked)
    entries = journal.at(range(1, 151))
    wanted = [position for position in range(1, 151) if entries[position].contract_id in contracts]
    assert list(followed(journal, contracts, 150, step)) == wanted


async def test_what_is_behind_the_end_asked_for_is_not_there(journal: JournalReader):
    assert journal.upcoming(CONTRACTS, 150, 150, 10) == ([], 150, True)
    assert journal.upcoming(CONTRACTS, 180, 150, 10) == ([], 180, True)
