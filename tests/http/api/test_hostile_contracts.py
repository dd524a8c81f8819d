"""Contract documents that mean harm, over HTTP: refused soon, with a problem or findings that say why."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest

from bus import json
from tests.a_bus import Bus
from tests.builders import OWNER, a_strict_document
from tests.contracts.hostile import HOSTILE
from tests.http.contract_callers import a_client, owner

_SECONDS = 10
_REFUSALS = ((422, "application/problem+json"), (413, "application/problem+json"))


pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def client(bus: Bus) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(bus) as client:
        yield client


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_document_is_not_registered(client: httpx.AsyncClient, name: str) -> None:
    began = time.process_time()
    answer = await client.post("/v1/contracts", content=HOSTILE[name], headers=owner())
    assert time.process_time() - began < _SECONDS
    assert _refuses(answer)


async def test_every_hostile_document_is_found_wrong_when_it_is_checked(bus: Bus) -> None:
    answers = {name: await _checked(bus, document) for name, document in HOSTILE.items()}
    assert [name for name, answer in answers.items() if not (_refuses(answer) or _finds_an_error(answer))] == []


async def test_no_hostile_document_is_taken_to_compare_with(bus: Bus) -> None:
    good = json.dumps(a_strict_document())
    bodies = {name: good[:-1] + b',"against":[' + document + b"]}" for name, document in HOSTILE.items()}
    answers = {name: await _checked(bus, body) for name, body in bodies.items()}
    assert [name for name, answer in answers.items() if not _refuses(answer)] == []


async def _checked(bus: Bus, body: bytes) -> httpx.Response:
    client = bus.reader(OWNER, "contracts.write")
    began = time.process_time()
    answer = await client.post("/v1/contracts/check", content=body)
    assert time.process_time() - began < _SECONDS
    assert len(answer.content) < 20_000
    return answer


def _refuses(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.headers["content-type"]) in _REFUSALS


def _finds_an_error(answer: httpx.Response) -> bool:
    return "error" in [finding["severity"] for finding in answer.json()["lint"]]
