"""A query contract that the agency answers, and what is asked under it."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from bus.disclosures import Found, Wanted
from tests.a_bus import Bus
from tests.an_agency import AGENCY, ASK
from tests.builders import Document, a_document, a_grant, a_nik

TANYA = "kependudukan.tanya"
URL = f"/v1/queries/{TANYA}"
NIK = a_nik(1)
ANSWER = {"ditemukan": True, "nama": "Rekaan 1", "agama": "rahasia"}
PAST = "2020-12-31"


def a_query_document(*grants: Document, **changes: Any) -> Document:
    """A personal query contract that the agency answers."""
    text = {"type": "string"}
    answer = {"ditemukan": {"type": "boolean"}, "nama": text, "agama": text}
    request = {"type": "object", "properties": {"nik": text | {"pattern": "^[0-9]{16}$"}}, "required": ["nik"]}
    return a_document(
        *(grants or [a_grant("dinkes")]),
        **{
            "contract": TANYA,
            "kind": "query",
            "key": None,
            "schema": None,
            "request": request,
            "answer": {"type": "object", "properties": answer, "required": ["ditemukan"]},
            "adapters": [{"adapter": AGENCY, "operation": ASK}],
            "producers": [AGENCY],
            **changes,
        },
    )


async def ask(http: httpx.AsyncClient, question: object = None, url: str = URL) -> httpx.Response:
    return await http.post(url, json={"nik": NIK} if question is None else question)


def disclosed(desk: Bus) -> list[Found]:
    return desk.rooms.disclosures.search(Wanted(NIK), None, 10)


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].removeprefix("urn:bus:problem:")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.01)
