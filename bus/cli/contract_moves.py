"""`bus contract propose`, `activate`, `deprecate` and `retire`: the operator changes a version's state."""

from datetime import datetime
from typing import Annotated

import typer

from bus.actions import Channel, identify_operator
from bus.cli.contract import Data, open_catalogue
from bus.cli.contract_grants import GrantsSeen, confirm_seen, print_granted
from bus.cli.terminal import say
from bus.contracts import Catalogue, RegisteredVersion, find_granted, grants_persons_data

Name = Annotated[str, typer.Argument(help="such as kependudukan.penduduk")]
Version = Annotated[str, typer.Argument(help="such as 1.0.0")]


def propose_version(name: Name, version: Version, data: Data = None) -> None:
    """Propose a draft to the approvers of the contract's owner.

    Example: bus contract propose kependudukan.penduduk 1.1.0
    """
    with open_catalogue(data) as catalogue:
        _say_state(catalogue.registrar.propose(name, version, identify_operator(Channel.CLI)))


def activate_version(
    name: Name,
    version: Version,
    accept_undecided: Annotated[
        bool,
        typer.Option("--accept-undecided", help="activate despite undecided findings; the history notes it"),
    ] = False,
    grants_seen: GrantsSeen = False,
    data: Data = None,
) -> None:
    """Put a version in force. The bus refuses a version with lint errors, or that breaks what active versions promise.

    Where more personal data will be shown to anybody, the command asks whether you read it, or needs --grants-seen.

    Example: bus contract activate kependudukan.penduduk 1.1.0
    """
    with open_catalogue(data) as catalogue:
        _say_state(
            catalogue.registrar.activate(
                name,
                version,
                identify_operator(Channel.CLI),
                accept_undecided=accept_undecided,
                grants_seen=grants_seen or _confirm_granted(catalogue, name, version),
            )
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
        _say_state(catalogue.registrar.deprecate(name, version, identify_operator(Channel.CLI), sunset=last_day))


def retire_version(name: Name, version: Version, data: Data = None) -> None:
    """Retire a version for good: it takes no events any more.

    Example: bus contract retire kependudukan.penduduk 1.0.0
    """
    with open_catalogue(data) as catalogue:
        _say_state(catalogue.registrar.retire(name, version, identify_operator(Channel.CLI)))


def _confirm_granted(catalogue: Catalogue, name: str, version: str) -> bool:
    """Print what the version newly grants, and ask. Whether a person at the terminal says that they read it."""
    contract = catalogue.registrar.read_version(name, version).contract
    granted = find_granted(contract, catalogue.registrar.read_active(name))
    print_granted(granted)
    return grants_persons_data(contract, granted) and confirm_seen()


def _say_state(moved: RegisteredVersion) -> None:
    until = f", to be retired after {moved.sunset}" if moved.sunset else ""
    say(f"{moved.contract.name} {moved.contract.version}: {moved.state.value}{until}")
