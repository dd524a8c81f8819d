"""What tests of several rooms share: an empty database of each kind, and a bus in one process."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from bus.identity.keys import Keys, create_keys, load_keys
from bus.storage import Storage, open_storage, upgrade
from tests.a_bus import Bus, a_bus

SQLITE, POSTGRES = "sqlite", "postgres"


@contextmanager
def _administration(server: URL) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True, connect_timeout=5) as connection:
        yield connection


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[URL]:
    """A PostgreSQL database with the bus's tables, to copy; it is dropped at the end."""
    server = make_url(os.environ.get("BUS_TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres"))
    template = server.set(database=f"bus_test_{uuid4().hex[:12]}")
    try:
        with _administration(server) as connection:
            connection.execute(f"CREATE DATABASE {template.database}".encode())
    except psycopg.OperationalError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("no PostgreSQL answers at BUS_TEST_DATABASE_URL")
    storage = open_storage(template.render_as_string(hide_password=False))
    upgrade(storage)
    storage.close()
    yield template
    with _administration(server) as connection:
        connection.execute(f"DROP DATABASE {template.database} WITH (FORCE)".encode())


@pytest.fixture(params=[SQLITE, pytest.param(POSTGRES, marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with the bus's tables and nothing in them: once SQLite, once PostgreSQL."""
    if request.param == SQLITE:
        url = f"sqlite:///{tmp_path / 'bus.db'}"
        storage = open_storage(url)
        upgrade(storage)
        storage.close()
        yield url
        return
    template: URL = request.getfixturevalue("postgres_template")
    scratch = template.set(database=f"{template.database}_{uuid4().hex[:8]}")
    with _administration(template.set(database="postgres")) as connection:
        connection.execute(f"CREATE DATABASE {scratch.database} TEMPLATE {template.database}".encode())
    yield scratch.render_as_string(hide_password=False)
    with _administration(template.set(database="postgres")) as connection:
        connection.execute(f"DROP DATABASE {scratch.database} WITH (FORCE)".encode())


@pytest.fixture
def storage(database_url: str) -> Iterator[Storage]:
    """The database at `database_url`."""
    storage = open_storage(database_url)
    yield storage
    storage.close()


@pytest.fixture(scope="session")
def bus_keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """The keys of a bus."""
    folder = tmp_path_factory.mktemp("keys") / "keys"
    create_keys(folder)
    return load_keys(folder)


@pytest.fixture
async def bus(storage: Storage, bus_keys: Keys, tmp_path: Path) -> AsyncIterator[Bus]:
    """A bus without contracts; see `tests/a_bus.py` for what it can be asked."""
    async with a_bus(storage, bus_keys, tmp_path) as bus:
        yield bus
