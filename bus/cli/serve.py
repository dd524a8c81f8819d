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
from bus.cli.workspace import open_workspace
from bus.problem import Refused
from bus.process import Role
from bus.settings import SettingsWrong
from bus.telemetry import configure_logging

_SIBLING = "BUS_SIBLING"
"""Set for a further process of the API."""
_RESTART_SECONDS = 1.0
_ITSELF: Final = (sys.executable, "-P", "-m", "bus")
"""This command; `-P` keeps a folder named `bus` in the working directory from being run instead."""
_METRICS = "bus-metrics-"
_LAST_PORT = 65535


class RolesApart(Refused):
    """With memory:// the roles relay, worker and adapters must be in one process; give a broker to part them."""

    slug = "roles-apart"


class PortTaken(Refused):
    """The port is taken."""

    slug = "port-taken"


def serve(
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="port to listen on")] = 8080,
    roles: Annotated[str, typer.Option(help="comma separated")] = ",".join(Role),
    workers: Annotated[int, typer.Option(min=1, max=64, help="processes that serve the API")] = 1,
    log_level: Annotated[str, typer.Option(envvar="BUS_LOG_LEVEL")] = "INFO",
) -> None:
    """Run the bus until SIGTERM, which lets it finish what is under way.

    Example: bus serve --data .bus --port 8080
    """
    chosen = _roles(roles)
    if workers > 1 and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        # The metrics library reads it when it is imported.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=_METRICS)
        os.execv(sys.executable, [*_ITSELF, *sys.argv[1:]])  # noqa: S606 - itself
    configure_logging(log_level.upper())
    with private_files(), open_workspace(data) as workspace:
        settings = workspace.settings
        if settings.broker_url.startswith("memory:") and chosen & _DELIVER and not chosen >= _TOGETHER:
            raise RolesApart("memory:// keeps runs in one process: start relay, worker and adapters together.")
        listener = _of_sibling(host, port) if _SIBLING in os.environ else _listener(host, port, is_shared=workers > 1)
        issuer = settings.public_url.rstrip("/") or f"http://{host}:{listener.getsockname()[1]}"
        operation = None if _SIBLING in os.environ else _operation_listener(settings.operation_address)
        bound = ["--host", host, "--port", str(listener.getsockname()[1])]
        options = ["--data", str(settings.data_dir), *bound, "--log-level", log_level]
        if _SIBLING not in os.environ:
            with workspace.storage.write() as transaction:
                by = identify_operator(Channel.PROCESS)
                note_start(transaction, settings, chosen, by, workspace.keys.pseudonym)
        siblings = _Siblings(options, workers - 1)
        siblings.start()
        try:
            uvloop.run(process.serve(settings, workspace.storage, workspace.keys, issuer, chosen, listener, operation))
        finally:
            siblings.stop()
            if workers > 1:
                _forget_metrics()


_DELIVER = frozenset({Role.RELAY, Role.WORKER})
_TOGETHER = frozenset({Role.RELAY, Role.WORKER, Role.ADAPTERS})


def _forget_metrics() -> None:
    """Remove the folder through which the processes share their metrics, where it was made here."""
    folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
    if os.path.basename(folder).startswith(_METRICS):
        shutil.rmtree(folder, ignore_errors=True)


def _roles(text: str) -> frozenset[Role]:
    try:
        return frozenset(Role(name.strip()) for name in text.split(",") if name.strip())
    except ValueError:
        raise typer.BadParameter(f"roles are {', '.join(Role)}") from None


def _listener(host: str, port: int, *, is_shared: bool) -> socket.socket:
    try:
        listener = socket.create_server((host, port), family=_family(host), backlog=2048)
        if is_shared:
            # Only a socket that shares nothing finds out that somebody else listens here and would share.
            port = listener.getsockname()[1]
            listener.close()
            listener = socket.create_server((host, port), family=_family(host), backlog=2048, reuse_port=True)
    except OSError as error:
        raise PortTaken(f"Cannot listen on {host}:{port}: {error.strerror}.") from None
    return listener


def _operation_listener(address: str) -> socket.socket | None:
    """A socket at the operators' own address; None if the setting names none."""
    if not address:
        return None
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > _LAST_PORT:
        raise SettingsWrong("BUS_OPERATION_ADDRESS: should be host:port, such as 127.0.0.1:9090")
    return _listener(host.strip("[]"), int(port), is_shared=False)


def _of_sibling(host: str, port: int) -> socket.socket:
    """A socket of this process's own, so that the kernel deals the connections out.

    From one socket that all share, whoever wakes first takes all that wait, and with connections that stay one process had the
    whole work. It does not listen before the process is ready: what is dealt to it would have to wait.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    mine = socket.socket(_family(host), socket.SOCK_STREAM)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if mine.family == socket.AF_INET6:
        # As the first process's own, which the library so makes.
        mine.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    mine.bind((host, port))
    return mine


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _end_with_parent() -> None:
    """Stop when the process that started this one is gone, even by SIGKILL: its end of the pipe closes.

    A sibling left alone would answer 202 at a port where nobody delivers, and keep the next start from it.
    """
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


class _Siblings:
    """Further processes for the API on the same port; one that dies is started again."""

    def __init__(self, options: list[str], count: int) -> None:
        self._options = options
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._keep, daemon=True) for _ in range(count)]

    def start(self) -> None:
        """Start them."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let them drain and wait for them."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _keep(self) -> None:
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
