"""Changes: who is told that one was made, and who looks when asked to."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from bus.storage import Changes, Storage, announce, open_storage

NEVER = 3600.0
"""Seconds between looks that nobody asks for."""
SOON = 10.0


@pytest.fixture
def told() -> list[str]:
    """Has an entry for each time that the database told of a change."""
    return []


@pytest.fixture
def storage(database_url: str, told: list[str]) -> Iterator[Storage]:
    """A database that tells of changes."""
    storage = open_storage(database_url, lambda: told.append("changed"))
    yield storage
    storage.close()


@asynccontextmanager
async def following(storage: Storage, changes: Changes) -> AsyncIterator["asyncio.Queue[None]"]:
    """Follows the contracts, of which one change was seen; gives what is filled with each further one."""
    loop, seen = asyncio.get_running_loop(), asyncio.Queue[None]()

    def refresh() -> None:
        loop.call_soon_threadsafe(seen.put_nowait, None)

    changes.on("contracts", refresh)
    _change_contracts(storage)
    task = asyncio.create_task(changes.follow())
    try:
        await asyncio.wait_for(seen.get(), SOON)
        yield seen
    finally:
        task.cancel()
        await asyncio.wait([task])


def _change_contracts(storage: Storage) -> None:
    with storage.write() as transaction:
        announce(transaction, "contracts")


def _fail_to_change(storage: Storage) -> None:
    with storage.write() as transaction:
        announce(transaction, "contracts")
        raise KeyError


def test_what_announces_is_told_once_it_is_committed(storage: Storage, told: list[str]) -> None:
    with storage.write() as transaction:
        announce(transaction, "contracts")
        announce(transaction, "clients")
        assert told == []
    assert told == ["changed"]


def test_what_announces_nothing_is_not_told(storage: Storage, told: list[str]) -> None:
    with storage.write():
        pass
    assert told == []


def test_what_was_undone_is_never_told(storage: Storage, told: list[str]) -> None:
    with pytest.raises(KeyError):
        _fail_to_change(storage)
    with storage.write():
        pass
    assert told == []


async def test_who_is_asked_to_looks_at_once(storage: Storage) -> None:
    changes = Changes(storage, NEVER)
    async with following(storage, changes) as seen:
        await asyncio.to_thread(_change_contracts, storage)
        await asyncio.to_thread(changes.look_now)
        await asyncio.wait_for(seen.get(), SOON)


async def test_who_is_not_asked_looks_in_its_own_time(storage: Storage) -> None:
    async with following(storage, Changes(storage)) as seen:
        await asyncio.to_thread(_change_contracts, storage)
        await asyncio.wait_for(seen.get(), SOON)


def test_asking_while_nobody_follows_is_harmless(storage: Storage) -> None:
    changes = Changes(storage)
    asyncio.run(_followed_for_a_moment(changes))
    changes.look_now()


async def _followed_for_a_moment(changes: Changes) -> None:
    task = asyncio.create_task(changes.follow())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
