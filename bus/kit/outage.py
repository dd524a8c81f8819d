"""Outages that every simulator can have, and the endpoint that shows what the simulator received."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

OUTAGES: Mapping[str, str] = {
    "down": "answers HTTP 503",
    "slow": "takes 30 s to answer, longer than the bus waits",
    "garbage": "answers HTTP 200 with a page in HTML",
}

_SLOW_SECONDS = 30.0


def make_simulator_app(agency: str, faults: frozenset[str], received: list[Any]) -> FastAPI:
    """An application to which a simulator adds the agency's API.

    It serves `GET /_simulator/received`, which works in every outage.

    Args:
        agency: the agency's name, for the application's title.
        faults: the faults that are on; it reads those of `OUTAGES`.
        received: the list that `GET /_simulator/received` shows.
    """
    app = FastAPI(title=f"Simulator: {agency}", docs_url=None, redoc_url=None)

    @app.middleware("http")
    async def answer_outage(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        return (None if request.url.path.startswith("/_simulator/") else await _answer_outage(faults)) or await answer(
            request
        )

    @app.get("/_simulator/received")
    async def show() -> dict[str, Any]:
        return {"received": received}

    return app


async def _answer_outage(faults: frozenset[str]) -> Response | None:
    if "slow" in faults:
        await asyncio.sleep(_SLOW_SECONDS)
    if "down" in faults:
        return PlainTextResponse("Service Unavailable", 503, {"retry-after": "30"})
    if "garbage" in faults:
        return HTMLResponse("<html><body>Sedang dalam pemeliharaan</body></html>")
    return None
