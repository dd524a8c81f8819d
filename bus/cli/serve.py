"""`bus serve`: runs a bus, or some of its roles."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop

from bus import process
from bus.actions import Channel, identify_operator
from bus.cli.privacy import private_files
from bus.cli.start import note_start
from bus.cli.workspace import Workspace, open_workspace
from bus.delivery import find_broker
from bus.problem import Refused
from bus.process import Role, Wakeups
from bus.settings import SettingsWrong
from bus.telemetry import configure_logging

_SIBLING = "BUS_SIBLING"
"""The environment variable that marks a further process of the API."""
_RESTART_SECONDS = 1.0
_ITSELF: Final = (sys.executable, "-P", "-m", "bus")
"""The command `bus`. With `-P` Python never runs a folder named `bus` in the working directory instead."""
_METRICS = "bus-metrics-"
_LAST_PORT = 65535


class RolesApart(Refused):
    """With memory:// the roles relay, worker and adapters must run in one process; set a broker to separate them."""

    slug = "roles-apart"


class WorkersWithoutApi(Refused):
    """--workers starts more processes that serve the API, and this process does not serve it; leave --workers out."""

    slug = "workers-without-api"


class PortTaken(Refused):
    """The bus cannot listen on this port; choose another port, or end the process that uses it."""

    slug = "port-taken"


def serve(
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="port to listen on")] = 8080,
    roles: Annotated[str, typer.Option(help="roles of this process, separated by commas")] = ",".join(Role),
    workers: Annotated[int, typer.Option(min=1, max=64, help="number of processes that serve the API")] = 1,
    log_level: Annotated[str, typer.Option(help="lowest level of log lines", envvar="BUS_LOG_LEVEL")] = "INFO",
) -> None:
    """Run the bus until SIGTERM. It then finishes the requests and deliveries under way, within BUS_DRAIN_SECONDS.

    Example: bus serve --data .bus --port 8080
    """
    chosen = _parse_roles(roles)
    if workers > 1 and Role.API not in chosen:
        raise WorkersWithoutApi("--workers is for the role api. For more workers, start this command again.")
    if workers > 1 and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        _start_again_with_metrics()
    configure_logging(log_level.upper())
    wakeups = Wakeups()
    with private_files(), open_workspace(data, wakeups.changed) as workspace:
        settings = workspace.settings
        is_embedded = find_broker(settings.broker, settings.broker_prefix) is None
        if is_embedded and chosen & _DELIVER and not chosen >= _TOGETHER:
            raise RolesApart("With memory://, start the roles relay, worker and adapters in one process.")
        listener = _bind_shared(host, port) if _SIBLING in os.environ else listen(host, port, is_shared=workers > 1)
        issuer = settings.public_url or f"http://{host}:{listener.getsockname()[1]}"
        operation = None if _SIBLING in os.environ else _listen_for_operators(settings.operation_address)
        bound = ["--host", host, "--port", str(listener.getsockname()[1])]
        options = ["--data", str(settings.data_dir), *bound, "--log-level", log_level]
        if _SIBLING not in os.environ:
            _note_start(workspace, chosen)
        siblings = _Siblings(options, workers - 1)
        keys, stop = workspace.keys, siblings.begin_to_stop
        siblings.start()
        try:
            uvloop.run(
                process.serve(settings, workspace.storage, keys, issuer, chosen, wakeups, listener, operation, stop)
            )
        finally:
            siblings.stop()
            if workers > 1:
                _forget_metrics()


_DELIVER = frozenset({Role.RELAY, Role.WORKER})
_TOGETHER = frozenset({Role.RELAY, Role.WORKER, Role.ADAPTERS})


def _start_again_with_metrics() -> None:
    """Start this process again, with a folder for metrics that several processes share."""
    # The metrics library reads the variable at its import.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=_METRICS)
    os.execv(sys.executable, [*_ITSELF, *sys.argv[1:]])  # noqa: S606 - itself


def _note_start(workspace: Workspace, roles: frozenset[Role]) -> None:
    with workspace.storage.write() as transaction:
        by = identify_operator(Channel.PROCESS)
        note_start(transaction, workspace.settings, roles, by, workspace.keys.pseudonym)


def _forget_metrics() -> None:
    """Remove the folder in which the processes share their metrics, if this command made it."""
    folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
    if os.path.basename(folder).startswith(_METRICS):
        shutil.rmtree(folder, ignore_errors=True)


def _parse_roles(text: str) -> frozenset[Role]:
    try:
        return frozenset(Role(name.strip()) for name in text.split(",") if name.strip())
    except ValueError:
        raise typer.BadParameter(f"roles are {', '.join(Role)}") from None


def listen(host: str, port: int, *, is_shared: bool) -> socket.socket:
    """A socket that listens.

    Raises:
        PortTaken: another process listens there.
    """
    try:
        listener = socket.create_server((host, port), family=_find_family(host), backlog=2048)
        if is_shared:
            # Only a socket without SO_REUSEPORT notices another listener that allows sharing.
            port = listener.getsockname()[1]
            listener.close()
            listener = socket.create_server((host, port), family=_find_family(host), backlog=2048, reuse_port=True)
    except OSError as error:
        raise PortTaken(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another port, or end the process that uses it."
        ) from None
    return listener


def _listen_for_operators(address: str) -> socket.socket | None:
    """A socket at the operators' own address; None if the setting is empty."""
    if not address:
        return None
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > _LAST_PORT:
        raise SettingsWrong("BUS_OPERATION_ADDRESS: should be host:port, such as 127.0.0.1:9090")
    return listen(host.strip("[]"), int(port), is_shared=False)


def _bind_shared(host: str, port: int) -> socket.socket:
    """A socket of this process alone on the common port, so that the kernel distributes connections.

    With one socket for all, the first process to wake takes every connection that waits. It keeps all the work if the
    connections stay open.

    The socket does not listen before the process is ready, or connections would wait for it.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    mine = socket.socket(_find_family(host), socket.SOCK_STREAM)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if mine.family == socket.AF_INET6:
        # `socket.create_server` sets this for the first process's socket. All sockets of a port must agree.
        mine.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    mine.bind((host, port))
    return mine


def _find_family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _end_with_parent() -> None:
    """End this process when its parent ends, even by SIGKILL: the parent's end of the pipe closes.

    Without its parent, the process would answer 202 though nobody delivers, and would hold the port.
    """
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


class _Siblings:
    """Runs further processes of the API on the same port. Restarts a process that dies."""

    def __init__(self, options: list[str], count: int) -> None:
        self._options = options
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._keep_alive, daemon=True) for _ in range(count)]

    def start(self) -> None:
        """Start all processes."""
        for thread in self._threads:
            thread.start()

    def begin_to_stop(self) -> None:
        """Let all processes finish their work, while this one finishes its own."""
        self._stopping.set()

    def stop(self) -> None:
        """Let all processes finish their work, and wait for their end."""
        self.begin_to_stop()
        for thread in self._threads:
            thread.join()

    def _keep_alive(self) -> None:
        command = [*_ITSELF, "serve", *self._options, "--roles", Role.API.value]
        while not self._stopping.is_set():
            process = subprocess.Popen(  # noqa: S603 - itself
                command,
                stdin=subprocess.PIPE,
                env={**os.environ, _SIBLING: "1"},
            )
            while process.poll() is None and not self._stopping.wait(0.2):
                pass
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait()
            else:
                self._stopping.wait(_RESTART_SECONDS)
