"""What tests of several rooms share: an empty database of each kind, and a bus in one process."""

import gc
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import URL, make_url

from bus.identity.keys import Keys, create_keys, load_keys
from bus.storage import Storage, metadata, open_storage, upgrade
from tests.a_bus import Bus, a_bus
from tests.compiled_once import share_compiled_statements

# No property depends on how fast the machine is just now.
settings.register_profile("bus", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("bus"), max_examples=20)
settings.register_profile("thorough", settings.get_profile("bus"), max_examples=400)
settings.load_profile("bus")

share_compiled_statements()

# Without bytecode, each process of a test would compile the product again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

SQLITE, POSTGRES = "sqlite", "postgres"
_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_PROCESSES = frozenset(
    {"asyncapi", "attacks", "cli", "clients", "conformance", "journeys", "packaging", "samples", "services"}
)
"""Folders whose tests start processes."""
_STORED = frozenset({"http", "identity", "journal", "refusals", "storage"})
"""Folders whose tests make databases of their own."""
_DATABASES = frozenset({"bus_keys", "database_url", "postgres_url", "sqlite_template"})
"""Fixtures that make a database, or what belongs to one."""
_LARGE = "SELECT quote_ident(relname) FROM pg_class WHERE relname = ANY(%s) AND pg_relation_size(oid) > 40000"
_FREE = "ALTER TABLE actions {} TRIGGER USER"
"""The database keeps the action log from those who would empty it."""
_BEGUN = "SELECT quote_ident(sequencename) FROM pg_sequences WHERE last_value IS NOT NULL"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Spare `make quick` the import of tests that it does not run."""
    if config.getoption("markexpr") == "unit" and collection_path.parent == Path(__file__).parent:
        return True if collection_path.name in _PROCESSES | _STORED else None
    return None


def pytest_collection_finish() -> None:
    """Keep the collector of garbage from looking through ten thousand tests again and again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it needs: nothing, a database, or processes. A module may say itself what its tests need."""
    for item in items:
        if any(item.get_closest_marker(name) for name in ("process", "database", "heavy", "unit")):
            continue
        folder = Path(item.nodeid).parts[1]
        needs_database = folder in _STORED or not _DATABASES.isdisjoint(getattr(item, "fixturenames", ()))
        item.add_marker("process" if folder in _PROCESSES else "database" if needs_database else "unit")


@contextmanager
def _administration(server: URL) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True, connect_timeout=5) as connection:
        yield connection


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the bus's tables, to copy."""
    path = tmp_path_factory.mktemp("template") / "bus.db"
    _make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL database with the bus's tables, made for this session; it is dropped at the end."""
    server = make_url(os.environ.get("BUS_TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres"))
    scratch = server.set(database=f"bus_test_{uuid4().hex[:12]}")
    try:
        with _administration(server) as connection:
            connection.execute(f"CREATE DATABASE {scratch.database}".encode())
    except psycopg.OperationalError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("no PostgreSQL answers at BUS_TEST_DATABASE_URL")
    url = scratch.render_as_string(hide_password=False)
    _make_tables(url)
    yield url
    with _administration(server) as connection:
        connection.execute(f"DROP DATABASE {scratch.database} WITH (FORCE)".encode())


def _make_tables(url: str) -> None:
    storage = open_storage(url)
    upgrade(storage)
    storage.close()


@pytest.fixture(params=[SQLITE, pytest.param(POSTGRES, marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with the bus's tables and nothing in them: once SQLite, once PostgreSQL."""
    if request.param == SQLITE:
        copy = tmp_path / "bus.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), copy)
        return f"sqlite:///{copy}"
    url: str = request.getfixturevalue("postgres_url")
    with _administration(make_url(url)) as connection:
        # What a test left behind (a killed process) may hold locks.
        connection.execute(_END_OTHERS)
        _empty(connection)
    return url


def _empty(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Leave nothing in the bus's tables. To truncate all of them takes 0.2 s, most of it for tables that hold a page or none."""
    names = [table.name for table in reversed(metadata.sorted_tables)]
    large = [str(row[0]) for row in connection.execute(_LARGE, (names,))]
    truncated = [f"TRUNCATE {', '.join(large)} CASCADE"] if large else []
    begun = [f"ALTER SEQUENCE {row[0]} RESTART" for row in connection.execute(_BEGUN)]
    emptied = [f'DELETE FROM "{name}"' for name in names]
    connection.execute(
        "; ".join([_FREE.format("DISABLE"), *truncated, *emptied, _FREE.format("ENABLE"), *begun]).encode()
    )


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
