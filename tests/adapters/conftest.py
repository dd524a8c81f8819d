"""What the adapters' tests share: the contracts' schemas, to judge what an adapter makes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from bus import json

SCHEMAS = Path(__file__).parents[2] / "schemas"

Violations = Callable[[str, Any], list[str]]


@pytest.fixture(scope="session")
def violations() -> Violations:
    """`violations("pengaduan/laporan", data)`: what is wrong with data under a contract's schema, formats included."""
    documents = [json.loads(path.read_bytes()) for path in SCHEMAS.rglob("*.schema.json")]
    registry: Registry[Any] = Registry().with_resources(
        (document["$id"], Resource.from_contents(document)) for document in documents if "$id" in document
    )

    def check(name: str, data: Any) -> list[str]:
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_bytes())
        judge = Draft202012Validator(schema, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)
        return [f"{error.json_path}: {error.message}" for error in judge.iter_errors(data)]

    return check
