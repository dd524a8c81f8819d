"""Claims: a worker writes which runs it makes. If its process dies, these runs need not wait for their leases."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from bus.delivery.heartbeat import Heartbeat
from bus.delivery.leases import Leases
from bus.delivery.ledger import Lease
from bus.problem import Refused
from bus.storage import GroupCommit

log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 0.02
"""The shortest time between two commits of claims: no delivery waits for them."""


class Claims(Protocol):
    """Records a worker's runs, and says whether it may go on with them."""

    @property
    def is_holder(self) -> bool:
        """Whether this process still holds its runs: no other process may make them."""
        ...

    def add(self, lease: Lease) -> None:
        """This process makes a run from now on."""
        ...

    async def close(self) -> None:
        """Write what is not written yet."""
        ...


class NoClaims:
    """No claims, for relay and workers in one process: when it starts, no other process can have a run."""

    is_holder = True

    def add(self, lease: Lease) -> None:
        """Do nothing: no other process needs to know."""

    async def close(self) -> None:
        """Do nothing."""


class WrittenClaims:
    """The claims of one process beside others. Belongs to one event loop.

    A lost claim costs at most the rest of its lease. So no run waits for its claim.
    """

    def __init__(self, leases: Leases, heartbeat: Heartbeat) -> None:
        self._leases = leases
        self._heartbeat = heartbeat
        self._group: GroupCommit[Lease, None] = GroupCommit("claims", self._write, _PAUSE_SECONDS)

    @property
    def is_holder(self) -> bool:
        """False while the heartbeat is so late that a relay may give this process's runs to another one."""
        return self._heartbeat.is_regular

    def add(self, lease: Lease) -> None:
        """This process makes a run from now on."""
        self._group.submit(lease).add_done_callback(_report)

    async def close(self) -> None:
        """Write what is not written yet."""
        await self._group.close()

    def _write(self, leases: Sequence[Lease]) -> Sequence[None]:
        self._leases.claim(self._heartbeat.process, leases)
        return [None] * len(leases)


def _report(written: "asyncio.Future[None]") -> None:
    if written.cancelled():
        return
    error = written.exception()
    if isinstance(error, Refused):
        log.warning("claims.not_written", reason=error.slug)
    elif error is not None:
        raise error
