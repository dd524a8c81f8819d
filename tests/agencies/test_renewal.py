"""Adapters take new credentials from files, without a restart."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bus.agencies import Agencies
from bus.agencies.renewal import Renewal
from bus.kit import Adapter, AdapterSettings
from bus.settings import load_settings
from tests.an_agency import AGENCY, ASK, AFactory, AnAdapter


class TokenSettings(AdapterSettings):
    token: str


@dataclass
class ATokenAdapter(AnAdapter):
    """Remembers its token, and whether it was closed."""

    token: str = ""
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def close(self) -> None:
        self.closed.set()


@dataclass
class ATokenFactory(AFactory):
    settings: ClassVar[type[AdapterSettings]] = TokenSettings

    def create(self, settings: Any) -> Adapter:
        return ATokenAdapter(token=settings.token)


class Site:
    """An agency whose settings stand in files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.write("base_url", "https://badan.example")
        self.write("token", "lama")
        self.agencies = Agencies(load_settings().adapters, {AGENCY: lambda: ATokenFactory(AnAdapter())})
        self.renewal = Renewal(self.agencies, lambda: load_settings().adapters, grace_seconds=0.0)

    def write(self, name: str, value: str) -> None:
        (self._folder / f"bus_adapters__{AGENCY}__{name}").write_text(value)

    @property
    def adapter(self) -> ATokenAdapter:
        adapter, _ = self.agencies.find_query(AGENCY, ASK)
        assert isinstance(adapter, ATokenAdapter)
        return adapter


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("BUS_SECRETS_DIR", str(tmp_path))
    return Site(tmp_path)


async def test_a_new_token_in_its_file_is_taken_and_the_old_adapter_closed(site: Site) -> None:
    before = site.adapter
    site.write("token", "baru")
    await site.renewal.look()
    assert (before.token, site.adapter.token) == ("lama", "baru")
    await asyncio.wait_for(before.closed.wait(), 5)
    assert not site.adapter.closed.is_set()


async def test_settings_that_did_not_change_leave_the_adapter(site: Site) -> None:
    before = site.adapter
    await site.renewal.look()
    assert site.adapter is before


async def test_wrong_settings_change_nothing_until_they_are_mended(site: Site) -> None:
    before = site.adapter
    site.write("base_url", "badan.example")
    site.write("token", "rahasia-baru")
    await site.renewal.look()
    await site.renewal.look()
    assert site.adapter is before
    assert not before.closed.is_set()
    site.write("base_url", "https://badan.example")
    await site.renewal.look()
    assert site.adapter.token == "rahasia-baru"


async def test_the_adapters_are_watched(site: Site) -> None:
    before = site.adapter
    watching = asyncio.create_task(Renewal(site.agencies, lambda: load_settings().adapters, 0.01, 0.0).follow())
    site.write("token", "baru")
    await asyncio.wait_for(before.closed.wait(), 10)
    watching.cancel()
    await asyncio.wait([watching])
    assert site.adapter.token == "baru"
