"""Pages of the catalogue."""

from typing import Any

import pytest

from bus.contracts.page import write_index, write_page
from tests.builders import a_grant, a_strict_contract
from tests.contracts.documents import SHIPPED, shipped


def _page_of(**changes: Any) -> str:
    return write_page(a_strict_contract(**changes))


def _row(schema: Any) -> list[str]:
    text = _page_of(key=None, kind="event", subject="/nik", schema={"properties": {"nik": schema}}, examples=None)
    return next(line for line in text.splitlines() if line.startswith("| `/nik` |")).strip("| ").split(" | ")


@pytest.mark.parametrize(
    ("schema", "type_", "rule"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 9}, "string", "1 to 9 characters"),
        ({"type": "string", "minLength": 16, "maxLength": 16}, "string", "16 characters"),
        ({"type": ["string", "null"], "format": "date"}, "string or null", "date"),
        ({"type": "integer", "minimum": 0}, "integer", "at least 0"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 5}, "number", "at most 5; more than 0"),
        ({"type": "number", "exclusiveMaximum": 1, "multipleOf": 0.5}, "number", "less than 1; a multiple of 0.5"),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, "array of string", "no item twice"),
        ({"enum": ["a", 1, None]}, "string or integer or null", "one of `a`, `1`, `null`"),
        ({"enum": list(range(15))}, "integer", "one of " + ", ".join(f"`{n}`" for n in range(12)) + " and 3 more"),
        ({"const": True}, "boolean", "always `true`"),
        ({"type": "string", "pattern": "^(a|b)$"}, "string", "`^(a\\|b)$`"),
        ({"type": "string", "pattern": "`"}, "string", "`` ` ``"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null", "–"),
        ({}, "anything", "–"),
    ],
)
def test_a_field_has_its_type_and_rules(schema: Any, type_: str, rule: str) -> None:
    assert _row(schema)[1:3] == [type_, rule]


def test_a_required_field_says_so_and_what_it_means() -> None:
    schema = {"required": ["nik"], "properties": {"nik": {"type": "string", "description": "Nomor\n| induk."}}}
    assert "| `/nik` | string | required | Nomor \\| induk. |" in _page_of(schema=schema, examples=None)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"exact": {"nama": "a"}}], "`nama` is `a`"),
        ([{"prefix": {"nama": "a"}}, {"suffix": {"nama": "b"}}], "`nama` begins with `a`; `nama` ends with `b`"),
        ([{"not": {"exact": {"nama": "a"}}}], "not (`nama` is `a`)"),
        (
            [{"all": [{"any": [{"exact": {"nama": "a"}}, {"exact": {"nama": "b"}}]}, {"exact": {"nik": "c"}}]}],
            "(`nama` is `a` or `nama` is `b`) and `nik` is `c`",
        ),
    ],
)
def test_a_row_filter_is_told_in_words(rows: Any, words: str) -> None:
    assert f"| {words} |" in _page_of(consumers=[a_grant(rows=rows)])


def test_a_grant_says_who_why_until_when_what_and_how() -> None:
    grant = a_grant(fields=["/nik", "/nama"], mask={"/nik": "last4"})
    told = "| bapenda | uji | PKS 1/2026 | 2099-12-31 | `/nik`, `/nama` | `/nik`: last4 | all |"
    assert told in _page_of(consumers=[grant])


def test_the_language_of_templates_means_nothing_in_a_document() -> None:
    text = _page_of(title="{{ contract.owner }}{% if %}", consumers=[a_grant(purpose="{# a #} & 'b' \"c\"")])
    assert "{{ contract.owner }}{% if %}." in text
    assert "| {# a #} &amp; 'b' \"c\" |" in text


def test_a_contract_without_consumers_says_so() -> None:
    assert "Nobody yet." in _page_of(consumers=[])


def test_a_record_can_be_read_by_its_key() -> None:
    assert '"$BUS/v1/records/kependudukan.uji/3524010101909001"' in _page_of()


def test_an_event_has_no_records() -> None:
    assert "/v1/records" not in _page_of(kind="event", key=None, subject="/nik")


def test_a_query_shows_how_to_ask() -> None:
    text = write_page(shipped(next(path for path in SHIPPED if path.stem == "cari-nik")))
    assert '"$BUS/v1/queries/kependudukan.cari-nik"' in text
    assert "## How to publish" not in text


def test_the_index_leads_to_the_pages_in_order_of_name() -> None:
    text = write_index([a_strict_contract(contract="uji.b"), a_strict_contract(contract="uji.a")])
    assert text.index("[uji.a](uji.a.md)") < text.index("[uji.b](uji.b.md)")
