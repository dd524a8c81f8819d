"""The contract documents that ship with the product."""

from functools import cache
from pathlib import Path

from bus.contracts.document import Contract, load_contract

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path for path in (ROOT / "contracts").rglob("*.yaml") if path.parent.name != "adapter")


@cache
def shipped(path: Path) -> Contract:
    return load_contract(path)
