"""`bus pull`: whatever happens on the way, the copy ends in exactly the bus's state, and nothing else is overwritten."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bus.http.cursors import Place, write_place
from bus.journal import begin_epoch
from bus.pull import CopyDiffers, KeyHidden, TargetBusy, TargetFailed, TargetForeign, open_target
from bus.remote import BusRefuses
from tests.a_bus import Bus
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person
from tests.delivery.test_old_events import clean, keep
from tests.pull.a_copy import TABLE, Copy, Told, authorize

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ODD = ["z/1", "é", "\U0001f600", "a b", "..", "'; --", "%s", "\u2028", "b", "B"]


Puller = Callable[..., Awaitable[Told]]


@pytest.fixture
async def pull(bus: Bus) -> AsyncIterator[Puller]:
    """Pulls from a bus that keeps its address."""
    async with bus.served() as address:

        async def run(copy: Copy, **options: Any) -> Told:
            return await asyncio.to_thread(copy.pull, address, authorize(bus, copy.participant), **options)

        yield run


_ANY: dict[str, Any] = {}
ODD_SCHEMA = {
    "type": "object",
    "properties": dict.fromkeys(["nik", "nama", "desa", "tambahan", "SELECT", "bus_key", "NIK", "xmin", "baru"], _ANY)
    | {"nik": {"type": "string"}},
    "required": ["nik"],
}


async def test_a_copy_has_the_bus_s_state_with_odd_keys_and_huge_values(bus: Bus, pull: Puller, copy: Copy):
    bus.apply(a_document(a_grant("dinkes"), schema=ODD_SCHEMA))
    people = {key: a_person(nik=key, nama=f"Rekaan\u2028{key}\n") for key in ODD}
    people["huge"] = a_person(
        nik="huge", nama="é" * 150_000, tambahan={"Nama": 1, "select": [None, 1e300]}, SELECT=True
    )
    await bus.publish_all([*people.values(), a_person(nik="gone")])
    await pull(copy, verifies=True)
    assert copy.read() == people | {"gone": a_person(nik="gone")}
    people["b"] = {"nik": "b", "bus_key": "x", "NIK": "y", "xmin": 3, "baru": 7}
    await bus.publish_all([people["b"]])
    await bus.publish(None, subject="gone")
    told = await pull(copy, verifies=True)
    assert copy.read() == people
    assert told.came == 2
    ((nik, nama, baru),) = copy.query(f"SELECT nik, nama, baru FROM {TABLE} WHERE bus_key = 'b'")
    assert (nik, nama, baru) == ("b", None, "7")


async def test_a_line_that_breaks_off_all_the_time_still_brings_everything(bus: Bus, copy: Copy):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(6000)])
    authorization = authorize(bus)
    streams = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        parts = 0

        async def send_some(message: Any) -> None:
            nonlocal parts, streams
            if scope["path"] == f"/v1/records/{WARGA}" and message["type"] == "http.response.body":
                parts += 1
                streams += parts == 1
                if parts > 1 and streams < 6:
                    raise ConnectionError
            await send(message)

        await bus.edge(scope, receive, send_some)

    async with bus.opened(app) as (address, _):
        await asyncio.to_thread(copy.pull, address, authorization)
    assert streams == 6
    assert copy.read() == {a_nik(n): a_person(n) for n in range(6000)}


async def test_a_changed_grant_leaves_no_field_of_the_grant_before(bus: Bus, pull: Puller, a_file: Copy):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(3)])
    await pull(a_file)
    bus.apply(a_document(a_grant("dinkes", fields=["/nik", "/desa"]), version="1.1.0"))
    bus.rooms.catalogue.registrar.retire(WARGA, "1.0.0", bus.operator)
    await pull(a_file)
    assert all("nama" not in one for one in a_file.read().values())


async def test_a_state_that_the_bus_no_longer_has_is_read_anew(bus: Bus, pull: Puller, a_database: Copy):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(3)])
    await pull(a_database)
    ahead = write_place(WARGA, Place(10**6, 10**6))
    a_database.query(f"UPDATE bus_pull SET cursor = '{ahead}'")
    a_database.query(f"UPDATE {TABLE} SET bus_key = 'only-before-the-restore' WHERE bus_key = '{a_nik(1)}'")
    told = await pull(a_database, verifies=True)
    assert "anew" in told.texts[0]
    assert a_database.read() == {a_nik(n): a_person(n) for n in range(3)}


async def restore_to_now(bus: Bus) -> None:
    """What a restore leaves behind: positions from here on belong to a new epoch."""
    with bus.rooms.storage.write() as transaction:
        begin_epoch(transaction)
    bus.rooms.epochs.refresh()


@pytest.mark.parametrize("is_restored", [True, False])
async def test_a_copy_ends_in_the_state_of_the_bus_after_a_retention_or_a_restore(
    bus: Bus, pull: Puller, a_database: Copy, is_restored: bool
):
    keep(bus, 30)
    await bus.publish_all([a_person(n) for n in range(3)])
    await pull(a_database)
    if is_restored:
        # The copy has a record, and a cursor, that the restore undid.
        a_database.query(f"UPDATE bus_pull SET cursor = '{write_place(WARGA, Place(4, 4))}'")
        a_database.query(f"UPDATE {TABLE} SET bus_key = 'only-before-the-restore' WHERE bus_key = '{a_nik(1)}'")
        await restore_to_now(bus)
    else:
        await bus.publish(None, subject=a_nik(1))
        await bus.publish(a_person(4))
        clean(bus)
    await bus.publish_all([a_person(n) for n in range(5, 8)])
    told = await pull(a_database, verifies=True)
    assert "anew" in told.texts[0]
    expected = {0, 1, 2, 5, 6, 7} if is_restored else {0, 2, 4, 5, 6, 7}
    assert a_database.read() == {a_nik(n): a_person(n) for n in expected}


async def test_a_copy_that_somebody_changed_is_found_and_read_anew(bus: Bus, pull: Puller, copy: Copy):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(n) for n in range(3)])
    await pull(copy)
    copy.query(f"DELETE FROM {TABLE} WHERE bus_key = '{a_nik(1)}'")
    with pytest.raises(CopyDiffers):
        await pull(copy, verifies=True)
    await pull(copy, verifies=True)
    assert copy.read() == {a_nik(n): a_person(n) for n in range(3)}


async def test_a_file_that_somebody_changed_is_found_and_written_anew(bus: Bus, pull: Puller, a_file: Copy):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    await pull(a_file)
    assert a_file.mode & 0o077 == 0
    a_file.overwrite("{}\n")
    with pytest.raises(CopyDiffers):
        await pull(a_file, verifies=True)
    await pull(a_file, verifies=True)
    assert a_file.read() == {a_nik(1): a_person(1)}


async def test_without_a_key_there_is_no_copy(bus: Bus, pull: Puller, a_file: Copy):
    bus.apply(a_document(a_grant("dinkes", fields=["/nama"])))
    await bus.publish(a_person(1))
    with pytest.raises(KeyHidden):
        await pull(a_file)
    assert not a_file.exists


async def test_a_grant_that_is_not_there_is_told_and_leaves_the_copy(bus: Bus, pull: Puller, a_file: Copy):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    await pull(a_file)
    with pytest.raises(BusRefuses):
        await pull(Copy(a_file.target, "bapenda"))
    assert a_file.read() == {a_nik(1): a_person(1)}


def test_two_pulls_at_once_are_refused(copy: Copy, database_url: str):
    with open_target(copy.target, WARGA), pytest.raises(TargetBusy), open_target(copy.target, WARGA):
        pass
    with open_target(copy.target, WARGA):
        pass


def test_what_another_made_is_not_overwritten(copy: Copy, tmp_path: Path, database_url: str):
    if "://" in copy.target:
        copy.query(f"CREATE TABLE {TABLE} (mine TEXT)")
    else:
        copy.overwrite("mine")
    with pytest.raises(TargetForeign), open_target(copy.target, WARGA):
        pass
    assert not (tmp_path / ".copy.ndjson.pull.db").exists()


@pytest.mark.parametrize("beside", [".copy.ndjson.pull.db", ".copy.ndjson.pull.db.lock"])
def test_no_copy_goes_where_a_link_that_somebody_laid_leads(
    a_file: Copy, tmp_path: Path, database_url: str, beside: str
):
    theirs = tmp_path / "theirs"
    theirs.touch()
    (tmp_path / beside).symlink_to(theirs)
    with pytest.raises(TargetFailed), open_target(a_file.target, WARGA):
        pass
    assert theirs.read_bytes() == b""


def test_no_copy_goes_into_a_hidden_file_that_others_may_read(a_file: Copy, tmp_path: Path, database_url: str):
    theirs = tmp_path / ".copy.ndjson.pull.db"
    theirs.touch()
    theirs.chmod(0o644)
    with pytest.raises(TargetForeign, match="Others may read"), open_target(a_file.target, WARGA):
        pass
    assert theirs.read_bytes() == b""


def test_a_target_of_another_contract_is_refused(copy: Copy, database_url: str):
    # Both names would give the same table.
    with open_target(copy.target, WARGA) as target:
        target.store.begin("bus")
    with pytest.raises(TargetForeign, match=WARGA), open_target(copy.target, "kependudukan-warga"):
        pass


def test_a_pull_that_was_never_answered_leaves_the_target_free(copy: Copy, database_url: str):
    # A misspelt name, or a bus that was away, took the target for ever.
    with open_target(copy.target, "kependudukan-warga"):
        pass
    with open_target(copy.target, WARGA) as target:
        target.store.begin("bus")
        assert target.store.count() == 0
    with open_target(copy.target, WARGA) as target:
        assert target.store.state.origin == "bus"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, database_url: str):
    absent = tmp_path / "folder satu"
    with pytest.raises(TargetFailed, match=f"There is no folder {absent}"), open_target(f"{absent}/copy.csv", WARGA):
        pass
