"""The operator's recipe for two roles on PostgreSQL: one owns the tables, and the server's own can change rows alone."""

import os
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy.engine import make_url

from tests.contracts.documents import ROOT
from tests.forked import run_bus
from tests.services.agreements import RECORD, an_agreed_event
from tests.services.fixtures import MakeBus
from tests.services.receiver import Receiver
from tests.services.waiting import until

_NAMES = ("bus_owner", "bus_app")


@dataclass(frozen=True, slots=True)
class Roles:
    """URLs of one database, as the owner of its tables and as the server."""

    owner: str
    app: str


@pytest.fixture
def roles(database: str) -> Iterator[Roles]:
    """The roles that the recipe of the operator's page makes, with names and passwords of this test's own."""
    suffix, password = secrets.token_hex(6), secrets.token_hex(12)
    names = [f"{name}_{suffix}" for name in _NAMES]
    recipe = re.sub("|".join(_NAMES), lambda found: f"{found[0]}_{suffix}", _recipe()).replace("…", password)
    with psycopg.connect(database, autocommit=True) as superuser:
        superuser.execute(recipe.encode())
    url = make_url(database).set(password=password)
    try:
        yield Roles(*(url.set(username=name).render_as_string(hide_password=False) for name in names))
    finally:
        _drop(database, names)


def _recipe() -> str:
    found = re.search(r"```sql\n(.+?)```", (ROOT / "docs/operators.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def _drop(database: str, names: Sequence[str]) -> None:
    with psycopg.connect(database, autocommit=True) as superuser:
        for name in names:
            superuser.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
        for name in names:
            superuser.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def run(data: Path, *arguments: str) -> str:
    """What a command prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BUS_")}
    ran = run_bus(*arguments, "--data", str(data), environment=environment, seconds=120)
    ran.check_returncode()
    return ran.stdout


def initialise(data: Path, roles: Roles) -> None:
    """Make the bus as the page says: the owner makes the tables, then the server's role is kept."""
    assert "client_secret" in run(data, "init", "--database-url", roles.owner)
    assert "kept anew" in run(data, "init", "--database-url", roles.app)


def test_a_server_whose_role_may_only_change_rows_does_all_its_work(
    roles: Roles, make_bus: MakeBus, receiver: Receiver, tmp_path: Path
) -> None:
    initialise(tmp_path, roles)
    bus, sink = make_bus(roles.app), receiver.sink("least-rights")
    bus.subscribe(sink)
    process = bus.start().until_ready()
    position, _ = bus.publish(an_agreed_event("satu"), an_agreed_event("dua", RECORD, kunci="a"))
    until(lambda: sink.ids())
    with bus.client() as client:
        assert client.get(f"/v1/events/{position}").json()["event"]["id"] == "satu"
    assert "keys.rotate" not in run(tmp_path, "actions")
    run(tmp_path, "keys", "rotate")
    assert "keys.rotate" in run(tmp_path, "actions")
    assert process.stop() == 0
    assert "permission denied" not in process.log.read_text()


def test_the_servers_role_changes_no_table_and_the_owners_is_kept_nowhere(roles: Roles, tmp_path: Path) -> None:
    initialise(tmp_path, roles)
    kept = (tmp_path / "settings.json").read_text()
    assert ("bus_app" in kept, "bus_owner" in kept) == (True, False)
    with psycopg.connect(roles.app, autocommit=True) as server:
        for statement in (
            "CREATE TABLE mine (a int)",
            "ALTER TABLE journal ADD COLUMN a int",
            "DROP TABLE actions",
            "TRUNCATE actions",
            "ALTER TABLE actions DISABLE TRIGGER ALL",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                server.execute(statement.encode())
