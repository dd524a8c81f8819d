"""A village's OpenSID on the bus: both generations of its tables, from an invented MariaDB database to the journal."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from bus.contracts.document import load_contract
from tests.a_bus import Bus
from tests.clients.a_client import install
from tests.contracts.documents import ROOT

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

VILLAGE = "desa-sembung"
SERVER = urlsplit(os.environ.get("BUS_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306"))
COMMON = """
    CREATE TABLE config (kode_desa varchar(10)); INSERT INTO config VALUES ('3524012001');
    CREATE TABLE tweb_keluarga (id int PRIMARY KEY, no_kk {number}, nik_kepala int);
    CREATE TABLE tweb_penduduk (id int PRIMARY KEY, nama varchar(100), nik {number}, id_kk int, sex int, tanggallahir date NULL,
      ibu_nik varchar(16), ayah_nik varchar(16), status_dasar int);
    INSERT INTO tweb_keluarga VALUES (1, 3524011506159001, 1), (2, 0, 2);
    INSERT INTO tweb_penduduk VALUES
      (1, 'Melati Rekaan', 3524016002269001, 1, 2, '2026-02-20', '3524015203889002', '0', 1),
      (2, 'Joko Rekaan', 3524010101409001, 2, 1, '1940-01-01', '', '', 2),
      (3, 'Tanpa NIK', {none}, 1, 1, '0000-00-00', '', '', 1);
"""
OLDER = (
    COMMON.format(number="decimal(16,0)", none="0")
    + """
    CREATE TABLE log_penduduk (id int PRIMARY KEY, id_pend int, id_detail int, tanggal timestamp, bulan varchar(2),
      tahun varchar(4), tgl_peristiwa date, catatan text, no_kk decimal(16,0), nama_kk varchar(100), ref_pindah int);
    INSERT INTO log_penduduk VALUES
      (1, 1, 1, '2026-02-24 08:00:00', '02', '2026', '0000-00-00', '', 0, '', 1),
      (2, 2, 2, '2026-03-02 08:00:00', '03', '2026', '2026-03-01', '', 0, '', 1),
      (3, 3, 1, '2026-03-02 08:00:00', '03', '2026', '2026-03-01', '', 0, '', 1),
      (4, 2, 4, '2026-03-03 08:00:00', '03', '2026', '2026-03-03', '', 0, '', 1);
"""
)
NEWER = (
    COMMON.format(number="varchar(16)", none="'0012345678901234'")
    + """
    CREATE TABLE log_penduduk (id int PRIMARY KEY, id_pend int, kode_peristiwa int, tgl_lapor datetime, tgl_peristiwa datetime,
      meninggal_di varchar(50), alamat_tujuan text, no_kk varchar(16), created_at timestamp, updated_at timestamp);
    INSERT INTO log_penduduk VALUES
      (1, 1, 1, '2026-02-24', '2026-02-20 04:00:00', NULL, NULL, NULL, '2026-02-24 08:00:00', '2026-02-24 08:00:00'),
      (2, 2, 2, '2026-03-02', '2026-03-01 04:00:00', 'RSUD', NULL, NULL, '2026-03-02 08:00:00', '2026-03-02 08:00:00'),
      (3, 3, 1, '2026-03-02', '2026-03-01 04:00:00', NULL, NULL, NULL, '2026-03-02 08:00:00', '2026-03-02 08:00:00'),
      (4, 2, 6, '2026-03-03', '2026-03-03 04:00:00', NULL, NULL, NULL, '2026-03-03 08:00:00', '2026-03-03 08:00:00');
"""
)


@dataclass(frozen=True, slots=True)
class Office:
    """A village's server: its database, and the program with the client beside it."""

    database: str
    folder: Path
    environment: dict[str, str]

    def sql(self, text: str) -> None:
        """Change the village's data."""
        ask_mariadb(text, self.database)

    async def run(self, *arguments: str) -> str:
        """What the program prints."""
        return await asyncio.to_thread(self._run, *arguments)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["php", "opensid.php", *arguments],
            cwd=self.folder,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def ask_mariadb(text: str, *database: str) -> None:
    """Run SQL as the server's administrator, as servers of villages do: without strict modes."""
    command = ["mysql", "-h", SERVER.hostname or "", "-P", str(SERVER.port or 3306), "-u", SERVER.username or "root"]
    environment = os.environ | {"MYSQL_PWD": SERVER.password or ""}
    mode = "SET sql_mode = 'NO_ENGINE_SUBSTITUTION';"
    subprocess.run(
        [*command, *database], input=mode + text, env=environment, text=True, capture_output=True, check=True
    )


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the program, with the client that Composer installed."""
    folder = tmp_path_factory.mktemp("opensid")
    install("php", folder)
    shutil.copy(ROOT / "samples" / "opensid" / "opensid.php", folder)
    return folder


@pytest.fixture
def database() -> Iterator[Callable[[str], str]]:
    """Makes a database with tables and rows; its name."""
    name = f"bus_test_{uuid4().hex[:12]}"
    try:
        ask_mariadb(f"CREATE DATABASE {name}")
    except (OSError, subprocess.CalledProcessError):
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("no MariaDB answers at BUS_TEST_MARIADB_URL")

    def fill(tables: str) -> str:
        ask_mariadb(tables, name)
        return name

    yield fill
    ask_mariadb(f"DROP DATABASE {name}")


def an_office(bus: Bus, url: str, database: str, program: Path, folder: Path) -> Office:
    """A village that the contract names as a producer."""
    shutil.copytree(ROOT / "schemas", folder / "schemas")
    document = folder / "contracts" / "kependudukan" / "peristiwa.yaml"
    document.parent.mkdir(parents=True)
    text = (ROOT / "contracts" / "kependudukan" / "peristiwa.yaml").read_text()
    document.write_text(text.replace("producers: [", f"producers: [{VILLAGE}, "))
    bus.rooms.catalogue.registrar.apply([load_contract(document)], bus.operator)
    bus.reader(VILLAGE)
    client, secret = bus.rooms.participants.add_client(VILLAGE, ("events.publish",), by=bus.operator)
    environment = {
        "OPENSID_DSN": f"mysql:host={SERVER.hostname};port={SERVER.port or 3306};dbname={database}",
        "OPENSID_USER": SERVER.username or "root",
        "OPENSID_PASSWORD": SERVER.password or "",
        "BUS_URL": url,
        "BUS_CLIENT_ID": client.client_id,
        "BUS_CLIENT_SECRET": secret,
        "BUS_SOURCE": f"/{VILLAGE}/opensid",
        "SPOOL_FOLDER": str(folder),
    }
    return Office(database, program, environment)


async def read_journal(bus: Bus) -> list[dict[str, object]]:
    """The data of the events, as the village itself is granted them."""
    answer = await bus.reader(VILLAGE).get("/v1/feeds/kependudukan.peristiwa")
    return [event["data"] for event in answer.json()["events"]]


async def test_newer_tables_are_read(bus: Bus, database: Callable[[str], str], program: Path, tmp_path: Path) -> None:
    async with bus.served() as url:
        office = an_office(bus, url, database(NEWER), program, tmp_path)
        assert await office.run() == "1 wait for a NIK\n2 sent, 0 refused, 0 wait\n", await office.run("refused")
        born, died = await read_journal(bus)
        assert born["kelahiran"] == {"nik_ibu": "3524015203889002", "jenis_kelamin": "perempuan"}
        assert (born["tanggal_peristiwa"], born["nomor_kk"]) == ("2026-02-20", "3524011506159001")
        assert (died["jenis"], died["nik"], "nomor_kk" in died) == ("kematian", "3524010101409001", False)
        assert await office.run() == "1 wait for a NIK\n0 sent, 0 refused, 0 wait\n"


@pytest.mark.parametrize(("code", "kind"), [(3, "pindah"), (5, "datang")])
async def test_a_move_without_a_code_of_the_other_village_is_refused_with_its_place(
    bus: Bus, database: Callable[[str], str], program: Path, tmp_path: Path, code: int, kind: str
) -> None:
    async with bus.served() as url:
        office = an_office(bus, url, database(NEWER), program, tmp_path)
        await asyncio.to_thread(
            office.sql,
            f"INSERT INTO log_penduduk VALUES (5, 2, {code}, '2026-03-04', '2026-03-04', NULL, 'Desa Lain', NULL, "
            "'2026-03-04 08:00:00', '2026-03-04 08:00:00')",
        )
        assert "2 sent, 1 refused" in await office.run()
        assert f"/data/{kind}" in await office.run("refused")


async def test_a_corrected_row_and_a_new_nik_are_sent_later(
    bus: Bus, database: Callable[[str], str], program: Path, tmp_path: Path
) -> None:
    async with bus.served() as url:
        office = an_office(bus, url, database(NEWER), program, tmp_path)
        await office.run()
        office.sql("UPDATE log_penduduk SET tgl_peristiwa = '2026-02-21', updated_at = NOW() WHERE id = 1")
        office.sql("UPDATE tweb_penduduk SET nik = '3524010103269001', ibu_nik = '3524015203889002' WHERE id = 3")
        assert await office.run() == "0 wait for a NIK\n2 sent, 0 refused, 0 wait\n"
        assert [one["tanggal_peristiwa"] for one in await read_journal(bus)][2:] == ["2026-02-21", "2026-03-01"]


async def test_older_tables_are_read_and_what_they_lack_is_mended(
    bus: Bus, database: Callable[[str], str], program: Path, tmp_path: Path
) -> None:
    async with bus.served() as url:
        office = an_office(bus, url, database(OLDER), program, tmp_path)
        assert await office.run() == "1 wait for a NIK\n1 sent, 1 refused, 0 wait\n"
        listed = await office.run("refused")
        assert listed.startswith("2 log-2: /data/kematian")
        (tmp_path / "data.json").write_text(json.dumps({"kematian": {"tempat": "RSUD"}}))
        await office.run("mend", "2", str(tmp_path / "data.json"))
        assert await office.run() == "1 wait for a NIK\n1 sent, 0 refused, 0 wait\n"
        born, died = await read_journal(bus)
        assert (born["tanggal_peristiwa"], born["tanggal_lapor"]) == ("2026-02-20", "2026-02-24")
        assert (died["jenis"], died["tanggal_peristiwa"]) == ("kematian", "2026-03-01")


async def test_a_spool_that_takes_no_more_is_sent_and_the_rest_read_later(
    bus: Bus, database: Callable[[str], str], program: Path, tmp_path: Path
) -> None:
    async with bus.served() as url:
        office = an_office(bus, url, database(OLDER), program, tmp_path)
        await office.run()
        with sqlite3.connect(tmp_path / "opensid.spool") as spool:
            spool.execute("UPDATE spool SET stored = stored - 31 * 24 * 3600")
        spool.close()
        (tmp_path / "data.json").write_text(json.dumps({"kematian": {"tempat": "RSUD"}}))
        await office.run("mend", "2", str(tmp_path / "data.json"))
        office.sql("UPDATE tweb_penduduk SET nik = 3524010103269001, ibu_nik = '3524015203889002' WHERE id = 3")
        full = await office.run()
        assert full.startswith("not all is read: ")
        assert full.endswith("1 wait for a NIK\n1 sent, 0 refused, 0 wait\n")
        assert await office.run() == "0 wait for a NIK\n1 sent, 0 refused, 0 wait\n"


async def test_a_correction_is_seen_though_the_database_is_hours_ahead_of_opensid(
    bus: Bus, database: Callable[[str], str], program: Path, tmp_path: Path
) -> None:
    async with bus.served() as url:
        office = an_office(bus, url, database(NEWER), program, tmp_path)
        await office.run()
        corrected = "tgl_peristiwa = '2026-02-21', updated_at = NOW() - INTERVAL 7 HOUR"
        office.sql(f"UPDATE log_penduduk SET {corrected} WHERE id = 1")
        assert await office.run() == "1 wait for a NIK\n1 sent, 0 refused, 0 wait\n"
        assert await office.run() == "1 wait for a NIK\n0 sent, 0 refused, 0 wait\n"


async def test_a_killed_run_makes_no_second_event(
    bus: Bus, database: Callable[[str], str], program: Path, tmp_path: Path
) -> None:
    async with bus.served() as url:
        office = an_office(bus, url, database(NEWER), program, tmp_path)
        await office.run()
        # As if the run had ended before it noted what it had read.
        (tmp_path / "opensid.state").unlink()
        await office.run()
        assert len(await read_journal(bus)) == 2
