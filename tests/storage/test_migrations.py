"""Upgrades in place: what a database of an earlier version holds is still there, in today's form."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from bus import json
from bus.contracts.lifecycle import State
from bus.contracts.registered import Move, version_of
from bus.storage import Storage, open_storage, pending_migrations, upgrade
from bus.storage.migrate import _config
from tests.contracts.documents import a_document

VERSIONS = sa.table(
    "contract_versions",
    *(
        sa.column(name)
        for name in (
            "contract_id",
            "version",
            "state",
            "document",
            "created_at",
            "created_by",
            "changed_at",
            "changed_by",
        )
    ),
)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """A database as the first version made it."""
    storage = open_storage(f"sqlite:///{tmp_path / 'bus.db'}")
    with storage.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    yield storage
    storage.close()


def test_a_contract_version_keeps_what_is_known_of_its_history(storage: Storage) -> None:
    with storage.write() as connection:
        connection.execute(sa.text("INSERT INTO contracts (name) VALUES ('kependudukan.uji')"))
        for version, state in (("1.0.0", "active"), ("2.0.0", "draft")):
            document = json.canonical(a_document(version=version))
            row = (1, version, state, document, 1, "dukcapil-lamongan", 2, "operator")
            connection.execute(sa.insert(VERSIONS).values(row))
    assert upgrade(storage)
    with storage.read() as connection:
        histories = [version_of(connection, "kependudukan.uji", version).history for version in ("1.0.0", "2.0.0")]
    drafted = Move(State.DRAFT, 1, "dukcapil-lamongan")
    assert histories == [(drafted, Move(State.ACTIVE, 2, "operator")), (drafted,)]


def test_an_upgrade_is_done_once(storage: Storage) -> None:
    assert pending_migrations(storage)
    assert [upgrade(storage), upgrade(storage)] == [True, False]
