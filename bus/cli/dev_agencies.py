"""Simulators of the agencies beside `bus dev`, in threads of its process: nothing is left behind when it ends."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any, Final

from bus.cli.simulate import STOP_SECONDS, check_libraries, find_simulator, list_simulators, listen
from bus.kit import SimulatedFaults

Settings = Mapping[str, str]

_POLL_SECONDS: Final = "5"
"""A developer waits for the next poll."""
_STOP_SECONDS: Final = 5.0


@contextmanager
def run_agencies() -> Iterator[dict[str, Settings]]:
    """The settings of each agency's adapter. The simulators run until the block ends."""
    check_libraries()
    # Imported here, since a bus without the extra `simulators` has no uvicorn.
    import uvicorn

    running: list[tuple[Any, Thread]] = []
    settings: dict[str, Settings] = {}
    try:
        for agency in sorted(entry.name for entry in list_simulators()):
            simulator = find_simulator(agency)
            listener = listen(0)
            settings[agency] = {
                "base_url": f"http://127.0.0.1:{listener.getsockname()[1]}",
                "poll_seconds": _POLL_SECONDS,
                **{name.lower(): value for name, value in simulator.settings.items()},
            }
            # No access log, since it would show the tokens that agencies take in the query.
            app = simulator.create_app(SimulatedFaults(simulator.faults))
            config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=STOP_SECONDS)
            server = uvicorn.Server(config)
            thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name=f"simulator-{agency}", daemon=True)
            thread.start()
            running.append((server, thread))
        yield settings
    finally:
        for server, _ in running:
            server.should_exit = True
        for _, thread in running:
            thread.join(_STOP_SECONDS)
