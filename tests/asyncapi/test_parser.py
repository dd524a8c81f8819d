"""AsyncAPI documents before the official parser, `@asyncapi/parser` from npm."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from bus import json
from bus.contracts.asyncapi import describe_as_asyncapi
from bus.contracts.document import Contract
from bus.contracts.yaml import write_yaml
from tests.a_node_package import install
from tests.builders import a_strict_contract
from tests.conformance.a_table import Row, read_row
from tests.contracts.documents import SHIPPED, shipped

HERE = Path(__file__).parent
URL = "https://bus.lamongan.example"

Document = dict[str, Any]
Findings = dict[str, Any]


@pytest.fixture(scope="session")
def parser(request: pytest.FixtureRequest) -> Path:
    """The folder of the installed script."""
    return install(request.config, HERE)


ODD_SCHEMA = {
    "type": "object",
    "properties": {
        "nik": {"$ref": "#/$defs/a~1b%20c", "description": "A reference with something beside it."},
        "koordinat": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "items": False},
        "lintang": {"$ref": "#/properties/koordinat/prefixItems/0"},
        "anak": {"type": "array", "items": {"$ref": "#"}},
        "tiada": False,
        "apa_saja": True,
        "$ref": {"type": "object", "properties": {"$ref": {"type": "string"}}},
        "__proto__": {"type": "object", "properties": {"__proto__": {"type": "string"}}},
        "discriminator": {"discriminator": {"propertyName": "jenis"}, "externalDocs": "teks"},
    },
    "required": ["nik"],
    "dependentRequired": {"lintang": ["koordinat"]},
    "dependentSchemas": {"lintang": {"required": ["anak"]}},
    "unevaluatedProperties": False,
    "$defs": {"a/b c": {"type": "string"}},
}
ODD: dict[str, Contract] = {
    "an odd schema": a_strict_contract(
        schema=ODD_SCHEMA,
        examples=[{"nik": "a", "koordinat": [1, 2], "anak": [{"nik": "b"}]}, {"nik": "a", "__proto__": {}}],
    ),
    "no examples": a_strict_contract(examples=None),
    "a wrong example in a draft": a_strict_contract(examples=[{"nik": 5}]),
    "data that may be anything": a_strict_contract(
        kind="event", key=None, schema={}, classification="public", examples=[5]
    ),
    "no consumers": a_strict_contract(consumers=[]),
    "a title with everything": a_strict_contract(title="\"'{{$ref}} é #: | \u2028"),
    "a query about anything": a_strict_contract(
        kind="query",
        key=None,
        subject="/nik",
        schema=None,
        request={},
        answer={},
        examples=[{"request": {}, "answer": {}}],
    ),
}


def _wrong_document() -> Document:
    document = describe_as_asyncapi(a_strict_contract(), URL)
    document["operations"]["publish"]["action"] = "shout"
    return document


def _texts() -> dict[str, bytes]:
    penduduk = shipped(next(path for path in SHIPPED if path.stem == "penduduk"))
    contracts = {shipped(path).name: shipped(path) for path in SHIPPED} | ODD
    return {
        **{name: json.dumps(describe_as_asyncapi(contract, URL)) for name, contract in contracts.items()},
        "YAML, port and path": write_yaml(describe_as_asyncapi(penduduk, "http://127.0.0.1:8080/bus")),
        "wrong": json.dumps(_wrong_document()),
    }


@pytest.fixture(scope="session")
def findings(parser: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Findings]:
    """What the parser says of each document; in one run, since it takes a second to start."""
    folder = tmp_path_factory.mktemp("documents")
    paths = {}
    for number, (name, text) in enumerate(_texts().items()):
        paths[name] = str(folder / str(number))
        Path(paths[name]).write_bytes(text)
    command = ["node", str(parser / "validate.mjs"), *paths.values()]
    ended = subprocess.run(command, capture_output=True, timeout=150, check=True)
    found = json.loads(ended.stdout)
    return {name: found[path] for name, path in paths.items()}


def _errors(findings: Findings) -> list[Any]:
    """Errors and warnings; the rest are hints, such as that there is an AsyncAPI 3.1."""
    return [finding for finding in findings["diagnostics"] if finding["severity"] <= 1]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_contract_is_valid_asyncapi(findings: dict[str, Findings], path: Path) -> None:
    assert _errors(findings[shipped(path).name]) == []


@pytest.mark.parametrize("name", [*ODD, "YAML, port and path"])
def test_an_odd_contract_is_valid_asyncapi(findings: dict[str, Findings], name: str) -> None:
    assert _errors(findings[name]) == []


def test_a_record_can_be_published_followed_read_and_received(findings: dict[str, Findings]) -> None:
    assert findings["kependudukan.penduduk"]["operations"] == {
        "publish": "send",
        "readFeed": "receive",
        "streamFeed": "receive",
        "readRecords": "receive",
        "receiveWebhook": "receive",
    }


def test_a_query_can_be_asked(findings: dict[str, Findings]) -> None:
    assert findings["kependudukan.cari-nik"]["operations"] == {"ask": "send"}


def test_the_parser_tells_what_is_wrong(findings: dict[str, Findings]) -> None:
    assert _errors(findings["wrong"])


def test_the_table_says_what_runs() -> None:
    cases = len(SHIPPED) + len(ODD) + 1
    version = json.loads((HERE / "package.json").read_bytes())["dependencies"]["@asyncapi/parser"]
    assert read_row("AsyncAPI parser (@asyncapi/parser)") == Row(version, cases, cases)
