"""`bus console`: a link that opens the console as operator, for who may use the command line."""

from pathlib import Path
from typing import Annotated

import typer

from bus.actions import Channel, identify_operator
from bus.cli.staff import Address, open_accounts, write_link
from bus.cli.terminal import say
from bus.cli.workspace import open_workspace
from bus.problem import Refused
from bus.settings import EMBEDDED


class ConsoleNeedsAccounts(Refused):
    """This bus has a broker, so several people run it; give yourself an account: `bus staff add NAME --peran operator`."""

    slug = "console-needs-accounts"


def open_console(
    address: Address = "",
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
) -> None:
    """Print a link that opens the console as operator, once.

    It is for a bus of one process (memory://). On other buses each member of staff has an account.

    Example: bus console --data .bus
    """
    with open_workspace(data) as workspace:
        if not workspace.settings.broker.startswith(EMBEDDED):
            raise ConsoleNeedsAccounts(
                "This bus has a broker. Give yourself an account: `bus staff add NAME --peran operator`."
            )
        secret = open_accounts(workspace).make_opening(identify_operator(Channel.CLI))
        say(write_link(workspace, secret, address))
    minutes = workspace.settings.staff_link_minutes
    say(f"The link works once, for {minutes} minutes, while the bus runs.", err=True)
