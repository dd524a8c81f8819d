"""A journal filled without HTTP, which would take most of the time, and the wait until a bus's relay has gone through it."""

import asyncio
from itertools import islice
from typing import Final

import sqlalchemy as sa

from bench.events import CONTRACT, PRODUCER, documents
from bench.load import until
from bench.processes import ALL_CORES, on_cores
from bench.site import Site
from bus import json
from bus.cli.workspace import Workspace, open_workspace
from bus.contracts import Catalogue
from bus.delivery.relay import measure_lag
from bus.delivery.tables import SUBSCRIPTIONS
from bus.identity.tokens import Principal
from bus.journal import Appender, JournalReader, Projection
from bus.journal.gate import Gate

_BATCH: Final = 500
_RELAY_SECONDS: Final = 1800


async def fill(
    site: Site, count: int, *, of_persons: bool = True, contract: str = CONTRACT, producer: str = PRODUCER
) -> None:
    """Append events that passed the gate to the journal of a bus that does not run."""
    principal = Principal(producer, "bench", frozenset(), 0.0, "")
    made = documents(contract, of_persons=of_persons)
    with open_workspace(site.data) as workspace, on_cores(ALL_CORES):
        catalogue = Catalogue(workspace.storage, workspace.keys.pseudonym)
        catalogue.refresh()
        gate, appender = Gate(catalogue), Appender(workspace.storage, lambda position: None)
        under_way: set[asyncio.Task[object]] = set()
        for start in range(0, count, _BATCH):
            batch = islice(made, min(_BATCH, count - start))
            submissions = [gate.admit(json.loads(document), principal) for document in batch]
            under_way.add(asyncio.ensure_future(appender.append(submissions)))
            if len(under_way) > 1:
                # One is made while the other is written.
                _, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*under_way)
        await appender.close()
        # A bus that had taken them in itself would have projected them on the way.
        await asyncio.to_thread(Projection(workspace.storage).reach_end)


async def await_relay(workspace: Workspace) -> None:
    """Until the relay of the bus that runs there has gone through its journal."""
    journal = JournalReader(workspace.storage)
    await until(lambda: not measure_lag(workspace.storage, journal).events, _RELAY_SECONDS, 0.05)


async def await_live(workspace: Workspace) -> None:
    """Until the relay has also made what the one subscription gets of the journal from before it."""
    await until(lambda: _is_live(workspace), _RELAY_SECONDS, 0.5)
    await await_relay(workspace)


def _is_live(workspace: Workspace) -> bool:
    with workspace.storage.read() as transaction:
        return transaction.value(sa.select(SUBSCRIPTIONS.c.from_position)) is not None
