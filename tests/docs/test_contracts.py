"""The guide for those who register a contract: its commands exist as written, and its document is a contract."""

import re
import shlex

import pytest
import typer

from bus.cli import make_command_line
from bus.contracts.document import parse_contract
from bus.contracts.lint import find_errors
from bus.contracts.yaml import read_yaml
from tests.contracts.documents import ROOT, shipped

GUIDE = (ROOT / "docs/contracts.md").read_text()
COMMANDS = re.findall(r"^bus (.+?)(?:\s+#.*)?$", GUIDE, re.MULTILINE)


def test_the_guide_shows_commands() -> None:
    assert len(COMMANDS) > 4


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_taken_as_it_is_written(line: str) -> None:
    arguments = shlex.split(line)
    command = typer.main.get_command(make_command_line([]))
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    context = command.make_context("bus", arguments, resilient_parsing=True)
    assert not context.args


def test_the_document_in_the_guide_is_a_contract() -> None:
    (block,) = re.findall(r"^```yaml\n(.+?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    document = read_yaml(block)
    document["schema"] = shipped(ROOT / "contracts/perizinan/izin.yaml").document["schema"]
    assert find_errors(parse_contract(document)) == []
