"""`bus doctor`: says what is wrong with a bus, and what helps."""

import dataclasses
import shutil
import sys
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Final

import typer

from bus.cli.terminal import say, say_json
from bus.cli.workspace import open_workspace
from bus.doctor import Finding, diagnose, gather_facts

_INDENT: Final = "      "
_WHOLE: Final = 10_000


def doctor(
    data: Annotated[Path | None, typer.Option(help="the bus's data folder", envvar="BUS_DATA_DIR")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print each finding as JSON")] = False,
) -> None:
    """Say what is wrong with the bus, and what helps. Exits with 1 if somebody has to act.

    Call it with the settings of `bus serve`, as the same user. It changes nothing.

    Example: bus doctor --json
    """
    with open_workspace(data) as workspace:
        findings = diagnose(gather_facts(workspace.settings, workspace.storage, workspace.keys, is_beside=True))
    for finding in findings:
        if as_json:
            say_json(dataclasses.asdict(finding))
        else:
            _say_finding(finding)
    if not findings and not as_json:
        say("nothing is wrong")
    if any(finding.is_wrong for finding in findings):
        sys.exit(1)


def _say_finding(finding: Finding) -> None:
    """Print a finding below its urgency, as wide as the terminal; whole lines where a program reads them."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WHOLE
    for first, text in ((f"{finding.urgency.value.upper():5} ", finding.what), (_INDENT, finding.do)):
        for line in wrap(text, width, initial_indent=first, subsequent_indent=_INDENT, break_on_hyphens=False):
            say(line)
