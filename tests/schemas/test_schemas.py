"""The JSON Schemas themselves: valid, closed, described, bounded, and the same by file as by $id."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.schemas import resolved

SHIPPED = resolved.schema_files()
META = [resolved.SCHEMAS / f"{kind}.schema.json" for kind in ("contract", "adapter")]
"""The schemas of documents. All others are of data."""
STANDARD = "https://json-schema.org/draft/2020-12/schema"
DATA = [path for path in SHIPPED if path not in META]


def _name(path: Path) -> str:
    return path.relative_to(resolved.SCHEMAS).as_posix()


def _nodes(schema: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every subschema that describes a value, and where it stands."""
    if not isinstance(schema, dict):
        return
    yield pointer, schema
    for keyword in ("properties", "$defs"):
        for name, child in schema.get(keyword, {}).items():
            yield from _nodes(child, f"{pointer}/{keyword}/{name}")
    if "items" in schema:
        yield from _nodes(schema["items"], f"{pointer}/items")
    for index, child in enumerate(schema.get("prefixItems", [])):
        yield from _nodes(child, f"{pointer}/prefixItems/{index}")


def _where(path: Path, is_wrong: Any) -> list[str]:
    return [pointer for pointer, node in _nodes(resolved.read(path)) if is_wrong(node)]


@pytest.mark.parametrize("path", SHIPPED, ids=_name)
def test_a_schema_is_valid_json_schema_2020_12(path: Path) -> None:
    Draft202012Validator.check_schema(resolved.read(path))


@pytest.mark.parametrize("path", SHIPPED, ids=_name)
def test_the_id_of_a_schema_mirrors_its_path(path: Path) -> None:
    assert resolved.read(path)["$id"] == f"https://bus.lamongankab.go.id/schemas/{_name(path)}"


@pytest.mark.parametrize("path", DATA, ids=_name)
def test_every_object_is_closed(path: Path) -> None:
    assert (
        _where(path, lambda node: node.get("type") == "object" and node.get("additionalProperties") is not False) == []
    )


@pytest.mark.parametrize("path", SHIPPED, ids=_name)
def test_every_property_and_definition_tells_people_what_it_is(path: Path) -> None:
    body = resolved.read(path)
    named = [(at, node) for at, node in _nodes(body) if at.split("/")[-2:-1] == ["properties"]]
    assert [at for at, node in named if not node.get("description")] == []


@pytest.mark.parametrize("path", DATA, ids=_name)
def test_every_text_and_list_has_an_upper_bound(path: Path) -> None:
    def is_unbounded(node: dict[str, Any]) -> bool:
        text = node.get("type") == "string" and not {"maxLength", "enum"} & node.keys()
        items = node.get("type") == "array" and "maxItems" not in node
        return text or items

    assert _where(path, is_unbounded) == []


@pytest.mark.parametrize("path", SHIPPED, ids=_name)
def test_references_between_files_are_relative_paths_to_what_exists(path: Path) -> None:
    own = resolved.registry().resolver(path.resolve().as_uri())
    for _, node in _nodes(resolved.read(path)):
        reference = node.get("$ref", STANDARD)
        if reference != STANDARD:
            assert own.lookup(reference).contents, reference


def test_a_reference_means_the_same_by_id_as_by_file() -> None:
    bodies = [resolved.read(path) for path in DATA]
    by_id: Registry[Any] = Registry().with_resources(
        [(body["$id"], DRAFT202012.create_resource(body)) for body in bodies]
    )
    for body in bodies:
        resolver = by_id.resolver(body["$id"])
        for _, node in _nodes(body):
            if reference := node.get("$ref"):
                assert resolver.lookup(reference).contents, reference


@pytest.mark.parametrize("path", DATA, ids=_name)
def test_the_hot_path_s_validator_takes_every_schema(path: Path) -> None:
    bodies = [resolved.read(each) for each in DATA]
    registry = jsonschema_rs.Registry([(body["$id"], body) for body in bodies])
    assert jsonschema_rs.Draft202012Validator(resolved.read(path), registry=registry, validate_formats=True)
