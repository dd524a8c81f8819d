"""The contracts' part of the edge with callers who say who they are, and what tests ask of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from bus import json
from bus.contracts.catalogue import Catalogue
from bus.heavy import Here
from bus.http import problems
from bus.http.api import contract_moves, contracts
from bus.identity.tokens import Principal
from bus.journal.gate import Gate
from bus.limits import Limits
from bus.storage import open_storage, upgrade
from tests.builders import a_strict_document
from tests.http.admitting import NoOwnLimits, admitting

NAME = "kependudukan.uji"
SCOPES = "contracts.read contracts.write contracts.approve"
VERSION = f"/v1/contracts/{NAME}/versions/1.0.0"


class KnownCallers:
    """Stands for the token check: the header says the participant and its scopes."""

    issuer = "https://bus.example"

    async def authenticate(self, authorization: bytes) -> Principal:
        name, *scopes = authorization.decode().split()
        participant, _, client = name.partition(":")
        return Principal(participant, client or f"client_{participant}", frozenset(scopes), 2e9, "jti")


def owner(scopes: str = SCOPES) -> dict[str, str]:
    return {"authorization": f"dukcapil-lamongan {scopes}"}


def approver(scopes: str = SCOPES) -> dict[str, str]:
    """Another client of the owner's."""
    return {"authorization": f"dukcapil-lamongan:client_kepala {scopes}"}


def another(scopes: str = SCOPES) -> dict[str, str]:
    return {"authorization": f"bapenda {scopes}"}


def operator() -> dict[str, str]:
    return {"authorization": f"operator {SCOPES} admin"}


@contextmanager
def a_catalogue(folder: Path) -> Iterator[Catalogue]:
    """An empty catalogue in a folder."""
    storage = open_storage(f"sqlite:///{folder / 'bus.db'}")
    upgrade(storage)
    yield Catalogue(storage, b"a secret of this instance, 32 B.")
    storage.close()


def an_edge(catalogue: Catalogue) -> TestClient:
    """The routes about contracts."""
    app = FastAPI()
    problems.install(app)
    app.include_router(contract_moves.router)
    app.include_router(contracts.router)
    app.state.rooms = SimpleNamespace(
        catalogue=catalogue,
        gate=Gate(catalogue),
        tokens=KnownCallers(),
        settings=SimpleNamespace(max_depth=64),
        limits=Limits(NoOwnLimits()),
        heavy=Here(),
        attempts=SimpleNamespace(note=lambda attempt: None),
    )
    return TestClient(
        admitting(app, contract_moves.router, contracts.router),
        base_url="https://bus.example",
        raise_server_exceptions=False,
    )


def post(client: TestClient, document: Any, headers: dict[str, str] | None = None) -> Any:
    """Register a document; by its owner, unless somebody else is said."""
    return client.post("/v1/contracts", content=json.dumps(document), headers=headers or owner())


def activate(client: TestClient, **changes: Any) -> None:
    """Register a document with changes, and put it in force."""
    assert post(client, a_strict_document(**changes)).status_code == 201
    version = f"/v1/contracts/{changes.get('contract', NAME)}/versions/{changes.get('version', '1.0.0')}"
    assert client.post(f"{version}/activate", headers=approver()).status_code == 200
