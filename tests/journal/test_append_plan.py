"""What an append costs does not grow with the journal."""

import asyncio
from pathlib import Path

from bus.journal import Appender
from bus.storage import Storage, open_storage, upgrade
from tests.services.appending import a_submission
from tests.storage.a_plan import plans


def test_an_append_reads_no_table_from_end_to_end(tmp_path: Path):
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    upgrade(storage)
    steps = plans(storage, lambda: asyncio.run(_append(storage, 10)))
    assert any("SEARCH r USING PRIMARY KEY (contract_id=? AND key=?)" in step for step in steps)
    assert [step for step in steps if step.startswith(("SCAN r", "SCAN journal"))] == []
    storage.close()


async def _append(storage: Storage, count: int) -> None:
    appender = Appender(storage, lambda position: None)
    await appender.append([a_submission("plan", number) for number in range(count)])
    await appender.close()
