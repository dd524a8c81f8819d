"""The door of the kit: every name it promises is there."""

import ast
import sys
from pathlib import Path

import pytest

import bus.kit as kit

_TREE = ast.parse(Path(kit.__file__).read_text())
_PROMISED = {
    alias.name: node.module
    for node in ast.walk(_TREE)
    if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("bus.kit.")
    for alias in node.names
}


@pytest.mark.parametrize("name", _PROMISED)
def test_a_name_at_the_door_comes_from_the_module_that_the_type_checker_sees(name: str):
    assert getattr(kit, name) is getattr(sys.modules[_PROMISED[name]], name)


def test_no_name_of_the_door_is_the_name_of_a_module():
    """The module would take the place of the name as soon as it is imported."""
    modules = {path.stem for path in Path(kit.__file__).parent.glob("*.py")}
    assert modules.isdisjoint(_PROMISED)


def test_an_unknown_name_is_refused():
    assert not hasattr(kit, "Unknown")
