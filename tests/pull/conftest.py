"""Targets of pulls."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.pull.a_copy import TABLE, Copy


@pytest.fixture(params=["ndjson", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Copy]:
    """A new target."""
    if request.param != "postgres":
        yield Copy(str(tmp_path / "copy.ndjson") if request.param == "ndjson" else f"sqlite:///{tmp_path}/copy.db")
        return
    url: str = request.getfixturevalue("postgres_url")
    yield Copy(url)
    with psycopg.connect(url) as connection:
        connection.execute(f"DROP TABLE IF EXISTS bus_pull, {TABLE}".encode())


@pytest.fixture
def a_file(tmp_path: Path) -> Copy:
    """A new file as a target."""
    return Copy(str(tmp_path / "copy.ndjson"))


@pytest.fixture
def a_database(tmp_path: Path) -> Copy:
    """A new SQLite database as a target."""
    return Copy(f"sqlite:///{tmp_path}/copy.db")
