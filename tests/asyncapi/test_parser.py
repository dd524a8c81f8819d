"""AsyncAPI documents before the official parser, `@asyncapi/parser` from npm."""

import os
import shutil
import subprocess
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from bus import json
from bus.contracts.asyncapi import asyncapi
from bus.contracts.document import Contract
from bus.contracts.yaml import write_text
from tests.contracts.documents import SHIPPED, a_contract, shipped

HERE = Path(__file__).parent
URL = "https://bus.lamongan.example"
MAY_SKIP = os.environ.get("CI") != "true"
INSTALLED = ("package.json", "package-lock.json", "validate.mjs")

Findings = dict[str, Any]
Parse = Callable[..., list[Findings]]


@pytest.fixture(scope="session")
def parser(request: pytest.FixtureRequest) -> Path:
    """The folder of the installed script; it is installed once for each lock."""
    if shutil.which("npm") is None:
        if MAY_SKIP:
            pytest.skip("npm is missing; install nodejs and npm to parse AsyncAPI documents")
        pytest.fail("npm is missing")
    assert request.config.cache is not None
    content = b"".join((HERE / name).read_bytes() for name in INSTALLED)
    folder = request.config.cache.mkdir(f"asyncapi-{blake2b(content, digest_size=8).hexdigest()}")
    done = folder / "installed"
    if not done.exists():
        for name in INSTALLED:
            shutil.copy(HERE / name, folder)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=150, check=False)
        if ended.returncode and MAY_SKIP:
            pytest.skip("npm ci did not succeed, so that there is no AsyncAPI parser")
        assert not ended.returncode, ended.stderr
        done.touch()
    return folder


@pytest.fixture(scope="session")
def parse(parser: Path, tmp_path_factory: pytest.TempPathFactory) -> Parse:
    """What the parser finds in each of some texts."""

    def parse(*texts: bytes) -> list[Findings]:
        folder = tmp_path_factory.mktemp("documents")
        paths = [folder / str(number) for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text)
        command = ["node", parser / "validate.mjs", *paths]
        ended = subprocess.run(command, capture_output=True, timeout=150, check=True)
        found = json.loads(ended.stdout)
        return [found[str(path)] for path in paths]

    return parse


def _document(contract: Contract, url: str = URL) -> bytes:
    return json.dumps(asyncapi(contract, url))


def _wrong(findings: Findings) -> list[Any]:
    """Errors and warnings; the rest are hints, such as that there is an AsyncAPI 3.1."""
    return [finding for finding in findings["diagnostics"] if finding["severity"] <= 1]


@pytest.fixture(scope="session")
def of_shipped(parse: Parse) -> dict[str, Findings]:
    names = [shipped(path).name for path in SHIPPED]
    return dict(zip(names, parse(*(_document(shipped(path)) for path in SHIPPED)), strict=True))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_contract_is_valid_asyncapi(of_shipped: dict[str, Findings], path: Path) -> None:
    assert _wrong(of_shipped[shipped(path).name]) == []


def test_a_record_can_be_published_followed_read_and_received(of_shipped: dict[str, Findings]) -> None:
    assert of_shipped["kependudukan.penduduk"]["operations"] == {
        "publish": "send",
        "readFeed": "receive",
        "streamFeed": "receive",
        "readRecords": "receive",
        "receiveWebhook": "receive",
    }


def test_a_query_can_be_asked(of_shipped: dict[str, Findings]) -> None:
    assert of_shipped["kependudukan.cari-nik"]["operations"] == {"ask": "send"}


ODD_SCHEMA = {
    "type": "object",
    "properties": {
        "nik": {"$ref": "#/$defs/a~1b%20c", "description": "A reference with something beside it."},
        "koordinat": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "items": False},
        "lintang": {"$ref": "#/properties/koordinat/prefixItems/0"},
        "anak": {"type": "array", "items": {"$ref": "#"}},
        "tiada": False,
        "apa_saja": True,
        "discriminator": {"discriminator": {"propertyName": "jenis"}, "externalDocs": "teks"},
    },
    "required": ["nik"],
    "dependentRequired": {"lintang": ["koordinat"]},
    "dependentSchemas": {"lintang": {"required": ["anak"]}},
    "unevaluatedProperties": False,
    "$defs": {"a/b c": {"type": "string"}},
}
ODD: dict[str, Contract] = {
    "an odd schema": a_contract(
        schema=ODD_SCHEMA, examples=[{"nik": "a", "koordinat": [1, 2], "anak": [{"nik": "b"}]}]
    ),
    "no examples": a_contract(examples=None),
    "a wrong example in a draft": a_contract(examples=[{"nik": 5}]),
    "data that may be anything": a_contract(kind="event", key=None, schema={}, classification="public", examples=[5]),
    "no consumers": a_contract(consumers=[]),
    "a title with everything": a_contract(title="\"'{{$ref}} é #: | \u2028"),
    "a query about anything": a_contract(
        kind="query",
        key=None,
        subject="/nik",
        schema=None,
        request={},
        answer={},
        examples=[{"request": {}, "answer": {}}],
    ),
}


@pytest.fixture(scope="session")
def of_odd(parse: Parse) -> dict[str, Findings]:
    return dict(zip(ODD, parse(*map(_document, ODD.values())), strict=True))


@pytest.mark.parametrize("name", ODD)
def test_an_odd_contract_is_valid_asyncapi(of_odd: dict[str, Findings], name: str) -> None:
    assert _wrong(of_odd[name]) == []


def test_yaml_and_an_address_with_port_and_path_are_valid_too(parse: Parse) -> None:
    contract = shipped(next(path for path in SHIPPED if path.stem == "penduduk"))
    (found,) = parse(write_text(asyncapi(contract, "http://127.0.0.1:8080/bus")))
    assert _wrong(found) == []


def test_the_parser_would_tell_what_is_wrong(parse: Parse) -> None:
    document = asyncapi(a_contract(), URL)
    document["operations"]["publish"]["action"] = "shout"
    (found,) = parse(json.dumps(document))
    assert _wrong(found)
