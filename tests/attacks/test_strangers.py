"""Attacks by strangers: requests without a token, without end, take nobody else's time."""

import asyncio
import shutil
from pathlib import Path

import pytest

from bus.limits import Rate
from tests.a_bus import OWNER, Bus, a_contract
from tests.a_connection import Connection
from tests.attacks.a_crowd import a_get


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> str:
    """SQLite alone: the front door knows no database."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'bus.db')}"


async def test_an_address_that_asks_too_much_without_a_token_is_told_to_wait_and_no_other(bus: Bus):
    bus.apply(a_contract())
    token = bus.token(OWNER, "contracts.read")
    await asyncio.to_thread(bus.rooms.tokens.verify, token.encode())
    async with bus.opened(anonymous_rate=Rate(1, 60)) as (address, _):
        assert (await (await Connection.to(address)).ask(a_get("/nowhere"))).status_code == 404
        refused = await Connection.to(address)
        answer = await refused.ask(a_get("/nowhere"))
        assert (answer.status_code, answer.headers["connection"]) == (429, "close")
        assert int(answer.headers["retry-after"]) > 1
        assert await refused.is_closed()
        known = await Connection.to(address)
        assert (await known.ask(a_get("/v1/contracts", token))).status_code == 200
        assert (await known.ask(a_get("/healthz"))).status_code == 200
        other = await Connection.to(address, "127.0.0.2")
        assert (await other.ask(a_get("/nowhere"))).status_code == 404
