"""What `bus dev` prints: where the bus is, whose app it is for, and three lines to paste into a terminal."""

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from bus import json
from bus.cli.dev_notebook import Notebook, write_exports
from bus.contracts import Contract, Kind

_SIGN_IN = (
    'TOKEN=$(curl -s -u "$BUS_CLIENT_ID:$BUS_CLIENT_SECRET" -d grant_type=client_credentials "$BUS_URL/oauth/token"'
    """ | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')"""
)
_BEARER = '-H "Authorization: Bearer $TOKEN"'


def write_introduction(
    address: str,
    notebook: Notebook,
    office: str,
    contracts: Sequence[Contract],
    adapters: Mapping[str, Mapping[str, str]] | None = MappingProxyType({}),
    link: str = "",
) -> Iterator[str]:
    """The lines. Commands are whole: each works in a fresh terminal.

    Args:
        address: where the bus is.
        office: the participant that the commands act as.
        contracts: the contracts in force.
        adapters: the settings of adapters whose agencies are simulated, by agency; None: no agency is set up.
        link: opens the console as operator, once; empty: it is not told.
    """
    enter = f". {shlex.quote(str(notebook.find_environment(office)))}"
    yield f"bus      {address}   (all operations: {address}/docs)"
    if link:
        yield f"console  {link}   (opens once; `bus console` makes another)"
    yield f"data     {notebook.folder.resolve()}   (remove the folder to begin anew)"
    yield f"office   {office}; others: {', '.join(name for name in sorted(notebook.clients) if name != office)}"
    if adapters:
        addresses = ", ".join(f"{agency} {told['base_url']}" for agency, told in adapters.items())
        yield f"agencies {addresses}   (simulators)"
    elif adapters is None:
        yield "agencies none; `bus dev --agencies` runs a simulator of each ministry"
    yield ""
    yield from write_exports(address, notebook.clients[office])
    yield ""
    yield f"These lines are in a file for each office. For {office}: {enter}"
    sent = _choose(contracts, lambda one: office in one.producers, office)
    got = _choose(contracts, lambda one: _is_granted(one, office), office)
    if sent is None and got is None:
        yield f"No contract names {office} yet; docs/contracts.md says how to write one."
    else:
        yield "Paste these into other terminals:"
    if got is not None:
        yield from ("", f"# receive {got.name}", f"{enter}; {_name_command()} listen {got.name}")
    if sent is not None:
        yield from ("", f"# publish {sent.name}", f"{enter}; {_SIGN_IN}; {_write_publish(sent, office)}")
    if got is not None:
        pull = f'curl -s {_BEARER} "$BUS_URL/v1/feeds/{got.name}?limit=3"'
        yield from ("", f"# pull {got.name}", f"{enter}; {_SIGN_IN}; {pull}")
    yield from ("", "Ctrl-C ends the bus. The next start goes on with it.")


def _choose(contracts: Sequence[Contract], fits: Callable[[Contract], bool], office: str) -> Contract | None:
    """A contract for the lines: one that the office both sends and gets, if there is one."""
    found = [one for one in contracts if one.kind is not Kind.QUERY and fits(one)]
    both = [one for one in found if office in one.producers and _is_granted(one, office)]
    return next(iter(both or found), None)


def _is_granted(contract: Contract, office: str) -> bool:
    return any(grant.participant == office for grant in contract.grants)


def _write_publish(contract: Contract, office: str) -> str:
    """A command that publishes the contract's example, each time under another id."""
    data = json.dumps(contract.examples[0] if contract.examples else {}).decode()
    event = (
        f'{{"specversion": "1.0", "id": "coba-\'$(date +%s)\'", "source": "/{office}/coba", "type": "{contract.name}", '
        f'"data": {data.replace(chr(39), chr(39) + chr(92) + chr(39) + chr(39))}}}'
    )
    kind = '-H "Content-Type: application/cloudevents+json"'
    return f"curl -s {_BEARER} {kind} \"$BUS_URL/v1/events\" -d '{event}'"


def _name_command() -> str:
    """How this command was called, for a user whose PATH does not have `bus`."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -P -m bus"
    return shlex.quote(str(called.resolve()) if called.parent != Path() and called.exists() else called.name)
