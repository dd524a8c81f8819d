"""`bus adapter apply`, `list`, `show`, `activate`, `deprecate` and `retire`: the operator's register of adapter documents."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Annotated, Any

import typer

from bus import clock, json, shipped
from bus.actions import Actor, Channel, identify_operator
from bus.agencies import Declared, find_off, list_coded, read_declared
from bus.cli.contract import AsJson, Data, open_catalogue
from bus.cli.terminal import say, say_json, say_lines, say_row
from bus.cli.workspace import Workspace, open_workspace
from bus.contracts import Catalogue, State, write_yaml
from bus.declared import (
    AdapterCatalogue,
    AdapterRegistrar,
    Draft,
    Judge,
    RegisteredAdapter,
    list_broken,
    load_body,
    make_draft,
    order_version,
)
from bus.heavy import Bounds, Processes, Shares

Name = Annotated[str, typer.Argument(help="the adapter's name, such as splp")]
Version = Annotated[str, typer.Argument(help="such as 1.0.0")]

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class _Desk:
    """What an act on the register needs."""

    registrar: AdapterRegistrar
    judge: Judge
    by: Actor
    given: Mapping[str, Mapping[str, str]]


def apply_documents(
    paths: Annotated[list[Path], typer.Argument(help="adapter documents, or folders with them", exists=True)],
    data: Data = None,
) -> None:
    """Register adapter documents and put them in force. Versions that are in force already stay as they are.

    Each document is checked first: its examples, the contracts that name it, its addresses, your settings. The first that is
    refused ends the command; those before it are in force.

    Example: bus adapter apply oss.yaml
    """
    drafts = [make_draft(load_body(path)) for path in _list_files(paths)]

    async def apply_all(desk: _Desk) -> None:
        for draft in drafts:
            say(await _apply(desk, draft))
            if missing := _list_unset(draft, desk.given.get(draft.name, {})):
                say(f"  it serves where the bus has {', '.join(missing)}; give them, then restart the bus")

    _run(data, apply_all)


def diff_document(
    file: Annotated[Path, typer.Argument(help="the adapter document", exists=True, dir_okay=False)], data: Data = None
) -> None:
    """Show how a document differs from the active version of its adapter. Exits with 1 if it differs.

    Example: bus adapter diff oss.yaml
    """
    draft = make_draft(load_body(file))
    with open_workspace(data) as workspace:
        known = AdapterCatalogue(workspace.storage).registrar.find_versions(draft.name)
    active = next((one for one in known if one.state is State.ACTIVE), None)
    before, after = (_write_lines(one.text) if one else [] for one in (active, draft))
    names = (f"{draft.name} {active.version if active else '(none active)'}", str(file))
    lines = list(unified_diff(before, after, *names, lineterm=""))
    say_lines("\n".join(lines) or "no difference")
    if lines:
        raise typer.Exit(1)


def list_adapters(data: Data = None, as_json: AsJson = False) -> None:
    """List the registered versions of adapters with their states, and why one in force is off.

    Whether an adapter is off depends on its settings: call the command with those of `bus serve`.

    Example: bus adapter list
    """
    with open_workspace(data) as workspace:
        declared = read_declared(workspace.storage)
        for one in _list_all(AdapterCatalogue(workspace.storage).registrar):
            row, off = _make_row(one), _find_off(workspace, declared, one)
            if as_json:
                say_json(row | {"off": off})
                continue
            say_row(list(row.values()))
            if off:
                say(f"  off: {off}")


def show_adapter(
    name: Name,
    version: Annotated[
        str | None, typer.Option(help="absent: the active version; if none is active, the highest")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show a version: state, why it is off, history, what its last check found, and the document.

    Example: bus adapter show splp --version 1.0.0
    """
    with open_workspace(data) as workspace:
        registrar = AdapterCatalogue(workspace.storage).registrar
        found = registrar.read_version(name, version) if version else _pick(registrar.read_versions(name))
        off = _find_off(workspace, read_declared(workspace.storage), found)
    row, lint, document = _make_row(found), json.loads(found.findings), json.loads(found.text)
    if as_json:
        say_json(row | {"off": off, "history": list(_list_steps(found)), "lint": lint, "document": document})
        return
    for label, value in row.items():
        say(f"{label:16}{value}")
    if off:
        say(f"{'off':16}{off}")
    for step in _list_steps(found):
        say(f"  {step['state']:12}{step['at']}  {step['by']} ({step['client_id']})")
    for finding in lint:
        say(f"  {finding['severity']}: {finding['code']}: {finding['pointer'] or '(document)'}: {finding['message']}")
    say_lines(write_yaml(document).decode())


def activate_version(name: Name, version: Version, data: Data = None) -> None:
    """Put a version in force, or back in force: the roll-back. It serves within a second in every running process.

    Example: bus adapter activate splp 1.0.0
    """

    async def activate(desk: _Desk) -> None:
        say(await _activate(desk, name, version))

    _run(data, activate)


def deprecate_version(name: Name, version: Version, data: Data = None) -> None:
    """Take the active version out of force. Deliveries to the agency wait; activate a version, and they go on.

    Example: bus adapter deprecate splp 1.0.0
    """
    with open_workspace(data) as workspace:
        registrar = AdapterCatalogue(workspace.storage).registrar
        say(_describe(registrar.deprecate(name, version, identify_operator(Channel.CLI))))


def retire_version(name: Name, version: Version, data: Data = None) -> None:
    """Take a version out of force for good. Deliveries to the agency wait if no other version is active.

    Example: bus adapter retire splp 1.0.0
    """
    with open_workspace(data) as workspace:
        registrar = AdapterCatalogue(workspace.storage).registrar
        say(_describe(registrar.retire(name, version, identify_operator(Channel.CLI))))


def apply_shipped(workspace: Workspace, catalogue: Catalogue, by: Actor) -> Iterator[str]:
    """Put the documents that ship with the bus in force, and yield a line for each change.

    A version of the operator's choice stays: an older one that was activated again, or a higher one. The release's tests ran the
    examples, so they are not run again here.
    """
    registrar = AdapterCatalogue(workspace.storage, list_coded(), workspace.settings.adapters).registrar
    for path in _list_files([shipped.ADAPTERS]):
        draft = make_draft(load_body(path))
        if not _is_news(draft, registrar.find_versions(draft.name)):
            continue
        broken = list_broken(draft, catalogue.list_contracts_using(draft.name))
        if broken.broken:
            yield f"{draft.name} {draft.version} stays out of force: {broken.broken[0].detail}"
            continue
        registrar.add_draft(draft, broken, by)
        candidate = registrar.read_candidate(draft.name, draft.version, by)
        yield _describe(registrar.activate(candidate, broken, by))


def _is_news(draft: Draft, known: Sequence[RegisteredAdapter]) -> bool:
    """Whether a shipped document may come in force: it was not there yet, and no higher version was in force."""
    settled = [one for one in known if not one.is_free]
    return all(order_version(one.version) < order_version(draft.version) for one in settled)


async def _apply(desk: _Desk, draft: Draft) -> str:
    present = next((one for one in desk.registrar.find_versions(draft.name) if one.version == draft.version), None)
    if present is not None and present.state is State.ACTIVE and present.text == draft.text:
        return f"{draft.name} {draft.version}: active already"
    desk.registrar.add_draft(draft, await desk.judge.judge(draft, desk.by.participant), desk.by)
    return await _activate(desk, draft.name, draft.version)


def _list_unset(draft: Draft, given: Mapping[str, str]) -> list[str]:
    """The variables of the document's secrets that are not set for this command. The bus may have them all the same."""
    names = [name for secret in json.loads(draft.text).get("secrets", {}) for name in (secret, f"{secret}_hosts")]
    return [f"BUS_ADAPTERS__{draft.name}__{name}".upper() for name in names if name not in given]


async def _activate(desk: _Desk, name: str, version: str) -> str:
    candidate = desk.registrar.read_candidate(name, version, desk.by)
    judged = await desk.judge.approve(candidate[0], desk.by.participant)
    return _describe(desk.registrar.activate(candidate, judged, desk.by))


def _run(data: Path | None, act: Any) -> None:
    with open_workspace(data) as workspace, open_catalogue(data) as catalogue:
        catalogue.refresh()

        async def run() -> None:
            async with _open_desk(workspace, catalogue) as desk:
                await act(desk)

        asyncio.run(run())


@asynccontextmanager
async def _open_desk(workspace: Workspace, catalogue: Catalogue) -> AsyncIterator[_Desk]:
    settings = workspace.settings
    workers = Processes(Shares(at_once=1, each=1), Bounds(settings.heavy_seconds, settings.heavy_memory_bytes))
    try:
        registrar = AdapterCatalogue(workspace.storage, list_coded(), settings.adapters).registrar
        judge = Judge(catalogue, workers, settings.adapters, settings.agency_networks)
        yield _Desk(registrar, judge, identify_operator(Channel.CLI), settings.adapters)
    finally:
        await workers.close()


def _list_all(registrar: AdapterRegistrar) -> Iterator[RegisteredAdapter]:
    after = ""
    while page := registrar.list_page(100, after):
        after = page[-1][0].name
        for versions in page:
            yield from versions


def _find_off(workspace: Workspace, declared: Declared, one: RegisteredAdapter) -> str | None:
    """Why the version is off though it is in force; None: it serves, or it is not in force."""
    found = declared().get(one.name)
    if one.state is not State.ACTIVE or found is None:
        return None
    return find_off(one.name, found, workspace.settings.adapters.get(one.name))


def _write_lines(text: bytes) -> list[str]:
    return write_yaml(json.loads(text)).decode().splitlines()


def _pick(versions: Sequence[RegisteredAdapter]) -> RegisteredAdapter:
    return next((one for one in versions if one.state is State.ACTIVE), versions[-1])


def _make_row(found: RegisteredAdapter) -> dict[str, str]:
    return {
        "adapter": found.name,
        "version": found.version,
        "state": found.state.value,
        "owner": found.owner,
        "title": found.title,
    }


def _list_steps(found: RegisteredAdapter) -> Iterator[dict[str, Any]]:
    for move in found.history:
        at = clock.rfc3339(clock.moment(move.at))
        yield {"state": move.state.value, "at": at, "by": move.by, "client_id": move.client_id}


def _list_files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(one for one in path.rglob("*") if one.suffix in _SUFFIXES) if path.is_dir() else [path]


def _describe(moved: RegisteredAdapter) -> str:
    return f"adapter {moved.name} {moved.version}: {moved.state.value}"
