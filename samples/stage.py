"""The stage: a bus in a folder, with contracts, participants, clients, simulators and sample apps."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from bus import shipped
from samples.children import ChildFailed, Children
from samples.grants import Contract, read_contracts
from samples.offices import AGENCIES, DECLARED, OFFICES
from samples.port import free_port

_COMING_UP: Final = 60.0
_POLL_SECONDS: Final = "2"
_ON_THIS_MACHINE: Final = {"BUS_SINK_NETWORKS": "127.0.0.0/8", "BUS_AGENCY_NETWORKS": "127.0.0.0/8"}
"""Apps and simulators are on this machine, at plain http."""


class CommandFailed(Exception):
    """A command of the bus failed; the message holds its standard error."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of an OAuth client."""

    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs, and at which addresses.

    Attributes:
        folder: the folder with the bus's data and the logs.
        bus: the bus's address.
        console: a link that opens the console as operator, once.
        simulators, apps: name to address.
        clients: office to the credentials of its app.
        admin: the operator's credentials.
        contracts: name to contract.
    """

    folder: Path
    bus: str
    console: str
    simulators: Mapping[str, str]
    apps: Mapping[str, str]
    clients: Mapping[str, Credentials]
    admin: Credentials
    contracts: Mapping[str, Contract]


def set_up(folder: Path, children: Children, *, faults: Sequence[str], pause: float | None) -> Stage:
    """Start simulators, bus and apps.

    Args:
        folder: an empty folder, for the bus's data and the logs.
        children: starts the processes, and ends them.
        faults: texts `agency:fault`; the agency's simulator gets the fault.
        pause: seconds between two rounds of traffic after the beginning; None: no further traffic.

    Raises:
        ChildFailed, CommandFailed: a process or a command failed.
    """
    data, plain = folder / "bus", _make_environment()
    simulators = _start_simulators(children, faults, plain)
    admin = Credentials(**json.loads(_run_bus(["init", "--data", str(data)], plain)))
    _run_bus(["participant", "apply", "--shipped", "--data", str(data)], plain)
    _run_bus(["contract", "apply", "--shipped", "--grants-seen", "--data", str(data)], plain)
    settings = {name: value for told in simulators.values() for name, value in told["settings"].items()}
    polls = {f"BUS_ADAPTERS__{agency.upper()}__POLL_SECONDS": _POLL_SECONDS for agency in AGENCIES}
    address = _serve(children, data, plain | settings | polls | _ON_THIS_MACHINE)
    contracts = read_contracts(shipped.CONTRACTS)
    clients = _make_clients(address, admin)
    console = _run_bus(["console", "--data", str(data), "--address", address], plain).strip()
    return Stage(
        folder,
        address,
        console,
        {agency: told["address"] for agency, told in simulators.items()},
        _start_apps(children, address, clients, plain | ({"APP_PAUSE_SECONDS": str(pause)} if pause else {})),
        clients,
        admin,
        contracts,
    )


def _make_environment() -> dict[str, str]:
    """This process's environment, without settings of another bus."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("BUS_", "APP_"))}


def _start_simulators(children: Children, faults: Sequence[str], env: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    started = {}
    for agency in AGENCIES:
        wanted = [fault.partition(":")[2] for fault in faults if fault.startswith(f"{agency}:")]
        options = [part for fault in wanted for part in ("--fault", fault)]
        started[agency] = children.start(f"simulator-{agency}", [*_make_command(), "simulate", agency, *options], env)
    for agency in DECLARED:
        command = [*_make_command(), "adapter", "simulate", str(shipped.ADAPTERS / f"{agency}.yaml")]
        started[agency] = children.start(f"simulator-{agency}", command, env)
    return {agency: child.read_announcement(_COMING_UP) for agency, child in started.items()}


def _make_command() -> list[str]:
    return [sys.executable, "-P", "-m", "bus"]


def _run_bus(arguments: Sequence[str], env: Mapping[str, str]) -> str:
    done = subprocess.run([*_make_command(), *arguments], env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise CommandFailed(f"bus {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _serve(children: Children, data: Path, env: Mapping[str, str]) -> str:
    port = free_port()
    serving = children.start("bus", [*_make_command(), "serve", "--data", str(data), "--port", str(port)], env)
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + _COMING_UP
    while time.monotonic() < deadline:
        serving.check()
        if _is_ready(address):
            return address
        time.sleep(0.1)
    raise ChildFailed(f"the bus is not ready after {_COMING_UP:.0f} s; see {serving.log}")


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").is_success
    except httpx.TransportError:
        return False


def _make_clients(address: str, admin: Credentials) -> dict[str, Credentials]:
    """Make a client for each sample app."""
    with httpx.Client(base_url=address, timeout=30.0) as http:
        grant = {"grant_type": "client_credentials"}
        token = http.post("/oauth/token", data=grant, auth=(admin.client_id, admin.client_secret)).raise_for_status()
        http.headers["authorization"] = f"Bearer {token.json()['access_token']}"
        clients = {
            name: http.post(f"/v1/participants/{name}/clients", json={"scopes": office.scopes}).raise_for_status()
            for name, office in OFFICES.items()
        }
    return {name: Credentials(**made.json()) for name, made in clients.items()}


def _start_apps(
    children: Children, bus: str, clients: Mapping[str, Credentials], env: Mapping[str, str]
) -> dict[str, str]:
    started = {
        name: children.start(
            f"app-{name}",
            [sys.executable, "-P", "-m", "samples.app", name],
            {
                **env,
                "APP_BUS_URL": bus,
                "APP_CLIENT_ID": clients[name].client_id,
                "APP_CLIENT_SECRET": clients[name].client_secret,
            },
        )
        for name in OFFICES
    }
    return {name: child.read_announcement(_COMING_UP)["address"] for name, child in started.items()}
