"""Health: whether the process lives, and whether it can do its work."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from bus import json

router = APIRouter(tags=["operation"])


@dataclass(frozen=True, slots=True)
class Check:
    """What one part of the bus says of itself.

    Attributes:
        ok: whether it can do its work now.
        needed: whether this process cannot do its own work without it.
    """

    ok: bool
    detail: str
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Health:
    """The checks of this process, by name; each is synchronous and runs in a thread."""

    checks: Mapping[str, Callable[[], Check]]


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Something that this process needs does not work"}})
async def readyz(request: Request) -> Response:
    """Whether this process can do its work: database, broker, and how far the relay is behind."""
    health: Health = request.app.state.health
    done = await asyncio.gather(*(asyncio.to_thread(check) for check in health.checks.values()))
    results = dict(zip(health.checks, done, strict=True))
    ready = all(check.ok or not check.needed for check in results.values())
    document = {
        "status": "ready" if ready else "not ready",
        "checks": {name: {"ok": check.ok, "detail": check.detail} for name, check in results.items()},
    }
    return Response(json.dumps(document), 200 if ready else 503, media_type="application/json")
