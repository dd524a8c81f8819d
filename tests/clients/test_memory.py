"""A snapshot is read in constant memory."""

import re
from pathlib import Path

from clients.scenario_server import Scenario, a_scenario_server
from tests.clients.a_client import Client, Installed

RECORDS, BYTES = 25_000, 1000
"""A client that keeps them takes 25 MB at least, and Node, whose texts are wider, 50."""
MOST_MEGABYTES = {"node": 40}


def test_a_snapshot_of_any_size_takes_the_same_memory(installed: Installed, tmp_path: Path) -> None:
    with a_scenario_server() as (url, server), Client(installed) as client:
        client.do(op="open", url=url, id="i", secret="s", source="/uji", spool=str(tmp_path / "spool"), options={})
        for count in (3000, RECORDS):
            before = _find_peak(client)
            stream = {
                "sequences": [str(number) for number in range(count)],
                "trailer": {"next": "c1"},
                "bytes": BYTES,
            }
            server.scenario = Scenario({"/v1/records/a.b": [{"stream": stream}]})
            assert client.do(op="count_snapshot", contract="a.b") == count
        grown = _find_peak(client) - before
        assert grown < MOST_MEGABYTES.get(installed.program[0], 15), grown


def _find_peak(client: Client) -> float:
    """The most memory that the client's process had, in megabytes."""
    status = Path(f"/proc/{client.process.pid}/status").read_text()
    (kibibytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kibibytes) / 1024
