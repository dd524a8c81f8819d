"""An agency that answers in XML, as LAPOR!'s older interface does, described by a document."""

from typing import Any

import httpx
import pytest

from bus.declared import Mapper, lint_document
from bus.declared.adapter import DeclaredAdapter
from bus.heavy import Here
from bus.kit import Failure, Polled, Question
from tests.declared.a_declared_agency import AnAgency, a_declaration, a_delivery, a_poll, a_query, an_event

SUCCESS = {"status": ["2xx"], "when": "$exists(lapor.trackingid)", "means": "success"}
LIST = "<daftar><baris no='1'><nama>Satu</nama></baris><baris no='2'><nama>Dua</nama></baris></daftar>"
ROWS = {"rows": "[daftar.baris]", "key": "`@no`", "record": '{"id": `@no`, "nama": nama}'}


def saying(text: str, *operations: Any, status: int = 200) -> DeclaredAdapter:
    agency = AnAgency([httpx.Response(status, text=text, headers={"content-type": "text/xml"})])
    return agency.adapter(a_declaration(*operations))


async def send(text: str) -> Any:
    adapter = saying(text, a_delivery(format="xml", rules=[SUCCESS]))
    return [one.failure for one in await adapter.deliver("kirim", [an_event({"nama": "Siti"})])]


async def test_a_rule_reads_the_answer() -> None:
    assert await send("<lapor><trackingid>17</trackingid></lapor>") == [None]
    assert await send("<lapor><galat>penuh</galat></lapor>") == [Failure.TRANSIENT]


@pytest.mark.parametrize(
    "text",
    ["", "<html><body>Pemeliharaan<br></html>", '{"trackingid": 1}', '<!DOCTYPE lapor [<!ENTITY x "1">]><lapor/>'],
    ids=["nothing", "html", "json", "entities"],
)
async def test_what_is_no_xml_is_no_success(text: str) -> None:
    assert await send(text) == [Failure.TRANSIENT]


@pytest.mark.parametrize(
    ("text", "rows"), [(LIST, ["1", "2"]), ("<daftar><baris no='1'><nama>Satu</nama></baris></daftar>", ["1"])]
)
async def test_a_list_of_elements_becomes_rows(text: str, rows: list[str]) -> None:
    polled: Polled = await saying(text, a_poll(format="xml", **ROWS)).poll("tarik", None)
    assert polled.rows is not None
    assert [row.key for row in polled.rows.rows] == rows
    assert polled.rows.rows[0].data == {"id": "1", "nama": "Satu"}


async def test_a_question_is_answered_from_xml() -> None:
    adapter = saying("<jawab><isi>tujuh</isi></jawab>", a_query(format="xml", answer='{"isi": jawab.isi}'))
    assert await adapter.query("cari", Question("uji.cari", {"nomor": "7"}, "bapenda")) == {"isi": "tujuh"}


async def test_lint_runs_an_example_in_xml() -> None:
    example = {
        "title": "Dua baris",
        "answer": {"text": LIST},
        "result": [{"key": "1", "data": {"id": "1", "nama": "Satu"}}],
    }
    mapper = Mapper("badan", Here(), explain=True)
    document = a_declaration(a_poll(format="xml", **ROWS, examples=[example]))
    found = [one.message for one in await lint_document(document, lambda _: None, mapper)]
    assert any("Dua" in one for one in found), found
    example["result"] = [
        {"key": "1", "data": {"id": "1", "nama": "Satu"}},
        {"key": "2", "data": {"id": "2", "nama": "Dua"}},
    ]
    document = a_declaration(a_poll(format="xml", **ROWS, examples=[example]))
    assert not [one for one in await lint_document(document, lambda _: None, mapper) if "example" in one.code]
