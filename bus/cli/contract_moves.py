"""`bus contract propose`, `activate`, `deprecate`, `retire`: a version's way through its life, by the operator."""

from datetime import datetime
from typing import Annotated

import typer

from bus.actions import Channel, identify_operator
from bus.cli.contract import Data, open_catalogue
from bus.cli.terminal import say
from bus.contracts import RegisteredVersion

Name = Annotated[str, typer.Argument(help="such as kependudukan.penduduk")]
Version = Annotated[str, typer.Argument(help="such as 1.0.0")]


def propose_version(name: Name, version: Version, data: Data = None) -> None:
    """Lay a draft before those who approve for the contract's owner.

    Example: bus contract propose kependudukan.penduduk 1.1.0
    """
    with open_catalogue(data) as catalogue:
        _tell(catalogue.registrar.propose(name, version, identify_operator(Channel.CLI)))


def activate_version(
    name: Name,
    version: Version,
    accept_undecided: Annotated[
        bool,
        typer.Option("--accept-undecided", help="a change that cannot be decided is harmless; the history keeps this"),
    ] = False,
    data: Data = None,
) -> None:
    """Put a version in force. It is refused where it has lint errors or breaks what active versions promise.

    Example: bus contract activate kependudukan.penduduk 1.1.0
    """
    with open_catalogue(data) as catalogue:
        _tell(
            catalogue.registrar.activate(
                name, version, identify_operator(Channel.CLI), accept_undecided=accept_undecided
            )
        )


def deprecate_version(
    name: Name,
    version: Version,
    sunset: Annotated[
        datetime | None, typer.Option(help="the day after which its owner means to retire it", formats=["%Y-%m-%d"])
    ] = None,
    data: Data = None,
) -> None:
    """Mark a version as superseded. It still takes events, and tells their publishers.

    Example: bus contract deprecate kependudukan.penduduk 1.0.0 --sunset 2027-06-30
    """
    with open_catalogue(data) as catalogue:
        last_day = sunset.date() if sunset else None
        _tell(catalogue.registrar.deprecate(name, version, identify_operator(Channel.CLI), sunset=last_day))


def retire_version(name: Name, version: Version, data: Data = None) -> None:
    """Take a version out of force for good.

    Example: bus contract retire kependudukan.penduduk 1.0.0
    """
    with open_catalogue(data) as catalogue:
        _tell(catalogue.registrar.retire(name, version, identify_operator(Channel.CLI)))


def _tell(moved: RegisteredVersion) -> None:
    until = f", to be retired after {moved.sunset}" if moved.sunset else ""
    say(f"{moved.contract.name} {moved.contract.version}: {moved.state.value}{until}")
