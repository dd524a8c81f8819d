"""Health: says whether the process lives, and whether it can do its work."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final

from fastapi import APIRouter, Request, Response

from bus import json

router = APIRouter(tags=["Operation"])

_KEPT_SECONDS: Final = 1.0
"""Seconds for which a result is given again: anybody may ask, and each check takes a connection to the database."""


@dataclass(frozen=True, slots=True)
class Check:
    """The state of one part of the bus.

    Attributes:
        ok: whether the part can do its work now.
        needed: whether this process needs the part for its own work.
    """

    ok: bool
    detail: str
    needed: bool = True


class Health:
    """The checks of this process, run once for all who ask. Belongs to one event loop."""

    def __init__(self, checks: Mapping[str, Callable[[], Check]], now: Callable[[], float] = monotonic) -> None:
        """Create from checks by name. Each check is synchronous and runs in a thread.

        Args:
            now: gives the seconds of a clock that never goes back.
        """
        self._checks = checks
        self._now = now
        self._found: Mapping[str, Check] = {}
        self._until = float("-inf")
        self._looking: asyncio.Task[Mapping[str, Check]] | None = None

    async def found(self) -> Mapping[str, Check]:
        """The result of each check, at most a second old."""
        if self._looking is None:
            if self._now() < self._until:
                return self._found
            self._looking = asyncio.create_task(self._look())
        # A caller that goes away must not cancel the check for the others that wait for it.
        return await asyncio.shield(self._looking)

    async def _look(self) -> Mapping[str, Check]:
        try:
            done = await asyncio.gather(*(asyncio.to_thread(check) for check in self._checks.values()))
            self._found = dict(zip(self._checks, done, strict=True))
            self._until = self._now() + _KEPT_SECONDS
            return self._found
        finally:
            self._looking = None


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Something that this process needs does not work"}})
async def readyz(request: Request) -> Response:
    """Whether this process can do its work: database, broker, and how far the relay is behind.

    `elsewhere` names what does not work and is another process's work. This process stays ready: it takes events, and the journal
    keeps them.
    """
    health: Health = request.app.state.health
    results = await health.found()
    ready = all(check.ok or not check.needed for check in results.values())
    document = {
        "status": "ready" if ready else "not ready",
        "elsewhere": {name: check.detail for name, check in results.items() if not (check.ok or check.needed)},
        "checks": {name: {"ok": check.ok, "detail": check.detail} for name, check in results.items()},
    }
    if ready:
        return Response(json.dumps(document), media_type="application/json")
    return Response(json.dumps(document), 503, {"Retry-After": "5"}, media_type="application/json")
