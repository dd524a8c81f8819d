"""A server of the OAuth endpoints for the tests of this folder."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from bus.actions.attempts import Attempts
from bus.actions.log import ActionLog
from bus.http import problems
from bus.http.api import oauth
from bus.identity.keys import create_keys, load_keys
from bus.identity.participants import Kind, Participants
from bus.identity.server import OAuthServer
from bus.identity.tokens import Tokens
from bus.identity.wrong_logins import LoginPolicy
from bus.limits import LimitRegister, Limits, Policy, Rate
from bus.settings import load_settings
from bus.storage import open_storage, upgrade
from tests.an_actor import OPERATOR
from tests.http.api.oauth.a_server import ISSUER, Bus


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    folder: Path = tmp_path_factory.mktemp("bus")
    create_keys(folder / "keys")
    keys = load_keys(folder / "keys")
    storage = open_storage(f"sqlite:///{folder / 'bus.db'}")
    upgrade(storage)
    participants = Participants(storage)
    participants.add("bapenda", "Badan Pendapatan Daerah", Kind.APP, OPERATOR)
    client, secret = participants.add_client("bapenda", ["events.read", "events.publish"], by=OPERATOR)
    tokens = Tokens(keys, ISSUER, storage)
    attempts = Attempts(ActionLog(storage))
    limits = Limits(LimitRegister(storage, Policy.model_validate({})))
    logins = LoginPolicy(Rate(1000, 60), Rate(1000, 60), Rate(1000, 60))
    server = OAuthServer(tokens, participants, storage, 600, limits, logins, attempts)
    app = FastAPI()
    app.state.rooms = SimpleNamespace(
        settings=load_settings(), keys=keys, tokens=tokens, participants=participants, oauth=server, attempts=attempts
    )
    app.include_router(oauth.router)
    problems.install(app)
    yield Bus(app, participants, tokens, storage, client.client_id, secret or "")
    server.close()
    storage.close()


@pytest.fixture
async def http(bus: Bus) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bus.app), base_url=ISSUER) as client:
        yield client


@pytest.fixture(scope="module")
def served(bus: Bus) -> Iterator[str]:
    """The address of the bus behind a real server."""
    server = uvicorn.Server(uvicorn.Config(bus.app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()
