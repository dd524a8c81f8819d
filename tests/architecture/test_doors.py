"""Each room under bus/ has one door, and the import rules name each room."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]

TOP = {"cli"}
"""No room imports the command line: the layers refuse it."""


def rooms() -> set[str]:
    return {door.parent.name for door in (ROOT / "bus").glob("*/__init__.py")}


def guarded_rooms() -> set[str]:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {
        module.split(".")[1]
        for rule in rules
        if rule["type"] == "protected"
        for module in rule["protected_modules"]
        if module == f"bus.{module.split('.')[1]}.*" and rule["allowed_importers"] == [module.removesuffix(".*")]
    }


def test_each_room_has_a_rule_that_guards_its_door() -> None:
    assert guarded_rooms() == rooms() - TOP
