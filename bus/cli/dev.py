"""`bus dev`: a bus to develop against, with the shipped contracts and a client for each office."""

import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop

from bus import process
from bus.actions import Channel, identify_operator
from bus.cli.dev_agencies import run_agencies
from bus.cli.dev_bus import open_dev_bus, prepare, read_contracts
from bus.cli.dev_lines import write_introduction
from bus.cli.dev_notebook import Notebook
from bus.cli.privacy import private_files
from bus.cli.serve import PortTaken, listen
from bus.cli.staff import open_accounts, write_link
from bus.cli.start import note_start
from bus.cli.terminal import say
from bus.process import Role, Wakeups
from bus.telemetry import configure_logging

FOLDER: Final = Path(".bus-dev")
_HOST: Final = "127.0.0.1"
_PORT: Final = 8080


def dev(
    office: Annotated[
        str, typer.Option("--as", metavar="NAME", help="the office that you write an app for")
    ] = "dinas-kominfo",
    data: Annotated[Path, typer.Option(help="a folder for this bus alone", envvar="BUS_DATA_DIR")] = FOLDER,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="port on 127.0.0.1; absent: the port of the last start, or 8080"),
    ] = None,
    agencies: Annotated[
        bool,
        typer.Option("--agencies", help="also run a simulator of each agency; the bus polls, asks and delivers there"),
    ] = False,
    log_level: Annotated[str, typer.Option(help="lowest level of log lines", envvar="BUS_LOG_LEVEL")] = "WARNING",
) -> None:
    """Run a bus to develop against: with the shipped contracts, clients, and webhooks on this machine.

    It prints what to try, and writes `export` lines for each office into its folder. The next start goes on with the same bus.

    Example: bus dev --as bapenda
    """
    configure_logging(log_level.upper())
    wakeups = Wakeups()
    with private_files():
        notebook = Notebook.open(data)
        listener = _listen(notebook, port)
        if not notebook.has_contracts:
            say("making a bus with the shipped contracts; please wait")
        with listener, ExitStack() as beside:
            adapters = beside.enter_context(run_agencies()) if agencies else None
            workspace = beside.enter_context(open_dev_bus(notebook, wakeups, adapters))
            prepare(workspace, notebook, office)
            address = f"http://{_HOST}:{listener.getsockname()[1]}"
            notebook.write_environments(address)
            with workspace.storage.write() as transaction:
                by = identify_operator(Channel.PROCESS)
                note_start(transaction, workspace.settings, list(Role), by, workspace.keys.pseudonym)
            link = write_link(workspace, open_accounts(workspace).make_opening(by), address)
            settings, storage, keys = workspace.settings, workspace.storage, workspace.keys
            simulated = adapters or ({} if settings.adapters else None)
            for line in write_introduction(address, notebook, office, read_contracts(workspace), simulated, link):
                say(line)
            uvloop.run(process.serve(settings, storage, keys, address, frozenset(Role), wakeups, listener))


def _listen(notebook: Notebook, port: int | None, usual: int = _PORT) -> socket.socket:
    """A socket on the wanted port, else on the port of the last start: apps have its address.

    Raises:
        PortTaken: another process listens there.
    """
    try:
        listener = listen(_HOST, port or notebook.port or usual, is_shared=False)
    except PortTaken:
        if port or notebook.port:
            raise
        # Many developers have something else at the usual port.
        listener = listen(_HOST, 0, is_shared=False)
    notebook.port = listener.getsockname()[1]
    notebook.save()
    return listener
