"""The application that every simulator is built on: the agency's paths, and below `/_simulator` what a developer needs.

| request | answer |
|---|---|
| `GET /_simulator` | a page for people |
| `GET /_simulator/openapi.json` | the OpenAPI document |
| `GET /_simulator/received` | `{"received": [...]}`, what the bus sent to the agency |
| `GET /_simulator/state` | `{"state": {...}}`, what the agency holds now |
| `GET`, `DELETE /_simulator/requests` | `{"requests": [...]}`; with `?bodies=true` also the bodies |
| `GET`, `POST`, `DELETE /_simulator/faults` | `{"on": [...], "known": {...}}`; the body of a `POST` is a `SimulatedFault` |

These paths work in every outage.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from bus.kit.outage import answer_with_outages
from bus.kit.request_log import RequestLog
from bus.kit.simulated_fault import FaultUnfit, SimulatedFault, SimulatedFaults
from bus.kit.simulator_page import CONTROL_TAG, write_simulator_page

_CONTROL: Final = "/_simulator"


class SimulatorApp(FastAPI):
    """A FastAPI application with a request log and faults around it.

    Attributes:
        faults: the faults, which can be switched while it runs.
        requests: the log.
    """

    def __init__(self, agency: str, faults: SimulatedFaults) -> None:
        super().__init__(
            title=f"Simulator: {agency}", docs_url=None, redoc_url=None, openapi_url=f"{_CONTROL}/openapi.json"
        )
        self.faults = faults
        self.requests = RequestLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] != "http" or scope["path"].startswith(_CONTROL):
            await super().__call__(scope, receive, send)
            return
        read, write = self.requests.follow(scope, receive, send)
        # A caller that gave up while the agency was slow is no error of the simulator.
        with self.faults.judge(scope["method"], scope["path"]), suppress(ClientDisconnect):
            await answer_with_outages(self.faults, super().__call__, scope, read, write, send)


def make_simulator_app(
    agency: str, faults: SimulatedFaults, received: list[Any], show_state: Callable[[], Any] = dict
) -> SimulatorApp:
    """An application to which a simulator adds the agency's API.

    Args:
        agency: the agency's name, for the application's title.
        faults: the faults, as `Simulator.create_app` was given them.
        received: the list that `GET /_simulator/received` shows.
        show_state: what the agency holds now, as a JSON value.
    """
    app = SimulatorApp(agency, faults)
    _show_what_is_there(app, received, show_state)
    _take_faults(app)

    @app.exception_handler(FaultUnfit)
    async def refuse(request: Request, refusal: FaultUnfit) -> JSONResponse:
        return JSONResponse(refusal.to_document(), refusal.status, media_type="application/problem+json")

    return app


def _show_what_is_there(app: SimulatorApp, received: list[Any], show_state: Callable[[], Any]) -> None:
    @app.get(_CONTROL, include_in_schema=False)
    async def show_page(request: Request) -> HTMLResponse:
        return HTMLResponse(write_simulator_page(app.openapi(), app.faults.known, str(request.base_url)))

    @app.get(f"{_CONTROL}/received", tags=[CONTROL_TAG])
    async def show_received() -> dict[str, Any]:
        """What the bus sent to the agency, and the agency took."""
        return {"received": received}

    @app.get(f"{_CONTROL}/state", tags=[CONTROL_TAG])
    async def show_agency() -> dict[str, Any]:
        """What the agency holds now."""
        return {"state": show_state()}

    @app.get(f"{_CONTROL}/requests", tags=[CONTROL_TAG])
    async def list_requests(bodies: bool = False) -> dict[str, Any]:
        """The newest thousand requests, the oldest first; secrets are hidden."""
        return {"requests": app.requests.list(with_bodies=bodies)}

    @app.delete(f"{_CONTROL}/requests", tags=[CONTROL_TAG], status_code=204)
    async def clear_requests() -> None:
        """Forget the requests."""
        app.requests.clear()


def _take_faults(app: SimulatorApp) -> None:
    def show() -> dict[str, Any]:
        on = [fault.model_dump(exclude_none=True) for fault in app.faults.list_on()]
        return {"on": on, "known": dict(app.faults.known)}

    @app.get(f"{_CONTROL}/faults", tags=[CONTROL_TAG])
    async def list_faults() -> dict[str, Any]:
        """The faults that are on, and all that the simulator has."""
        return show()

    @app.post(f"{_CONTROL}/faults", tags=[CONTROL_TAG])
    async def switch_on(fault: SimulatedFault) -> dict[str, Any]:
        """Switch a fault on; an unknown one is refused with the nearest name (422)."""
        app.faults.switch_on(fault)
        return show()

    @app.delete(f"{_CONTROL}/faults", tags=[CONTROL_TAG])
    async def switch_off(name: str | None = None) -> dict[str, Any]:
        """Switch off the faults of one name, or all of them."""
        app.faults.switch_off(name)
        return show()
