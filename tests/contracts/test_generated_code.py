"""TypeScript and PHP made of contracts: compilers accept them, examples pass through, and no name of a member breaks them."""

import json as plain_json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bus import json
from bus.contracts.codegen import Language, generate_models
from bus.contracts.codegen.shapes import draw_shapes
from bus.contracts.document import Contract
from bus.contracts.titles import make_type_name
from bus.texts import UNSEEN
from tests.builders import a_strict_contract
from tests.clients.a_client import require_programs
from tests.clients.test_packages import find_newer
from tests.contracts.documents import SHIPPED, shipped

pytestmark = pytest.mark.heavy

CONTRACTS = [shipped(path) for path in SHIPPED]
HOSTILE = (
    *("$ref", "__proto__", "$id", "$defs", "allOf", "properties", "type", "class", "None", "3t-daerah", "kode-wilayah"),
    *(
        "kode_wilayah",
        "kode wilayah",
        "",
        "é",
        "\u202e",
        'a"b',
        "a'b",
        "self",
        "this",
        "model_config",
        "json",
        "__init__",
    ),
    *(
        "__construct",
        "constructor",
        "prototype",
        "toString",
        "x\ny",
        "*/",
        "-",
        "1",
        "01",
        "list",
        "others",
        "\\",
        "$x",
        "{$x}",
    ),
    *(
        "#",
        "/",
        "~",
        "a.b",
        "title",
        "required",
        "🙂",
        "readonly",
        "from",
        "jsonSerialize",
        "value",
        "data",
        "?>",
        "//",
    ),
)


def an_event(schema: Any) -> Contract:
    return a_strict_contract(kind="event", key=None, classification="public", schema=schema, examples=None)


def an_object(names: Any, **inner: Any) -> dict[str, Any]:
    """A schema whose members have hostile names, and hold objects of which each has a member with the same name."""
    members = {
        name: {"type": "object", "additionalProperties": False, "properties": {name: {"type": "integer"}}}
        for name in names
    }
    return {"type": "object", "additionalProperties": False, "properties": members, "required": list(names)}


def compile_typescript(folder: Path, programs: dict[str, str]) -> None:
    require_programs("tsc")
    for name, text in programs.items():
        (folder / name).write_text(text, encoding="utf-8")
    command = ["tsc", "--strict", "--noEmit", "--skipLibCheck", "--lib", "es5", *programs]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def run_php(folder: Path, cases: list[tuple[str, str, str, Any]]) -> list[Any]:
    """What the classes write of what they read: of decoded objects, and of decoded arrays.

    Args:
        cases: each a file's name and text, its class, and data.
    """
    require_programs("php")
    (folder / "cases.json").write_bytes(json.dumps([[file, made, data] for file, _, made, data in cases]))
    for file, text, _, _ in cases:
        (folder / file).write_text(text, encoding="utf-8")
    (folder / "run.php").write_text(RUN, encoding="utf-8")
    done = subprocess.run(["php", "run.php"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


RUN = r"""<?php
declare(strict_types=1);
set_error_handler(fn ($level, $text) => throw new \ErrorException($text));
foreach (json_decode(file_get_contents('cases.json')) as [$file, $class, $data]) {
    require_once $file;
    foreach ([$data, json_decode(json_encode($data, JSON_PRESERVE_ZERO_FRACTION), true)] as $form) {
        try {
            echo json_encode($class::from($form), JSON_PRESERVE_ZERO_FRACTION), "\n";
        } catch (\TypeError | \UnexpectedValueException $error) {
            echo json_encode($error->getMessage()), "\n";
        }
    }
}
"""


def php_case(contract: Contract, data: Any, number: int = 0) -> tuple[str, str, str, Any]:
    file, text = next(iter(generate_models(contract, Language.PHP).items()))
    (namespace,) = re.findall(r"^namespace (.*);$", text, re.MULTILINE)
    name = re.findall(r"^final class (\w+)", text, re.MULTILINE)[0]
    if number:
        text = text.replace(f"namespace {namespace};", f"namespace {namespace}\\N{number};")
        namespace = f"{namespace}\\N{number}"
    return f"{number}_{file}", text, f"{namespace}\\{name}", data


def asked(contract: Contract) -> list[Any]:
    return [example["request"] if contract.answer else example for example in contract.examples]


def test_typescript_takes_the_examples_of_every_shipped_contract(tmp_path: Path) -> None:
    programs: dict[str, str] = {}
    for contract in CONTRACTS:
        files = generate_models(contract, Language.TYPESCRIPT)
        file, text = next(iter(files.items()))
        (name, *_) = re.findall(r"^export (?:interface|type) (\w+)", text, re.MULTILINE)
        lines = [f"const example{n}: {name} = {plain_json.dumps(data)};" for n, data in enumerate(asked(contract))]
        programs |= files
        programs[f"use_{file}"] = "\n".join([f'import {{ {name} }} from "./{file.removesuffix(".ts")}";', *lines])
    compile_typescript(tmp_path, programs)


def test_typescript_refuses_what_typing_can_refuse(tmp_path: Path) -> None:
    text = generate_models(an_event(MIXED), Language.TYPESCRIPT)["kependudukan_uji.ts"]
    wrong = ['{nomor: "1"}', "{nomor: 1, jenis: 3}", "{nomor: 1, lain: 1}", "{}", "{nomor: 1, pohon: {anak: [1]}}"]
    lines = [f"// @ts-expect-error\nexport const wrong{n}: Uji = {data};" for n, data in enumerate(wrong)]
    right = 'export const right: Uji = {nomor: 1, jenis: "a", titik: [1, 2], pohon: {anak: [{}]}, pilihan: [1], bebas: {x: 1}};'
    compile_typescript(tmp_path, {"uji.ts": "\n".join([text, *lines, right])})


def test_php_reads_and_writes_the_examples_of_every_shipped_contract(tmp_path: Path) -> None:
    cases = [php_case(contract, data) for contract in CONTRACTS for data in asked(contract)]
    assert run_php(tmp_path, cases) == [data for *_, data in cases for _ in range(2)]
    assert find_newer(*(tmp_path / file for file in {file for file, *_ in cases})) == []


MIXED = {
    "type": "object",
    "additionalProperties": False,
    "required": ["nomor"],
    "properties": {
        "nomor": {"type": "integer"},
        "jenis": {"enum": ["a", "b", 2, None]},
        "titik": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "items": False, "minItems": 2},
        "pohon": {"$ref": "#/$defs/pohon"},
        "pilihan": {"oneOf": [{"$ref": "#/$defs/pohon"}, {"type": "array", "items": {"type": "integer"}}, {"type": "null"}]},
        "daftar": {"type": "array", "items": {"$ref": "#/$defs/pohon"}},
        "bebas": {"type": "object"},
        "teks": {"type": ["string", "null"]},
        "gabungan": {"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {"type": "integer"}}}]},
        "terlarang": False,
        "apa_saja": True,
    },
    "$defs": {
        "pohon": {"type": "object", "properties": {"anak": {"type": "array", "items": {"$ref": "#/$defs/pohon"}}, "x": {}}},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What the PHP classes of MIXED write of each of DATA, by the JSON text."""
    folder = tmp_path_factory.mktemp("php")
    written = run_php(folder, [php_case(an_event(MIXED), data) for data in DATA])
    return {plain_json.dumps(data): written[2 * n : 2 * n + 2] for n, data in enumerate(DATA)}


KEPT = (
    {"nomor": 1},
    {"nomor": 1, "jenis": None, "teks": None, "pilihan": None},
    {"nomor": 1, "jenis": 2, "titik": [1.5, 2], "teks": "x"},
    {"nomor": 1, "pohon": {"anak": [{"anak": [], "lain": 1, "0": 2}], "x": None}},
    {"nomor": 1, "pilihan": [1, 2]},
    {"nomor": 1, "pilihan": {"anak": [{"x": 1}]}},
    {"nomor": 1, "daftar": [{"lain": [1, {"a": None}]}], "gabungan": {"a": 1, "b": 2}, "apa_saja": [None]},
)
REFUSED: tuple[Any, ...] = (
    {},
    {"nomor": "1"},
    {"nomor": 1.5},
    {"nomor": 1, "titik": 3},
    {"nomor": 1, "pohon": [[1]], "daftar": 1},
)
WHOLE = {"nomor": 1.0, "pilihan": [2.0]}
LATER = {"nomor": 1, "baru": "of a later version"}
DATA: list[dict[str, Any]] = [*KEPT, *REFUSED, WHOLE, LATER]


@pytest.mark.parametrize("data", KEPT, ids=plain_json.dumps)
def test_php_writes_what_it_read(mixed: dict[str, list[Any]], data: Any) -> None:
    assert mixed[plain_json.dumps(data)] == [data, data]


@pytest.mark.parametrize("data", REFUSED, ids=plain_json.dumps)
def test_php_refuses_what_typing_can_refuse(mixed: dict[str, list[Any]], data: Any) -> None:
    assert all(isinstance(written, str) for written in mixed[plain_json.dumps(data)])


def test_php_takes_a_whole_number_with_a_point(mixed: dict[str, list[Any]]) -> None:
    assert mixed[plain_json.dumps(WHOLE)] == [{"nomor": 1, "pilihan": [2]}] * 2


def test_php_keeps_what_a_later_version_has(mixed: dict[str, list[Any]]) -> None:
    assert mixed[plain_json.dumps(LATER)] == [LATER, LATER]


def test_data_need_not_be_an_object(tmp_path: Path) -> None:
    kinds = [
        ({}, "x"),
        ({"type": "string"}, "x"),
        ({"type": "array", "items": {"$ref": "#"}}, []),
        ({"const": None}, None),
    ]
    cases = [php_case(an_event(schema), data, number) for number, (schema, data) in enumerate(kinds, 1)]
    assert run_php(tmp_path, cases) == [data for _, data in kinds for _ in range(2)]
    texts = [generate_models(an_event(schema), Language.TYPESCRIPT)["kependudukan_uji.ts"] for schema, _ in kinds]
    compile_typescript(tmp_path, {f"uji{number}.ts": text for number, text in enumerate(texts)})


def _check_names(folder: Path, names: list[list[str]]) -> None:
    contracts = [an_event(an_object(some)) for some in names]
    data = [{name: {name: 1} for name in some} for some in names]
    cases = [
        php_case(contract, one, number) for number, (contract, one) in enumerate(zip(contracts, data, strict=True))
    ]
    assert run_php(folder, cases) == [one for one in data for _ in range(2)]
    programs = {}
    for number, (contract, one) in enumerate(zip(contracts, data, strict=True)):
        text = generate_models(contract, Language.TYPESCRIPT)["kependudukan_uji.ts"]
        members = ", ".join(f"[{plain_json.dumps(name)}]: {plain_json.dumps(inner)}" for name, inner in one.items())
        programs[f"uji{number}.ts"] = f"{text}\nexport const data: Uji = {{{members}}};\n"
    compile_typescript(folder, programs)


def test_no_name_of_a_member_breaks_the_code(tmp_path: Path) -> None:
    _check_names(tmp_path, [list(HOSTILE), *([name] for name in HOSTILE)])


ONCE = settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
"""Compilers take long to start, so that one example holds many schemas, and nothing is shrunk."""
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda name: not name.startswith("\0"))
SOME_NAMES = st.lists(
    st.lists(NAMES | st.sampled_from(HOSTILE), min_size=1, max_size=30, unique=True), min_size=20, max_size=30
)


@given(SOME_NAMES)
@settings(ONCE)
def test_no_generated_name_of_a_member_breaks_the_code(
    tmp_path_factory: pytest.TempPathFactory, names: list[list[str]]
) -> None:
    _check_names(tmp_path_factory.mktemp("names"), names)


@given(st.lists(NAMES | st.sampled_from(HOSTILE), min_size=1, max_size=10, unique=True))
@settings(max_examples=15, deadline=None)
def test_no_name_of_a_member_breaks_python(names: list[str]) -> None:
    text = generate_models(an_event(an_object(names)))["kependudukan_uji.py"]
    module = type(sys)("made_uji")
    sys.modules["made_uji"] = module
    try:
        exec(compile(text, "uji", "exec"), module.__dict__)
        data = {name: {name: 1} for name in names}
        assert module.Uji.model_validate(data).model_dump(mode="json", by_alias=True, exclude_unset=True) == data
    finally:
        del sys.modules["made_uji"]


def test_no_text_of_a_schema_leaves_its_comment(tmp_path: Path) -> None:
    harm = "*/ ?> \u2028 exit(3); } ` ${x} // <?php /* \u202e"
    inner = {
        "type": "object",
        "title": harm,
        "description": harm,
        "properties": {"x": {"enum": [harm], "description": harm}},
    }
    contract = an_event({"type": "object", "description": harm, "properties": {"a": inner}})
    compile_typescript(tmp_path, dict(generate_models(contract, Language.TYPESCRIPT)))
    data = {"a": {"x": harm}}
    assert run_php(tmp_path, [php_case(contract, data)]) == [data, data]
    for language in (Language.TYPESCRIPT, Language.PHP):
        assert not UNSEEN.search("".join(generate_models(contract, language).values()).replace("\n", ""))


def test_a_part_is_not_called_as_the_whole() -> None:
    part = {"type": "object", "properties": {"x": {}}}
    whole = {"type": "object", "properties": {"uji": part, "UJI": part, "lain": part | {"title": "uji"}}}
    names = [record.name for record in draw_shapes(whole, "Uji").records]
    assert names == ["Uji", "UjiUji", "Uji2", "Lain"]


TEXTS = st.text(max_size=20)
PARTS = st.recursive(
    st.sampled_from([{"type": "string"}, {"type": "integer"}, True, {"enum": ["*/", "?>", "\u2028", 1]}, {"$ref": "#"}]),
    lambda inner: st.fixed_dictionaries(
        {"properties": st.dictionaries(NAMES, inner, max_size=3)},
        optional={"title": TEXTS, "description": TEXTS, "type": st.just("object")},
    )
    | st.fixed_dictionaries({"type": st.just("array"), "items": inner})
    | st.builds(lambda forms: {"anyOf": forms}, st.lists(inner, min_size=1, max_size=3)),
    max_leaves=12,
)  # fmt: skip


@given(PARTS.filter(lambda schema: isinstance(schema, dict)))
@settings(max_examples=100, deadline=None)
def test_each_object_has_a_name_of_its_own_that_every_language_takes(schema: dict[str, Any]) -> None:
    names = [record.name for record in draw_shapes(schema, "Uji").records]
    assert len({name.lower() for name in names}) == len(names)
    assert all(re.fullmatch("[A-Z][A-Za-z0-9]*", name) for name in names)


@given(
    st.lists(PARTS.filter(lambda schema: isinstance(schema, dict) and "$ref" not in schema), min_size=20, max_size=30)
)
@settings(ONCE)
def test_generated_schemas_make_code_that_compiles(
    tmp_path_factory: pytest.TempPathFactory, schemas: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("made")
    written = [generate_models(an_event(schema), Language.TYPESCRIPT)["kependudukan_uji.ts"] for schema in schemas]
    compile_typescript(folder, {f"uji{number}.ts": text for number, text in enumerate(written)})
    cases = [php_case(an_event(schema), 1, number) for number, schema in enumerate(schemas)]
    assert len(run_php(folder, cases)) == 2 * len(cases)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("kode-wilayah", "KodeWilayah"),
        ("list", "ListData"),
        ("3t-daerah", "Data3tDaerah"),
        ("NIK penduduk", "NikPenduduk"),
        ("dataWarga", "DataWarga"),
        ("", "Data"),
    ],
)
def test_a_text_becomes_the_name_of_a_type(text: str, name: str) -> None:
    assert make_type_name(text) == name
