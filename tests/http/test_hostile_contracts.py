"""Contract documents that mean harm, over HTTP: refused soon, with a problem that says why."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.contracts.hostile import HOSTILE
from tests.http.a_catalogue import a_catalogue, an_edge, owner

_SECONDS = 10


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with a_catalogue(tmp_path) as catalogue:
        yield an_edge(catalogue)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_not_registered(client: TestClient, name: str) -> None:
    began = time.perf_counter()
    answer = client.post("/v1/contracts", content=HOSTILE[name], headers=owner())
    assert time.perf_counter() - began < _SECONDS
    assert (answer.status_code, answer.headers["content-type"]) in (
        (422, "application/problem+json"),
        (413, "application/problem+json"),
    )
