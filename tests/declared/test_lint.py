"""Lint of adapter documents: an example that does not come out as it says is an error."""

import re
from typing import Any

import pytest

from bus import shipped
from bus.contracts import Contract, Finding, parse_contract
from bus.declared import Mapper, lint_document, read_document
from bus.heavy import Here
from tests.builders import a_public_document
from tests.declared.a_declared_agency import a_declaration, a_delivery, a_poll, a_query

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id"],
    "properties": {"id": {"type": "string"}, "nama": {"type": "string", "maxLength": 5}},
}
CONTRACT = parse_contract(
    a_public_document("uji.baris", "dpupr", "bapenda", kind="record", key="/id", schema=SCHEMA, producers=["badan"])
)

RULES = [{"when": "x", "means": "success"}]


def find_contract(name: str) -> Contract | None:
    return CONTRACT if name == CONTRACT.name else None


async def lint(*operations: dict[str, Any], **changes: Any) -> list[Finding]:
    return await lint_document(
        a_declaration(*operations, **changes), find_contract, Mapper("badan", Here(), explain=True)
    )


def a_tried_poll(*rows: Any, **changes: Any) -> dict[str, Any]:
    return a_poll(examples=[{"title": "x", "answer": {"body": {"data": list(rows)}}, **changes}])


def a_tried_delivery(example: dict[str, Any], **changes: Any) -> dict[str, Any]:
    given = {"title": "x", "events": [{"data": {"id": "a"}}], "answer": {}, **example}
    return a_delivery(contracts=["uji.baris"], examples=[given], **changes)


async def test_an_example_that_comes_out_as_it_says_is_no_finding():
    row = {"id": "a", "nama": "Siti"}
    request = {
        "method": "POST",
        "path": "/terima",
        "body": {"id": "a"},
        "headers": {"Content-Type": "application/json"},
    }
    found = await lint(
        a_tried_poll(row, result=[{"key": "a", "data": row}]),
        a_tried_delivery({"request": request, "outcomes": ["success"]}),
    )
    assert found == []


@pytest.mark.parametrize(
    ("operation", "where"),
    [
        (a_tried_poll({"id": "a", "nama": "terlalu panjang"}), "answer"),
        (a_tried_poll({"id": "a"}, result=[]), "result"),
        (a_tried_poll(7), "answer"),
        (a_tried_poll({"id": "a"}, failure="transient"), "failure"),
        (a_tried_poll(answer={"status": 503}), "answer"),
        (a_tried_poll(answer={"status": 503}, failure="permanent"), "answer"),
        ({**a_tried_poll({"id": "a"}), "key": '"lain"'}, "answer"),
        (a_tried_delivery({"outcomes": ["permanent"]}), "outcomes"),
        (
            a_tried_delivery({"answer": {"text": "<html>"}, "outcomes": ["success"]}, rules=RULES),
            "outcomes",
        ),
        (a_tried_delivery({"events": [{"data": {"nama": "x"}}]}), "events/0/data"),
        (a_tried_delivery({"request": {"method": "PUT", "path": "/terima", "body": {"id": "a"}}}), "request/method"),
        (a_tried_delivery({"request": {"method": "POST", "path": "/x", "body": {"id": "a"}}}), "request/path"),
        (a_tried_delivery({"request": {"method": "POST", "path": "/terima"}}), "request/body"),
    ],
)
async def test_an_example_that_comes_out_otherwise_is_an_error(operation: dict[str, Any], where: str):
    (finding,) = await lint(operation)
    assert (finding.code, finding.pointer) == ("example", f"/operations/0/examples/0/{where}")


async def test_a_query_is_run_too():
    example = {
        "title": "x",
        "question": {"nomor": "1"},
        "answer": {"body": {"isi": 7}},
        "result": {"ditemukan": True, "isi": 7},
    }
    assert await lint(a_query(examples=[example])) == []
    (finding,) = await lint(a_query(examples=[{**example, "result": {}}]))
    assert finding.pointer == "/operations/0/examples/0/result"


async def test_a_text_that_is_no_expression_is_found_where_it_stands():
    request = {"method": "POST", "path": "/x", "query": {"a": "b +"}, "headers": {"X": "("}}
    found = await lint(a_delivery(requests=[request]), rules=[{"when": "{", "means": "success"}])
    errors = [finding.pointer for finding in found if finding.code == "expression"]
    assert errors == ["/rules/0/when", "/operations/0/requests/0/query/a", "/operations/0/requests/0/headers/X"]


async def test_what_the_author_may_have_forgotten_is_a_warning():
    found = await lint(
        a_delivery(contracts=["uji.tiada"]),
        secrets={"kunci": {"title": "x"}},
        servers=[{"name": "uji", "url": "http://badan.example"}],
    )
    assert [(finding.code, finding.severity.value) for finding in found] == [
        ("unused", "warning"),
        ("plain", "warning"),
        ("example", "warning"),
        ("contract", "warning"),
    ]


async def test_the_guide_s_document_works_with_its_delivery():
    guide = (shipped.ADAPTERS.parents[1] / "docs" / "adapters.md").read_text()
    poll, delivery = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)[:2]
    for text, unknown in ((poll, 1), (poll + delivery, 2)):
        found = await lint_document(read_document(text.encode()), find_contract, Mapper("contoh", Here(), explain=True))
        # The guide's contracts do not exist.
        assert [finding.code for finding in found] == ["contract"] * unknown
