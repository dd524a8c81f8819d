"""Queries of a declared adapter."""

from typing import Any

import httpx
import pytest

from bus.kit import AgencyRefused, AgencyUnavailable, Question, Refused
from tests.declared.a_declared_agency import AnAgency, a_declaration, a_query

QUESTION = Question("uji.cari", {"nomor": "8120000000001"}, "dpmptsp")


async def ask(*answers: httpx.Response, **changes: Any) -> Any:
    return await AnAgency(answers).adapter(a_declaration(a_query(**changes))).query("cari", QUESTION)


async def test_an_answer_is_mapped_with_the_question_at_hand():
    answer = '{"ditemukan": true, "nomor": $question.nomor, "nama": nama}'
    assert await ask(httpx.Response(200, json={"nama": "CV Rekaan"}), answer=answer) == {
        "ditemukan": True,
        "nomor": "8120000000001",
        "nama": "CV Rekaan",
    }


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (httpx.Response(503, headers={"retry-after": "9"}), AgencyUnavailable),
        (httpx.Response(401), AgencyRefused),
        (httpx.Response(200, text="<html>"), AgencyUnavailable),
    ],
)
async def test_an_agency_that_does_not_answer_is_a_refusal(answer: httpx.Response, refusal: type[Refused]):
    with pytest.raises(refusal) as refused:
        await ask(answer, answer="isi")
    assert "8120000000001" not in refused.value.detail


@pytest.mark.parametrize("mapping", ['"teks"', "[1]", "tiada", "1/0"])
async def test_a_mapping_that_makes_no_object_gives_no_answer(mapping: str):
    with pytest.raises(AgencyUnavailable):
        await ask(httpx.Response(200, json={}), answer=mapping)
