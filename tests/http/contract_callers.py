"""Callers of the contracts' part of the API, on a whole bus: who asks, and what tests ask of it."""

from collections.abc import Iterator
from typing import Any

import httpx

from bus import json
from bus.identity.participants import Kind, Participants
from bus.identity.tokens import Tokens
from bus.problem import Refused
from tests.a_bus import ADDRESS, Bus
from tests.an_actor import OPERATOR
from tests.builders import a_strict_document

NAME = "kependudukan.uji"
SCOPES = "contracts.read contracts.write contracts.approve"
VERSION = f"/v1/contracts/{NAME}/versions/1.0.0"


class Login(httpx.Auth):
    """Gives a request a token for whom its Authorization header names: `participant[:client] scopes…`."""

    def __init__(self, participants: Participants, tokens: Tokens) -> None:
        self._participants = participants
        self._tokens = tokens
        self._clients: dict[str, Any] = {}

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        name, *scopes = request.headers["authorization"].split()
        token = self._tokens.issue(self._client(name), frozenset(scopes), 600)
        request.headers["authorization"] = f"Bearer {token}"
        yield request

    def _client(self, name: str) -> Any:
        if name not in self._clients:
            participant = name.partition(":")[0]
            try:
                self._participants.get(participant)
            except Refused:
                self._participants.add(participant, participant, Kind.APP, OPERATOR)
            client, _ = self._participants.add_client(participant, [*SCOPES.split(), "admin"], by=OPERATOR)
            self._clients[name] = client
        return self._clients[name]


def a_client(bus: Bus) -> httpx.AsyncClient:
    """An HTTP client of the bus. Each request says who asks: `owner()`, `another()`, …"""
    login = Login(bus.rooms.participants, bus.rooms.tokens)
    # Uncompressed, so that an entity tag is the version's own.
    headers = {"accept-encoding": "identity"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(bus.edge), base_url=ADDRESS, auth=login, headers=headers)


def owner(scopes: str = SCOPES) -> dict[str, str]:
    return {"authorization": f"dukcapil-lamongan {scopes}"}


def approver(scopes: str = SCOPES) -> dict[str, str]:
    """Another client of the owner's."""
    return {"authorization": f"dukcapil-lamongan:kepala {scopes}"}


def another(scopes: str = SCOPES) -> dict[str, str]:
    return {"authorization": f"bapenda {scopes}"}


def operator() -> dict[str, str]:
    return {"authorization": f"operator {SCOPES} admin"}


async def post(client: httpx.AsyncClient, document: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    """Register a document; by its owner, unless somebody else is said."""
    return await client.post("/v1/contracts", content=json.dumps(document), headers=headers or owner())


async def activate(client: httpx.AsyncClient, **changes: Any) -> None:
    """Register a document with changes, and put it in force."""
    assert (await post(client, a_strict_document(**changes))).status_code == 201
    version = f"/v1/contracts/{changes.get('contract', NAME)}/versions/{changes.get('version', '1.0.0')}"
    assert (await client.post(f"{version}/activate?grants=seen", headers=approver())).status_code == 200
