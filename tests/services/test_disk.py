"""A full disk: new events are refused, none that was acknowledged is lost, and nothing has to be started again."""

import resource
import sys

import pytest

from bus.journal import JournalReader
from tests.services.agreements import an_agreed_event
from tests.services.fixtures import MakeBus
from tests.services.receiver import Receiver
from tests.services.running import Bus, Process, post
from tests.services.waiting import until

LARGE = "x" * 20_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the files of another process")
def test_a_process_that_cannot_write_refuses_and_goes_on_when_it_can(make_bus: MakeBus, receiver: Receiver) -> None:
    bus, sink = make_bus(), receiver.sink("disk")
    bus.subscribe(sink)
    process = bus.start()
    acknowledged = bus.publish(an_agreed_event("disk-0"))
    limit_files(process, (bus.data / "bus.db-wal").stat().st_size + 100_000)
    acknowledged += until_refused(bus)
    limit_files(process, resource.RLIM_INFINITY)
    client = bus.client()
    until(lambda: post(client, an_agreed_event("disk-after")).status_code == 202)
    assert acknowledged == list(range(1, len(acknowledged) + 1))
    assert set(JournalReader(bus.storage).at(acknowledged)) == set(acknowledged)
    sink.waits_for("disk-after", *(f"disk-{number}" for number in range(len(acknowledged))))


def limit_files(process: Process, most: int) -> None:
    """No file of a process may grow beyond so many bytes: a disk that is full, for it alone."""
    resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def until_refused(bus: Bus) -> list[int]:
    """Publish until the bus has no room; the positions of what it took."""
    positions: list[int] = []
    with bus.client() as client:
        for number in range(1, 100):
            answer = post(client, an_agreed_event(f"disk-{number}", isi=LARGE))
            if answer.status_code != 202:
                assert answer.status_code in (503, 507)
                return positions
            positions.append(answer.json()["position"])
    raise AssertionError("it never was full")
