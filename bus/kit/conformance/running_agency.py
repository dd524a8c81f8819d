"""A simulator behind a real socket, which a test can make anew and disturb."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, Final, Self

import httpx
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from bus.kit.simulated_fault import SimulatedFaults, parse_simulated_fault
from bus.kit.simulator import Simulator
from bus.kit.tls import get_tls_context

_LONGEST_WAIT: Final = 10.0


class RunningAgency:
    """A simulator on a port of this machine, from `with` to its end.

    Attributes:
        address: where it listens.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._listening = Event()
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_level="error",
            access_log=False,
        )
        self._server = _Server(config, self._listening)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._http = httpx.Client(base_url=self.address, trust_env=False, verify=get_tls_context())
        self.renew()

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()
        # An answer that a test gave up must not hold up the end.
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._socket.close()

    def renew(self, *faults: str) -> None:
        """Make the agency anew: it has received nothing, and has these faults, as texts."""
        self._faults = SimulatedFaults(self._simulator.faults, faults)
        self._app: ASGIApp = self._simulator.create_app(self._faults)

    @contextmanager
    def replace(self, app: ASGIApp) -> Iterator[None]:
        """Have another application answer, until the block ends."""
        own, self._app = self._app, app
        try:
            yield
        finally:
            self._app = own

    def switch_on(self, fault: str) -> None:
        """Switch on a fault, as a text."""
        self._faults.switch_on(parse_simulated_fault(fault))

    def switch_off(self) -> None:
        """Switch off all faults."""
        self._faults.switch_off()

    def read_state(self) -> Any:
        """What the agency holds now."""
        return self._http.get("/_simulator/state").json()["state"]

    def list_requests(self) -> list[tuple[str, str]]:
        """Method and path of each request, in order."""
        logged = self._http.get("/_simulator/requests").json()["requests"]
        return [(one["method"], one["path"]) for one in logged]

    def wait_for_request(self) -> None:
        """Wait until a request came, for some seconds at most."""
        deadline = time.monotonic() + _LONGEST_WAIT
        while not self.list_requests() and time.monotonic() < deadline:
            time.sleep(0.01)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, listening: Event) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set()
