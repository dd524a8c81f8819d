"""The repository's schemas and contracts as files, resolved with the reference implementation."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

from bus import json

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "schemas"
CONTRACTS = ROOT / "contracts"


class _Loader(yaml.SafeLoader):
    """YAML as JSON knows it: a date stays text."""


_Loader.yaml_implicit_resolvers = {
    first: [resolver for resolver in resolvers if resolver[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class Document:
    """A contract document and the file that it stands in."""

    path: Path
    body: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.body["contract"])

    @property
    def is_personal(self) -> bool:
        return self.body["classification"] in {"personal", "sensitive"}

    def uri(self, part: str = "schema") -> str:
        """The address (`file:`) of the schema that `schema`, `request` or `answer` refers to by file."""
        return self.path.parent.joinpath(self.body[part]["$ref"]).resolve().as_uri()

    @property
    def received(self) -> str:
        """The address of the schema of what a consumer gets."""
        return self.uri("answer" if self.body["kind"] == "query" else "schema")

    @property
    def sent(self) -> str:
        """The address of the schema of what says who it is about."""
        return self.uri("request" if self.body["kind"] == "query" else "schema")

    def examples(self) -> Iterator[tuple[str, Any]]:
        """Every example with the address of its schema."""
        for example in self.body["examples"]:
            if self.body["kind"] == "query":
                yield self.uri("request"), example["request"]
                yield self.uri("answer"), example["answer"]
            else:
                yield self.uri(), example


@cache
def schema_files() -> list[Path]:
    return sorted(SCHEMAS.rglob("*.schema.json"))


@cache
def documents() -> list[Document]:
    paths = [path for path in sorted(CONTRACTS.rglob("*.yaml")) if path.parent.name != "adapter"]
    return [Document(path, yaml.load(path.read_text(), _Loader)) for path in paths]


@cache
def registry() -> Registry[Any]:
    """Every schema under the address of its file, so that a relative `$ref` is a path."""
    resources = [(path.resolve().as_uri(), _by_file(path)) for path in schema_files()]
    return EMPTY_REGISTRY.with_resources(resources)


@cache
def validator(uri: str) -> Draft202012Validator:
    """The reference validator, formats enforced, of the schema at an address."""
    return Draft202012Validator({"$ref": uri}, registry=registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def data_validator(contract: str) -> Draft202012Validator:
    """The validator of an event or record contract's data."""
    return validator(next(document for document in documents() if document.name == contract).uri())


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes()))


def reaches(uri: str, pointer: str) -> bool:
    """Whether data under the schema can have something where a JSON Pointer points."""
    found = registry().resolver().lookup(uri)
    schema, resolver = found.contents, found.resolver
    for part in json.parse_pointer(pointer):
        while "$ref" in schema:
            found = resolver.lookup(schema["$ref"])
            schema, resolver = found.contents, found.resolver
        if part not in schema.get("properties", {}):
            return False
        schema = schema["properties"][part]
    return True


def _by_file(path: Path) -> Resource[Any]:
    body = read(path)
    del body["$id"]
    return DRAFT202012.create_resource(body)
