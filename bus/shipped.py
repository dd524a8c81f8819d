"""The folders of the contracts, schemas and participants that come with the package.

A wheel holds the folders inside `bus`, so that no other package can add a contract. A checkout has them beside `bus`.
"""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parent
_IN_WHEEL: Final = _PACKAGE / "shipped_data"
_FOLDER: Final = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent

CONTRACTS: Final = _FOLDER / "contracts"
"""Contract documents, which name their schemas by relative path (`../../schemas/…`)."""
ADAPTERS: Final = CONTRACTS / "adapter"
"""Adapter documents, each named as its adapter. They are no contracts, though they stand among them."""
SCHEMAS: Final = _FOLDER / "schemas"
"""JSON Schemas: shared definitions, the data of each contract, and the contract document itself."""
PARTICIPANTS: Final = _PACKAGE.parent / "samples" / "participants.yaml"
"""The participants that the shipped contracts name, for `bus participant apply`. The package `samples` is in the wheel too."""
