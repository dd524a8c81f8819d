"""Attacks by texts: what somebody wrote into a contract, a key or an event is text in every output, and nothing else."""

import ast
import csv
import html.parser
import json
import logging
import re
import subprocess
import unicodedata
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from bus.contracts.asyncapi import describe_as_asyncapi
from bus.contracts.codegen import GeneratedUnsafe, generate_models
from bus.contracts.codegen.python import _check_inert
from bus.contracts.document import parse_contract
from bus.contracts.page import write_index, write_page
from bus.contracts.yaml import read_yaml, write_yaml
from bus.http.columns import list_columns
from bus.http.spreadsheet import SheetWriter
from bus.telemetry import configure_logging
from bus.texts import UNSEEN, escape_unseen, escape_unseen_in_json, to_markdown, to_markdown_code
from tests.builders import a_grant, a_strict_contract, a_strict_document
from tests.cli.a_command import Commands, commands

SCRIPT = '<script>alert(1)</script><img src=x onerror="alert(1)">'
TERMINAL = "\x1b[2J\x1b]0;judul\x07\x9b31m"
TURNED = "\u202egnp.exe\u2066\u200b\U000e0041"
MARKUP = "[klik](javascript:alert(1)) `x` | sel *tebal* ~~coret~~\n\n# judul\n<!-- -->"
SHELL = "\"; touch {}; $(touch {}) `touch {}` '\"; touch {}'"
HOSTILE = f"{SCRIPT} {TERMINAL} {TURNED} {MARKUP} [bold red]merah[/]"


def a_hostile_document(text: str = HOSTILE, **changes: Any) -> dict[str, Any]:
    """A contract that says this text wherever people write."""
    schema = {
        "type": "object",
        "title": text,
        "description": text,
        "required": ["nik"],
        "additionalProperties": False,
        "properties": {
            "nik": {"type": "string", "maxLength": 200, "description": text},
            f"a\\|{text}": {"enum": [text, f"b\\|{text}"], "description": text},
            "c": {"const": text, "title": text},
        },
    }
    grant = a_grant(purpose=text, legal_basis=text, rows=[{"exact": {"nik": text}}])
    given = {"title": text[:200], "description": text, "schema": schema, "consumers": [grant]}
    return a_strict_document(**{**given, "examples": [{"nik": text[:200]}], **changes})


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


def unseen(text: str) -> list[str]:
    """The characters of an output that nobody sees."""
    return [
        hex(ord(one)) for one in text if one not in "\t\n" and unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp")
    ]


def test_what_unicode_does_not_show_is_known_to_us():
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    every = (chr(code) for code in range(0x110000))
    assert [hex(ord(one)) for one in every if unicodedata.category(one) in kinds and not UNSEEN.match(one)] == []


def test_json_with_escapes_is_the_same_json():
    written = json.dumps({HOSTILE: [HOSTILE]}, ensure_ascii=False).encode()
    assert json.loads(escape_unseen_in_json(written)) == {HOSTILE: [HOSTILE]}
    assert unseen(escape_unseen_in_json(written).decode()) == []


class Tags(html.parser.HTMLParser):
    """The tags in a page that a browser would find."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)


def tags(markdown_text: str) -> set[str]:
    """The HTML tags in Markdown, outside of its code."""
    parser = Tags()
    parser.feed(without_code(markdown_text))
    return parser.found


def without_code(markdown_text: str) -> str:
    """Markdown without what stands in blocks and spans of code."""
    outside = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$", "", markdown_text)
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)


def test_a_page_has_no_html_of_an_author():
    text = write_page(parse_contract(a_hostile_document())) + write_index([parse_contract(a_hostile_document())])
    assert tags(text) <= {"code"}
    assert unseen(text) == []


def test_a_page_has_no_link_of_an_author():
    text = write_page(parse_contract(a_hostile_document()))
    assert "javascript" in text
    assert not re.search(r"(?<!\\)\]\(", without_code(text))


def test_a_table_keeps_its_columns():
    lines = write_page(parse_contract(a_hostile_document())).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) > 10
    # As cmark-gfm reads a row: a backslash takes the next sign with it.
    widths = {len(re.findall(r"(?:\\.|[^|\\])+", row.strip("|"))) for row in rows}
    assert widths == {2, 4, 7}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("# judul", r"\# judul"),
        ("- butir", r"\- butir"),
        ("1. butir", r"1\. butir"),
        ("kode_wilayah", "kode_wilayah"),
        ("_miring_", r"\_miring\_"),
        ("a\n\nb", "a b"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("\\<b>", "\\\\&lt;b&gt;"),
        ("\\[a](b)", "\\\\\\[a\\](b)"),
    ],
)
def test_a_text_is_no_markdown(text: str, written: str):
    assert to_markdown(text) == written


@pytest.mark.parametrize("text", ["a|b", "a\\|b", "a\\\\|<img src=x>|`b`", "``", "`<b>`"])
def test_code_stays_in_its_span_and_cell(text: str):
    row = f"| {to_markdown_code(text)} | x |"
    assert len(re.findall(r"(?:\\.|[^|\\])+", row.strip("|"))) == 2
    assert tags(row) <= {"code"}


def test_no_line_of_a_page_runs_what_a_key_says(tmp_path: Path):
    trap = tmp_path / "kena"
    found = write_page(parse_contract(a_hostile_document(SHELL.replace("{}", "kena"))))
    assert "curl" in found
    for block in re.findall(r"(?ms)^(`{3,})sh\n(.*?)^\1$", found):
        script = f"curl() {{ cat > /dev/null; }}\n{block[1]}"
        ran = subprocess.run(["/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, timeout=10)
        assert (ran.returncode, ran.stderr) == (0, b"")
    assert not trap.exists()


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\u2060 =1"),
        *("\u3000=1", "\u2800=1", "\x00=1", '"=1"', "'=1'", '" =1', "＝1", "＋1", "－1", "＠a", "\u2212 1", "\u202e=1"),
    ],
)
def test_no_cell_begins_with_a_formula(text: str):
    sheet = SheetWriter(list_columns([{"properties": {text: {"type": "string"}}}], [""]))
    header, row = csv.reader(StringIO((sheet.begin() + sheet.rows([{text: text}])).decode(), newline=""))
    assert (header, row[0][0], row[0].replace("'", "")) == (row, "'", text.replace("'", ""))


@pytest.mark.parametrize("text", ["a;=1+1", "a;@a", "a\n=1", "a;+cmd|' /C calc'!A0", "a;\ufeff=1", 'a;"=1"', "a\t=1"])
def test_no_part_of_a_cell_is_a_formula_where_semicolons_part_cells(text: str):
    written = SheetWriter(list_columns([{"properties": {"a": {}}}], [""])).rows([{"a": text}]).decode()
    for part in re.split(r"[;\t\r\n]", written):
        assert not re.match(r"[\s\ufeff\"]*[=@+]", part)


def test_digits_stay_text():
    """Without quotes a reader takes them for a number, which loses zeros and the last digits."""
    written = SheetWriter(list_columns([{"properties": {"a": {}, "b": {}}}], [""])).rows(
        [{"a": "0035240101019090", "b": 5}]
    )
    assert written == b'"0035240101019090",5\r\n'


JSON, GITHUB = ("--format", "json"), ("--format", "github")


@pytest.mark.parametrize(
    ("command", "form"),
    [
        ("lint", ()),
        ("lint", JSON),
        ("lint", GITHUB),
        ("diff", ()),
        ("diff", JSON),
        ("apply", ()),
        ("apply", ("--dry-run",)),
    ],
)
def test_no_command_hands_a_document_to_the_terminal(
    run: Commands, tmp_path: Path, command: str, form: tuple[str, ...]
):
    file = tmp_path / f"jahat{TURNED}.json"
    file.write_text(json.dumps(a_hostile_document()))
    ran = run("contract", command, file, *form)
    assert ran.out + ran.err
    assert unseen(ran.out + ran.err) == []


def test_a_document_that_is_shown_is_not_run_by_the_terminal_and_stays_what_it_is(run: Commands, tmp_path: Path):
    document = a_hostile_document()
    file = tmp_path / "jahat.json"
    file.write_text(json.dumps(document))
    assert run("contract", "apply", "--grants-seen", file).code == 0
    for form in ((), ("--json",)):
        shown = run("contract", "show", document["contract"], *form)
        assert (shown.code, unseen(shown.out)) == (0, [])
        assert unseen(run("contract", "list", *form).out) == []
    assert json.loads(shown.out)["document"]["title"] == document["title"]


def test_markup_of_the_terminal_library_is_text(run: Commands, tmp_path: Path):
    file = tmp_path / "[bold red]jahat.json"
    file.write_text(json.dumps(a_strict_document(examples=[{"nik": 5}])))
    assert "[bold red]jahat" in run("contract", "lint", file).out


def test_yaml_that_is_written_shows_all_and_reads_the_same():
    value = {HOSTILE: [HOSTILE, "satu\ndua", "\u2028", "a\tb"]}
    written = write_yaml(value)
    assert unseen(written.decode()) == []
    assert read_yaml(written) == value


def test_a_log_line_is_one_line_of_visible_json(capfd: pytest.CaptureFixture[str]):
    root = logging.getLogger()
    handlers, level, root.handlers = root.handlers, root.level, []
    configure_logging()
    try:
        structlog.get_logger("uji").warning("uji", text=HOSTILE, half="\ud800")
        logging.getLogger("uji").warning(HOSTILE)
    finally:
        structlog.reset_defaults()
        # A handler left behind would write to this test's standard error for ever.
        root.handlers, _ = handlers, root.setLevel(level)
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert unseen("".join(lines)) == []
    assert [json.loads(line).get("text", json.loads(line)["event"]) for line in lines] == [HOSTILE, HOSTILE]


CODE = 'x"""\nimport os\nos.system("x")\n"""'


@pytest.mark.parametrize("text", [CODE, "akhir\\", 'kutip"', "'''\\", "\rimport os\x0cimport sys", HOSTILE])
def test_a_text_does_not_become_code(text: str):
    schema = {
        "type": "object",
        "title": text,
        "description": text,
        "properties": {
            "nik": {"type": "string", "title": text, "description": text, "examples": [text]},
            text: {"enum": [text, "a"]},
            "b": {"type": "object", "title": text, "description": text, "properties": {"c": {"const": text}}},
        },
    }
    (module,) = generate_models(
        a_strict_contract(schema=schema, key=None, kind="event", subject="/nik", examples=[])
    ).values()
    imported = {one.module for one in ast.walk(ast.parse(module)) if isinstance(one, ast.ImportFrom | ast.Import)}
    assert imported <= {"__future__", "typing", "pydantic"}


@pytest.mark.parametrize(
    "code", ["import os", "x = open('a')", "class A:\n    def f(self): pass", "from os import path"]
)
def test_a_module_that_does_something_is_not_written(code: str):
    with pytest.raises(GeneratedUnsafe):
        _check_inert(code)


def test_asyncapi_has_no_html_of_an_author():
    document = describe_as_asyncapi(parse_contract(a_hostile_document()), "https://bus.example")
    described = [text for key, text in _members(document) if key == "description"]
    assert len(described) > 10
    assert all("<script" not in text and "](" not in text.replace("\\](", "") for text in described)
    assert unseen(document["info"]["title"]) == []


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            if key != "examples":
                yield from _members(inner)
    if isinstance(value, list):
        for inner in value:
            yield from _members(inner)


def test_visible_keeps_what_can_be_seen():
    assert escape_unseen("Siti Nur’aini — Jl. Ki Hajar 5, ½") == "Siti Nur’aini — Jl. Ki Hajar 5, ½"
