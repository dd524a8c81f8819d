"""A bus on each kind of database, and empty places for another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bus.delivery.subscription import NewSubscription, Webhook
from bus.delivery.subscriptions import Subscriptions
from bus.identity import bootstrap, create_keys, load_keys
from bus.settings import Settings, load_settings
from bus.storage import Storage
from tests.an_actor import OPERATOR


@dataclass(frozen=True, slots=True)
class Made:
    """A bus that was made, with one subscription."""

    settings: Settings
    storage: Storage


@pytest.fixture
def made(storage: Storage, database_url: str, tmp_path: Path) -> Made:
    settings = load_settings(data_dir=tmp_path / "made", database_url=database_url)
    settings.data_dir.mkdir(mode=0o700)
    create_keys(settings.data_dir / "keys")
    bootstrap(storage, OPERATOR)
    keys = load_keys(settings.data_dir / "keys")
    new = NewSubscription("bapenda", ["perizinan.izin"], Webhook("https://bapenda.example/hook"), [], None, 0)
    Subscriptions(storage, keys).add(new, OPERATOR)
    return Made(settings, storage)


@pytest.fixture
def an_empty_place(database_url: str, tmp_path: Path) -> Iterator[Callable[[], Settings]]:
    """Settings that name an empty data folder, and an empty database of the same kind."""
    url, databases = make_url(database_url), list[str]()
    server = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)

    def make() -> Settings:
        folder = tmp_path / f"empty{uuid4().hex[:8]}"
        if url.get_backend_name() == "sqlite":
            return load_settings(data_dir=folder, database_url=f"sqlite:///{folder / 'bus.db'}")
        name = f"bus_test_{uuid4().hex[:12]}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        databases.append(name)
        return load_settings(data_dir=folder, database_url=url.set(database=name).render_as_string(hide_password=False))

    yield make
    for name in databases:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
