"""`bus simulate`: runs one agency's simulator on this machine."""

import json
import socket
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Annotated, Final, NoReturn

import typer

from bus.kit import FaultUnfit, SimulatedFaults, Simulator

_LIBRARIES: Final = ("uvicorn", "python_multipart")
"""The libraries that a simulator needs beyond the bus's own."""

STOP_SECONDS: Final = 2
"""Seconds after which a simulator that ends gives up an answer that it holds back."""


def simulate(
    agency: Annotated[str, typer.Argument(help="the agency, such as pupr")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="port on 127.0.0.1; 0: a free port")] = 0,
    fault: Annotated[
        list[str] | None, typer.Option(help="a fault to switch on, as NAME or NAME:SETTING=VALUE,…; may be repeated")
    ] = None,
) -> None:
    """Run a simulator of an agency's API until you stop it.

    It prints one line of JSON once it listens: its address, the settings for the bus's adapter, and its page, where you
    find what it can do. Faults can be switched while it runs.

    Example: bus simulate pupr --port 8105 --fault latency:seconds=2,share=0.5
    """
    check_libraries()
    serve_simulator(agency, find_simulator(agency), port, fault or ())


def serve_simulator(agency: str, simulator: Simulator, port: int, faults: Sequence[str]) -> None:
    """Run a simulator until it is stopped. Ends the command if a fault is unknown, or the port is taken.

    Args:
        agency: the adapter's name.
        port: on 127.0.0.1; 0: a free port.
        faults: the faults that are on, as `NAME` or `NAME:SETTING=VALUE,…`.
    """
    # Imported here, since a bus without the extra `simulators` has no uvicorn.
    import uvicorn

    try:
        switched = SimulatedFaults(simulator.faults, faults)
    except FaultUnfit as unfit:
        _refuse(f"{agency}: {unfit.detail}", [f"{name}: {text}" for name, text in simulator.faults.items()])
    app = simulator.create_app(switched)
    with listen(port) as listener:
        typer.echo(json.dumps(_make_announcement(agency, simulator, listener.getsockname()[1])))
        # No access log, since it would show the tokens that agencies take in the query.
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=STOP_SECONDS)
        uvicorn.Server(config).run(sockets=[listener])


def check_libraries() -> None:
    """End the command if a library is missing that simulators need."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        _refuse(f"a simulator needs {', '.join(missing)}: pip install 'bus-lamongan[simulators]'", [])


def find_simulator(agency: str) -> Simulator:
    """The simulator of an agency. Ends the command if there is none."""
    known = {entry.name: entry for entry in list_simulators()}
    if agency not in known:
        _refuse(f"there is no simulator {agency!r}", sorted(known))
    simulator: Simulator = known[agency].load()
    return simulator


def list_simulators() -> Iterable[EntryPoint]:
    """The installed simulators, by the names of their agencies."""
    return entry_points(group="bus.simulators")


def listen(port: int) -> socket.socket:
    """A socket that already listens, so that a reader of the announcement can connect at once."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        _refuse(f"cannot listen on 127.0.0.1:{port}: {error.strerror}", [])


def _make_announcement(agency: str, simulator: Simulator, port: int) -> dict[str, object]:
    address = f"http://127.0.0.1:{port}"
    settings = {"BASE_URL": address, **simulator.settings}
    prefix = f"BUS_ADAPTERS__{agency.upper()}__"
    return {
        "agency": agency,
        "address": address,
        "page": f"{address}/_simulator",
        "settings": {prefix + name.upper(): value for name, value in settings.items()},
    }


def _refuse(reason: str, choices: list[str]) -> NoReturn:
    typer.echo("\n  ".join([f"{reason}; there are:" if choices else reason, *choices]), err=True)
    raise typer.Exit(1)
