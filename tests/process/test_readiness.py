"""Readiness: what a process says of the broker, and of a disk that is full."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from bus.delivery import Reach
from bus.journal import Appender
from bus.process.readiness import Readiness
from bus.process.role import Role
from bus.storage import CHANGES_TABLE, StorageFull, open_storage, upgrade
from tests.services.appending import a_record_submission


@pytest.mark.parametrize(
    ("reach", "is_ok", "told"),
    [
        (Reach.TAKES, True, "connected"),
        (Reach.HOLDS_BACK, False, "holds publishers back"),
        (Reach.REFUSES, False, "correct BUS_BROKER_URL"),
        (Reach.AWAY, False, "not connected"),
    ],
)
def test_a_broker_that_holds_publishers_back_is_not_called_connected(reach: Reach, is_ok: bool, told: str) -> None:
    nothing = cast("Any", None)
    readiness = Readiness(nothing, nothing, nothing, lambda: reach, [Role.API], [])
    found = readiness._check_broker(needed=False)
    assert (found.ok, told in found.detail) == (is_ok, True)


def test_a_full_disk_is_no_ready_process_until_there_is_room(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(storage)
    nothing = cast("Any", None)
    readiness = Readiness(storage, nothing, nothing, lambda: Reach.TAKES, [Role.API], [])
    assert readiness._check_database().ok
    most = [1]
    # One: as few as there are. With each failure the connection is made anew.
    sa.event.listen(
        storage.database.engines[-1], "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count={most[0]}")
    )
    storage.close()
    with pytest.raises(StorageFull):
        asyncio.run(append(Appender(storage, lambda position: None)))
    for _ in range(2):
        found = readiness._check_database()
        assert (found.ok, found.needed, "disk is full" in found.detail) == (False, True, True)
    most[0] = 1_000_000
    storage.close()
    assert readiness._check_database().ok
    asyncio.run(append(Appender(storage, lambda position: None)))
    with storage.read() as transaction:
        assert transaction.rows(sa.select(CHANGES_TABLE).where(CHANGES_TABLE.c.number == 0)) == []
    storage.close()


async def append(appender: Appender) -> None:
    try:
        await appender.append([a_record_submission("full", number, note="x" * 5_000) for number in range(20)])
    finally:
        await appender.close()
