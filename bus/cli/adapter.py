"""`bus adapter`: checks adapter documents, tries their operations, and makes packages for coded adapters."""

import asyncio
import ipaddress
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from bus import json, shipped
from bus.cli.adapter_new import new_adapter
from bus.cli.adapter_register import (
    activate_version,
    apply_documents,
    deprecate_version,
    diff_document,
    list_adapters,
    retire_version,
    show_adapter,
)
from bus.cli.contract_files import list_contracts
from bus.cli.document_lines import find_line
from bus.cli.simulate import check_libraries, serve_simulator
from bus.cli.terminal import say, say_lines, show
from bus.contracts import Finding, Severity
from bus.declared import (
    AdapterDocument,
    AdapterInvalid,
    DeclaredFactory,
    Mapper,
    Surroundings,
    TrialResult,
    check_no_secret_is_shown,
    lint_document,
    load_document,
    make_simulator,
    name_settings,
    try_operation,
)
from bus.kit import AdapterSettings
from bus.settings import Settings, load_settings, read_adapter_settings

adapter = typer.Typer(
    no_args_is_help=True,
    help="Adapters: documents of agencies' APIs, called without code; packages of code.",
)

File = Annotated[Path, typer.Argument(help="the adapter document", exists=True, dir_okay=False)]


_COMMANDS: Final[Mapping[str, Callable[..., None]]] = {
    "new": new_adapter,
    "apply": apply_documents,
    "diff": diff_document,
    "list": list_adapters,
    "show": show_adapter,
    "activate": activate_version,
    "deprecate": deprecate_version,
    "retire": retire_version,
}
for _name, _command in _COMMANDS.items():
    adapter.command(_name)(_command)


@adapter.command("lint")
def lint(
    files: Annotated[list[Path], typer.Argument(help="adapter documents", exists=True, dir_okay=False)],
    contracts: Annotated[
        list[Path] | None,
        typer.Option(help="contract documents, or folders with them; absent: those that ship", exists=True),
    ] = None,
) -> None:
    """Check documents, and run each example through mapping and contract. Exits with 1 if one has errors.

    Example: bus adapter lint contracts/adapter/splp.yaml
    """
    known = {contract.name: contract for contract in list_contracts(contracts or [shipped.CONTRACTS])}

    async def lint_all() -> list[tuple[Path, Finding]]:
        found = []
        for path in files:
            mapper = Mapper(path.stem, explain=True)
            try:
                found += [(path, one) for one in await lint_document(load_document(path), known.get, mapper)]
            except AdapterInvalid as invalid:
                found += [(path, one) for one in _list_wrong(invalid)]
            finally:
                await mapper.close()
        return found

    found = asyncio.run(lint_all())
    for path, finding in found:
        colour = "bold red" if finding.severity is Severity.ERROR else "yellow"
        place = f"{path}:{find_line(path, finding.pointer)}: "
        at = finding.pointer or "(document)"
        show(place, (finding.severity.value, colour), f": {finding.code}: {at}: {finding.message}")
        show(f"    {finding.fix}", style="dim")
    errors = sum(finding.severity is Severity.ERROR for _, finding in found)
    say(f"documents: {len(files)}, errors: {errors}, warnings: {len(found) - errors}")
    if errors:
        raise AdapterInvalid(f"Mend the errors above: {errors}.")


@adapter.command("try")
def try_document(
    file: File,
    operation: Annotated[str, typer.Option(help="the operation's name")],
    payload: Annotated[
        str | None, typer.Option(help="event, data or question in JSON; @FILE reads a file, - standard input")
    ] = None,
    against: Annotated[str | None, typer.Option(help="another address, such as a simulator's")] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE: a setting, or a secret made up for a simulator; one or several times"),
    ] = None,
    cursor: Annotated[str | None, typer.Option(help="of a poll: where the step begins")] = None,
) -> None:
    """Send one operation's requests, and show requests, answers and result. Secrets are hidden; data are not.

    Settings and secrets come from BUS_ADAPTERS__<ADAPTER>__… as for the bus itself, or from --set. The agency gets
    what you send: try with made-up data. Exits with 1 if the agency or the mapping refuses.

    Example: bus adapter try contracts/adapter/splp.yaml --operation indikator --against http://127.0.0.1:8102
    """
    document, settings = load_document(file), load_settings()
    mine = _make_settings(document, settings, against, given or ())
    networks = [*settings.agency_networks, *_allow_loopback(against)]
    shown = asyncio.run(
        try_operation(document, operation, _read_payload(payload), mine, Surroundings(networks), cursor)
    )
    _print(shown)
    if shown.has_failed:
        raise typer.Exit(1)


@adapter.command("simulate")
def simulate(
    file: File,
    port: Annotated[int, typer.Option(min=0, max=65535, help="port on 127.0.0.1; 0: a free port")] = 0,
    fault: Annotated[list[str] | None, typer.Option(help="a fault to switch on, one or several times")] = None,
) -> None:
    """Run a simulator that gives the answers of a document's examples, until you stop it.

    It prints one line of JSON once it listens: its address, and the settings for the bus's adapter.

    Example: bus adapter simulate contracts/adapter/oss.yaml --port 8108
    """
    check_libraries()
    document = load_document(file)
    serve_simulator(document.adapter, make_simulator(document), port, fault or ())


def _list_wrong(invalid: AdapterInvalid) -> list[Finding]:
    fix = "Compare with schemas/adapter.schema.json; an editor that knows it shows the mistake as you type."
    wrong = [(error.pointer, error.detail) for error in invalid.errors] or [("", invalid.detail)]
    return [Finding("form", Severity.ERROR, pointer, detail, fix) for pointer, detail in wrong]


def _make_settings(
    document: AdapterDocument, settings: Settings, against: str | None, given: Sequence[str]
) -> AdapterSettings:
    known: Mapping[str, str] = settings.adapters.get(document.adapter, {})
    told = dict(one.split("=", 1) for one in given if "=" in one)
    if len(told) < len(given):
        raise typer.BadParameter("--set takes NAME=VALUE, each name once")
    host = urlsplit(against or document.servers[0].url).hostname or ""
    address = {} if against is None else {"base_url": against}
    check_no_secret_is_shown(document, known)
    return read_adapter_settings(
        document.adapter,
        DeclaredFactory(document).settings,
        {**known, **name_settings(document, told, host), **address},
    )


def _allow_loopback(against: str | None) -> list[ipaddress.IPv4Network]:
    """The network of this machine, if whoever calls the command names an address in it."""
    host = urlsplit(against or "").hostname
    return [ipaddress.IPv4Network("127.0.0.0/8")] if host in ("127.0.0.1", "localhost") else []


def _read_payload(text: str | None) -> Any:
    if text is None:
        return None
    try:
        content = sys.stdin.read() if text == "-" else Path(text[1:]).read_text("utf-8") if text[:1] == "@" else text
        return json.loads(content)
    except OSError as error:
        raise typer.BadParameter(f"cannot read {text[1:]}: {error.strerror}") from None
    except ValueError:
        raise typer.BadParameter("--payload is not JSON") from None


def _print(shown: TrialResult) -> None:
    for line in shown.lines:
        say_lines(line)
    say_lines(json.dump_pretty(shown.result))
