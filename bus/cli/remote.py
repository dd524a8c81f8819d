"""Options of commands that work from any machine: where the bus is, and which client asks."""

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[
    str | None, typer.Option("--url", help="the bus's address, such as https://bus.lamongan.example; absent: BUS_URL")
]
CredentialsFile = Annotated[
    Path | None,
    typer.Option(
        "--credentials",
        help="a client in a file: what `bus client add --json` printed, or a .env file of `bus dev`; absent: BUS_CLIENT_ID "
        "and BUS_CLIENT_SECRET",
    ),
]
