"""The spool on a full disk: `publish` says so, nothing is half written, and all goes on when there is room."""

from pathlib import Path

from clients.scenario_server import Scenario, a_scenario_server
from tests.builders import Document
from tests.clients.a_client import Client, Installed
from tests.clients.a_disk import BoundedFiles, Disk, a_disk


def an_event(event_id: str, size: int = 100) -> Document:
    return {"type": "a.b", "id": event_id, "data": {"x": "x" * size}}


def check_that_a_spool_survives(disk: Disk, installed: Installed) -> None:
    """Publish before, on and behind a full disk; what was kept arrives whole, in order and once."""
    with a_scenario_server() as (url, server), Client(installed, ignore_signals=True) as client:
        server.scenario = scenario = Scenario()
        place = {"url": url, "id": "i", "secret": "s", "source": "/desa/uji", "options": {}}
        process = client.process.pid
        client.do(op="open", spool=str(disk.folder / "spool"), **place)
        assert client.do(op="spool.publish", event=an_event("e1")) == "e1"
        disk.fill(process)
        assert client.do(op="spool.publish", event=an_event("e2", 100_000))["error"] == "SpoolFull"
        filled = client.do(op="spool.fill", event=an_event("e3"), most=400, bytes=4000)
        assert filled["filled"] is True
        # The bus may get what waits. If the spool cannot note it, it says so, and sends the same again later.
        sent = client.do(op="spool.send")
        assert sent["error"] in (None, "SpoolFull"), sent
        disk.empty(process)
        assert client.do(op="spool.publish", event=an_event("e4", 100_000)) == "e4"
        assert client.do(op="spool.send")["waiting"] == 0
        assert client.do(op="spool.send") == {"sent": 0, "refused": 0, "waiting": 0, "error": None}
        kept = ["e1", *["e3"] * min(filled["count"], 1), "e4"]
        assert [event["id"] for event in scenario.accepted] == kept
        assert scenario.accepted[-1]["data"] == an_event("e4", 100_000)["data"]
        disk.fill(process)
        opened = client.do(op="open", spool=str(disk.folder / "another"), **place)
        assert opened is None or opened["error"] == "SpoolFull"
        disk.empty(process)


def test_a_full_disk_is_told_and_loses_nothing(installed: Installed, tmp_path: Path) -> None:
    with a_disk(tmp_path / "disk") as disk:
        check_that_a_spool_survives(disk, installed)


def test_a_quota_is_told_as_a_full_disk_is(installed: Installed, tmp_path: Path) -> None:
    check_that_a_spool_survives(BoundedFiles(tmp_path), installed)
