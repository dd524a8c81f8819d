"""`bus contract propose`, `activate`, `deprecate` and `retire`: the operator changes a version's state."""

from datetime import datetime
from typing import Annotated

import typer

from bus.actions import Channel, on_this_machine
from bus.cli.contract import Data, open_catalogue
from bus.cli.terminal import say
from bus.contracts import RegisteredVersion

Name = Annotated[str, typer.Argument(help="such as kependudukan.penduduk")]
Version = Annotated[str, typer.Argument(help="such as 1.0.0")]


def propose_version(name: Name, version: Version, data: Data = None) -> None:
    """Propose a draft to the approvers of the contract's owner.

    Example: bus contract propose kependudukan.penduduk 1.1.0
    """
    with open_catalogue(data) as catalogue:
        _say_state(catalogue.registrar.propose(name, version, on_this_machine(Channel.CLI)))


def activate_version(
    name: Name,
    version: Version,
    accept_undecided: Annotated[
        bool,
        typer.Option("--accept-undecided", help="activate despite undecided findings; the history notes it"),
    ] = False,
    data: Data = None,
) -> None:
    """Put a version in force. The bus refuses a version with lint errors, or that breaks what active versions promise.

    Example: bus contract activate kependudukan.penduduk 1.1.0
    """
    with open_catalogue(data) as catalogue:
        _say_state(
            catalogue.registrar.activate(name, version, on_this_machine(Channel.CLI), accept_undecided=accept_undecided)
        )


def deprecate_version(
    name: Name,
    version: Version,
    sunset: Annotated[
        datetime | None,
        typer.Option(help="last day; the owner plans to retire the version after it", formats=["%Y-%m-%d"]),
    ] = None,
    data: Data = None,
) -> None:
    """Mark a version as superseded. It still takes events; the answer tells publishers of the deprecation.

    Example: bus contract deprecate kependudukan.penduduk 1.0.0 --sunset 2027-06-30
    """
    with open_catalogue(data) as catalogue:
        last_day = sunset.date() if sunset else None
        _say_state(catalogue.registrar.deprecate(name, version, on_this_machine(Channel.CLI), sunset=last_day))


def retire_version(name: Name, version: Version, data: Data = None) -> None:
    """Retire a version for good: it takes no events any more.

    Example: bus contract retire kependudukan.penduduk 1.0.0
    """
    with open_catalogue(data) as catalogue:
        _say_state(catalogue.registrar.retire(name, version, on_this_machine(Channel.CLI)))


def _say_state(moved: RegisteredVersion) -> None:
    until = f", to be retired after {moved.sunset}" if moved.sunset else ""
    say(f"{moved.contract.name} {moved.contract.version}: {moved.state.value}{until}")
