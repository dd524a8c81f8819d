"""Commands that change something leave an entry each, with the operating system's user; `bus actions` shows them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from alembic import command as migrations

from bus import json
from bus.actions.action import Action, Object, Verb
from bus.actions.actor import Channel, identify_operator
from bus.actions.log import ActionLog
from bus.cli import make_command_line
from bus.cli.workspace import open_workspace
from bus.storage import open_storage
from bus.storage.migrate import _make_config
from bus.storage.transaction import get_connection
from tests.an_actor import actions, an_actor, last_action
from tests.cli.a_changing_command import CHANGING, NAME, NOT_CHANGING, OF_THEIR_OWN, add_participant
from tests.cli.a_command import Commands, commands


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    with commands(tmp_path, monkeypatch, capsys) as run:
        yield run


def noted(bus: Commands, after: int = 0) -> list[Action]:
    storage = open_storage(f"sqlite:///{bus.folder / 'data' / 'bus.db'}")
    found = actions(storage, after)
    storage.close()
    return found


def newest(bus: Commands) -> int:
    with open_workspace(bus.folder / "data") as workspace:
        return last_action(workspace.storage)


def _make_tables_of(url: str, version: str) -> None:
    storage, config = open_storage(url), _make_config()
    with storage.write() as transaction:
        config.attributes["connection"] = get_connection(transaction)
        migrations.upgrade(config, version)
    storage.close()


def _leaves(command: Any, name: str = "") -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield name
        return
    for word, one in below.items():
        yield from _leaves(one, f"{name} {word}".strip())


def test_every_command_is_known_to_change_something_or_not():
    known = set(CHANGING) | OF_THEIR_OWN | set(NOT_CHANGING)
    assert set(_leaves(typer.main.get_command(make_command_line([])))) == known


@pytest.mark.parametrize("command", CHANGING)
def test_a_command_that_changes_something_leaves_its_entries(bus: Commands, command: str):
    prepare, verbs = CHANGING[command]
    arguments = prepare(bus)
    after = newest(bus)
    ran = bus(*arguments)
    assert ran.code == 0, ran.err
    told = noted(bus, after)
    assert [one.what for one in told] == verbs
    me = identify_operator(Channel.CLI)
    assert {(one.by.participant, one.by.user, one.by.address, one.by.channel) for one in told} == {
        ("operator", me.user, me.address, Channel.CLI)
    }


def test_init_is_told_once(bus: Commands):
    assert bus("init").code == 0
    (told,) = noted(bus)
    assert (told.what, told.by.user) == (Verb.BUS_INIT, identify_operator(Channel.CLI).user)
    assert (told.after or {}).keys() == {"client_id", "scopes"}


def test_an_upgrade_of_the_tables_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "data").mkdir()
    _make_tables_of(f"sqlite:///{tmp_path / 'data' / 'bus.db'}", "0001")
    monkeypatch.setenv("BUS_DATA_DIR", str(tmp_path / "data"))
    run = Commands(tmp_path, monkeypatch, capsys)
    assert run("init").code == 0
    told = noted(run)
    assert [one.what for one in told] == [Verb.BUS_UPGRADE, Verb.BUS_INIT]
    assert told[0].before == {"tables": "0001"}


def test_keys_that_are_made_anew_for_a_bus_are_told(bus: Commands):
    (bus.folder / "data" / "keys").rename(bus.folder / "lost")
    assert bus("init", "--keys-are-lost").code == 0
    assert [one.what for one in noted(bus)] == [Verb.BUS_INIT, Verb.KEYS_CREATE]


def test_a_command_that_fails_leaves_no_entry(bus: Commands):
    add_participant(bus)
    after = newest(bus)
    assert bus("participant", "add", "bapenda", "--kind", "app").code == 1
    assert bus("contract", "retire", NAME, "1.0.0").code == 1
    assert noted(bus, after) == []


def test_what_is_applied_again_leaves_no_entry(bus: Commands):
    document = bus.written()
    bus("contract", "apply", "--grants-seen", document)
    after = newest(bus)
    assert bus("contract", "apply", "--grants-seen", document).code == 0
    assert bus("contract", "apply", "--grants-seen", document, "--dry-run").code == 0
    assert noted(bus, after) == []


def test_actions_are_listed_for_people(bus: Commands):
    add_participant(bus)
    first = bus("actions").out.splitlines()[0].split("\t")
    assert first[2:5] == ["participant.add", "participant bapenda", "done"]
    assert f"operator {identify_operator(Channel.CLI).user}" in first[1]


def test_actions_are_listed_as_json(bus: Commands):
    add_participant(bus)
    (told,) = map(json.loads, bus("actions", "--json", "--what", "participant.add").out.splitlines())
    assert (told["object"], told["channel"]) == ({"kind": "participant", "id": "bapenda"}, "cli")


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (["--who", "operator"], 2),
        (["--who", "bapenda"], 0),
        (["--object", "bapenda"], 1),
        (["--limit", "1"], 1),
        (["--since", "2020-01-01"], 2),
        (["--until", "2020-01-01T00:00:00+07:00"], 0),
    ],
)
def test_actions_are_narrowed(bus: Commands, options: list[str], lines: int):
    add_participant(bus)
    assert len(bus("actions", *options).out.splitlines()) == lines


def test_a_time_that_is_none_is_wrong_usage(bus: Commands):
    assert bus("actions", "--since", "kemarin").code == 2


def test_a_terminal_is_not_steered_by_what_an_entry_holds(bus: Commands):
    with open_workspace(bus.folder / "data") as workspace:
        hostile = an_actor("\x1b[2J\nbapenda", client_id="client_\x1b[1A", user="\u202ebudi")
        ActionLog(workspace.storage).record([Action(Verb.CLIENT_ADD, hostile, Object("client", "a\r\n\x9b1A"))])
    (line,) = bus("actions", "--what", "client.add").out.splitlines()
    assert line.replace("\t", "").isprintable()
