"""Back-ups: a bus comes back whole from its folder, and what does not fit is refused with nothing changed."""

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest
import sqlalchemy as sa

from bus import json
from bus.actions import Verb
from bus.backup import BackupRefused, RestoreRefused, RestoreUnfinished, make_backup, restore_backup
from bus.backup.files import digest_file, list_files
from bus.delivery.subscriptions import Subscriptions
from bus.identity import Undecryptable, create_keys, load_keys
from bus.journal import Epochs
from bus.settings import Settings, load_settings
from bus.storage import Storage, open_storage
from tests.an_actor import OPERATOR, actions
from tests.backup.conftest import Made

EmptyPlace = Callable[[], Settings]
OTHER_KIND = {"sqlite": "postgresql://127.0.0.1:1/none", "postgresql": "sqlite:///{folder}/bus.db"}


def back_up(made: Made, folder: Path, recipient: str | None = None) -> Path:
    return make_backup(made.settings, made.storage, folder, recipient, OPERATOR).folder


def secrets_of(settings: Settings) -> list[object]:
    """Of all subscriptions, as the bus reads them with its own keys."""
    storage = open_storage(settings.database)
    try:
        return [one.secrets for one in Subscriptions(storage, load_keys(settings.data_dir / "keys")).listed(None)]
    finally:
        storage.close()


def acts(storage: Storage) -> list[Verb]:
    return [one.what for one in actions(storage)]


def test_a_bus_comes_back_whole(made: Made, an_empty_place: EmptyPlace, tmp_path: Path):
    folder = back_up(made, tmp_path / "copy")
    place = an_empty_place()
    restored = restore_backup(folder, place, None, OPERATOR)
    assert secrets_of(place) == secrets_of(made.settings) != []
    assert restored.schema == json.loads((folder / "manifest.json").read_bytes())["schema"]
    storage = open_storage(place.database)
    with storage.read() as transaction:
        assert transaction.value(sa.text("SELECT count(*) FROM clients")) == 1
    storage.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_else_can_read_a_back_up_or_what_came_of_it(made: Made, an_empty_place: EmptyPlace, tmp_path: Path):
    folder = back_up(made, tmp_path / "copy")
    place = an_empty_place()
    restore_backup(folder, place, None, OPERATOR)
    for path in [folder, *folder.rglob("*"), place.data_dir, *(place.data_dir / "keys").iterdir()]:
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path


def test_a_restored_bus_begins_an_epoch_behind_its_journal(made: Made, an_empty_place: EmptyPlace, tmp_path: Path):
    place = an_empty_place()
    restore_backup(back_up(made, tmp_path / "copy"), place, None, OPERATOR)
    storage = open_storage(place.database)
    epochs, before = Epochs(storage), Epochs(made.storage)
    epochs.refresh()
    before.refresh()
    assert (before.current, epochs.current > 0, epochs.find_common(0, 1)) == (0, True, 0)
    storage.close()


def test_who_backed_up_and_who_restored_is_in_the_action_log(made: Made, an_empty_place: EmptyPlace, tmp_path: Path):
    place = an_empty_place()
    restore_backup(back_up(made, tmp_path / "copy"), place, None, OPERATOR)
    assert Verb.BUS_BACKUP in acts(made.storage)
    storage = open_storage(place.database)
    assert Verb.BUS_RESTORE in acts(storage)
    storage.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_encrypted_back_up_holds_nothing_in_the_open_and_opens_for_its_recipient_alone(
    made: Made, an_empty_place: EmptyPlace, tmp_path: Path
):
    mine, anothers = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    key, wrong = tmp_path / "key.txt", tmp_path / "wrong.txt"
    key.write_text(f"# created: 2026-11-28\n# public key: {mine.to_public()}\n{mine}\n")
    wrong.write_text(str(anothers))
    folder = back_up(made, tmp_path / "copy", str(mine.to_public()))
    plain = (made.settings.data_dir / "keys" / "pseudonym").read_bytes()
    for path in folder.rglob("*"):
        assert path.is_dir() or path.name == "manifest.json" or path.suffix == ".age"
        assert path.is_dir() or (plain not in path.read_bytes() and b"bapenda" not in path.read_bytes())
    assert not list(made.settings.data_dir.glob(".backup*"))
    place = an_empty_place()
    for identity in (None, wrong, tmp_path / "copy" / "manifest.json"):
        with pytest.raises(RestoreRefused):
            restore_backup(folder, place, identity, OPERATOR)
    restore_backup(folder, place, key, OPERATOR)
    assert secrets_of(place) == secrets_of(made.settings)


def break_a_byte(folder: Path) -> None:
    (path,) = folder.glob("bus.*")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lose_a_key(folder: Path) -> None:
    (folder / "keys" / "pseudonym").unlink()


def cut_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": 1, "made_at"')


def lose_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def change(name: str, value: object) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        (folder / "manifest.json").write_bytes(json.dumps(manifest | {name: value}))

    return rewrite


BROKEN = {
    "a byte that differs": (break_a_byte, "is not as it was written"),
    "a key that is missing": (lose_a_key, "not whole"),
    "half a manifest": (cut_the_manifest, "damaged"),
    "no manifest": (lose_the_manifest, "no back-up"),
    "a later version's tables": (change("schema", "9999"), "install that or a later one"),
    "a later form": (change("format", 2), "install a later one"),
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("break_it", "told"), BROKEN.values(), ids=BROKEN)
def test_a_back_up_that_is_not_whole_becomes_no_bus(
    made: Made, an_empty_place: EmptyPlace, tmp_path: Path, break_it: Callable[[Path], None], told: str
):
    folder = back_up(made, tmp_path / "copy")
    break_it(folder)
    place = an_empty_place()
    with pytest.raises(RestoreRefused, match=told):
        restore_backup(folder, place, None, OPERATOR)
    assert not place.data_dir.exists()
    restore_backup(back_up(made, tmp_path / "another"), place, None, OPERATOR)


def test_a_bus_is_not_restored_where_a_bus_is(made: Made, an_empty_place: EmptyPlace, tmp_path: Path):
    folder = back_up(made, tmp_path / "copy")
    before = secrets_of(made.settings)
    with pytest.raises(RestoreRefused, match="has the keys of a bus"):
        restore_backup(folder, made.settings, None, OPERATOR)
    database = load_settings(data_dir=tmp_path / "new", database_url=made.settings.database_url)
    with pytest.raises(RestoreRefused, match="--database-url"):
        restore_backup(folder, database, None, OPERATOR)
    assert secrets_of(made.settings) == before
    assert not (tmp_path / "new" / "keys").exists()


def test_a_back_up_of_another_kind_of_database_is_refused(made: Made, tmp_path: Path):
    folder = back_up(made, tmp_path / "copy")
    kind = json.loads((folder / "manifest.json").read_bytes())["database"]
    url = OTHER_KIND[kind].format(folder=tmp_path / "new")
    with pytest.raises(RestoreRefused, match=kind):
        restore_backup(folder, load_settings(data_dir=tmp_path / "new", database_url=url), None, OPERATOR)


def test_keys_that_do_not_open_the_secrets_leave_no_bus_and_say_what_is_there(
    made: Made, an_empty_place: EmptyPlace, tmp_path: Path
):
    folder = back_up(made, tmp_path / "copy")
    shutil.rmtree(folder / "keys")
    create_keys(folder / "keys")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    files = {name: digest_file(folder / name) for name in list_files(folder) if name != "manifest.json"}
    (folder / "manifest.json").write_bytes(json.dumps(manifest | {"files": files}))
    place = an_empty_place()
    is_loaded = manifest["database"] != "sqlite"
    with pytest.raises(RestoreUnfinished if is_loaded else RestoreRefused, match="do not open") as told:
        restore_backup(folder, place, None, OPERATOR)
    assert ("empty that" in told.value.detail) is is_loaded
    assert not (place.data_dir / "keys").exists()


def test_keys_of_another_bus_are_noticed_when_the_back_up_is_made(made: Made, tmp_path: Path):
    (made.settings.data_dir / "keys").rename(tmp_path / "old")
    create_keys(made.settings.data_dir / "keys")
    with pytest.raises(Undecryptable):
        back_up(made, tmp_path / "copy")
    assert list(tmp_path.glob("copy*")) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("recipient", ["", "age1", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1"])
def test_a_recipient_that_is_none_is_refused(made: Made, tmp_path: Path, recipient: str):
    with pytest.raises(BackupRefused, match="age1"):
        back_up(made, tmp_path / "copy", recipient)
    assert list(tmp_path.glob("copy*")) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_folder_that_holds_something_is_left_as_it_is(made: Made, tmp_path: Path):
    folder = back_up(made, tmp_path / "copy")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(BackupRefused, match="does not exist"):
        back_up(made, folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_back_up_under_way_is_not_disturbed_by_a_second(made: Made, tmp_path: Path):
    (tmp_path / "copy.partial").mkdir()
    (tmp_path / "copy.partial" / "bus.db").touch()
    with pytest.raises(BackupRefused, match="broken off"):
        back_up(made, tmp_path / "copy")
    assert (tmp_path / "copy.partial" / "bus.db").exists()
