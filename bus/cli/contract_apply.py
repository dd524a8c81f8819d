"""`bus contract diff` shows what documents would break; `bus contract apply` puts them in force."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bus import json
from bus.actions import Actor, Channel, identify_operator
from bus.agencies import list_mapped_fields
from bus.cli.contract import Data, open_catalogue
from bus.cli.contract_files import Shipped, SomePaths, check_files, choose_paths
from bus.cli.contract_grants import GrantsSeen, confirm_seen, print_granted
from bus.cli.terminal import say, say_json, show
from bus.cli.workspace import open_workspace
from bus.contracts import (
    Catalogue,
    Contract,
    Granted,
    GrantsUnseen,
    Incompatible,
    Plan,
    Report,
    Rule,
    Touched,
    Verdict,
    compare_versions,
    describe_compatibility,
    find_granted,
    find_touched,
    write_granted,
)
from bus.identity import find_missing

_COLOURS: Final = {"compatible": "green", "incompatible": "bold red", "undecided": "yellow"}


class Format(StrEnum):
    """The form of a report."""

    TEXT = "text"
    JSON = "json"


def diff_documents(
    paths: SomePaths = None,
    is_shipped: Shipped = False,
    against: Annotated[
        list[Path] | None,
        typer.Option(help="compare with these documents, not with the registered versions", exists=True),
    ] = None,
    format: Annotated[Format, typer.Option(help="form of the report")] = Format.TEXT,
    data: Data = None,
) -> None:
    """Compare documents with the active versions: what breaks, and what is newly shown to whom.

    Exits with 1 if a document breaks something, or may.

    Example: bus contract diff contracts/kependudukan/penduduk.yaml
    """
    contracts = check_files(choose_paths(paths, is_shipped=is_shipped))
    standing = _read_active(contracts, data) if against is None else check_files(against)
    broken = 0
    for contract in contracts:
        olds = [old for old in standing if old.name == contract.name]
        report = compare_versions(contract, olds)
        touched = [
            touch for old in olds for touch in find_touched(report, contract, old, mappings=list_mapped_fields())
        ]
        broken += _breaks(report)
        granted = find_granted(contract, olds)
        if format is Format.JSON:
            say_json(_write_report(contract, report, touched) | {"grants": write_granted(granted)})
        else:
            _print_report(contract, report, touched, granted, is_first=not olds)
    if broken:
        raise Incompatible(f"{broken} of {len(contracts)} documents cannot become active; see the report.")


def apply_documents(
    paths: SomePaths = None,
    is_shipped: Shipped = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the plan and change nothing")] = False,
    grants_seen: GrantsSeen = False,
    data: Data = None,
) -> None:
    """Register documents and put them in force, all or none. Versions that are in force already stay as they are.

    Where more personal data will be shown to anybody, the command asks whether you read it, or needs --grants-seen.
    With --shipped, the adapter documents that come with the bus come in force too.

    Example: bus contract apply contracts --dry-run

    Example: bus contract apply --shipped --grants-seen
    """
    contracts = check_files(choose_paths(paths, is_shipped=is_shipped))
    by = identify_operator(Channel.CLI)
    with open_catalogue(data) as catalogue:
        plan = catalogue.registrar.plan(contracts, by)
        _print_plan(plan)
        _print_missing(contracts, data)
        plan.check()
        if not plan.changes_anything:
            say("nothing to do")
        elif dry_run:
            say("nothing was changed")
        else:
            _check_seen(plan, grants_seen=grants_seen)
            catalogue.registrar.carry_out(plan, by)
            say(f"applied {len(contracts)} contracts")
        if is_shipped and not dry_run:
            _apply_adapters(catalogue, by, data)


def _apply_adapters(catalogue: Catalogue, by: Actor, data: Path | None) -> None:
    """Put the adapter documents that ship with the contracts in force."""
    # Imported here: other commands on contracts need no adapter documents, whose import takes long.
    from bus.cli.adapter_register import apply_shipped

    catalogue.refresh()
    with open_workspace(data) as workspace:
        for line in apply_shipped(workspace, catalogue, by):
            say(line)


def _print_missing(contracts: list[Contract], data: Path | None) -> None:
    """Name the participants whom the documents name and the bus does not know. They may be added later."""
    named: dict[str, list[str]] = {}
    for contract in contracts:
        for name in sorted({contract.owner, *contract.producers, *(grant.participant for grant in contract.grants)}):
            named.setdefault(name, []).append(contract.name)
    with open_workspace(data) as workspace:
        missing = find_missing(workspace.storage, set(named))
    for name in missing:
        say(f"participant {name} does not exist yet, named by {', '.join(dict.fromkeys(named[name]))}", err=True)
    if missing:
        say("Add them: bus participant apply FILE (see --help), or bus participant add NAME --kind KIND", err=True)


def _check_seen(plan: Plan, *, grants_seen: bool) -> None:
    """Refuse a plan that newly grants personal data, unless somebody saw it. The plan was printed before."""
    if plan.grants_persons_data and not grants_seen and not confirm_seen():
        raise GrantsUnseen(
            "More personal data will be shown, as printed above. Read it, then repeat with --grants-seen."
        )


def _read_active(contracts: list[Contract], data: Path | None) -> list[Contract]:
    with open_catalogue(data) as catalogue:
        return [
            old
            for name in dict.fromkeys(one.name for one in contracts)
            for old in catalogue.registrar.read_active(name)
        ]


def _breaks(report: Report) -> bool:
    too_small = any(finding.rule is Rule.VERSION_STEP for finding in report.findings)
    return too_small or report.verdict is not Verdict.COMPATIBLE


def _write_report(contract: Contract, report: Report, touched: list[Touched]) -> dict[str, Any]:
    return {
        "contract": contract.name,
        "version": contract.version,
        "compatibility": describe_compatibility(report),
        "step": report.step.value,
        "touches": [
            {"participant": one.participant, "what": one.what.value, "pointer": one.pointer, "why": one.why}
            for one in touched
        ],
    }


def _print_report(
    contract: Contract, report: Report, touched: list[Touched], granted: list[Granted], *, is_first: bool
) -> None:
    verdict = report.verdict.value
    head = f"{contract.name} {contract.version}: "
    step = "no active version to compare with" if is_first else f"a {report.step.value} step"
    show(head, (verdict, _COLOURS[verdict]), f", {step}")
    _print_findings(describe_compatibility(report))
    for one in touched:
        show(f"  touches {one.participant}: {one.what.value} {one.pointer}: {one.why}")
    print_granted(granted)


def _print_findings(compatibility: Mapping[str, Any]) -> None:
    for finding in compatibility["findings"]:
        verdict = finding["verdict"]
        place = f"{finding['rule']}: {finding['pointer'] or '(document)'}: {finding['message']}"
        show("  ", (verdict, _COLOURS[verdict]), f": {place}")
        if "example" in finding:
            show(f"    {json.dumps(finding['example']).decode()}", style="dim")


def _print_plan(plan: Plan) -> None:
    for step in plan.steps:
        show(str(step), style="bold red" if step.refusal else "")
        print_granted(step.granted)
        if step.refusal:
            show(f"  {step.refusal.detail}")
            _print_findings(step.refusal.members.get("compatibility", {"findings": ()}))
