"""Attacks on memory: after a flood of heads and bodies, the process needs little more memory than before."""

import sys
from pathlib import Path
from typing import Final

import pytest

from tests.attacks.beside import Attack, attacking, published
from tests.services.agreements import CONSUMERS, FACT, an_agreed_event
from tests.services.fixtures import MakeBus
from tests.services.receiver import Receiver, answers, takes
from tests.services.running import Process
from tests.services.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the memory of a process in /proc")

_MOST: Final = 1.2
"""The memory after the floods, in multiples of the memory before: pools of the allocator stay."""
_BACKLOG: Final = 200 * 1024 * 1024
"""The bytes that a backlog of 240 MB may take: the room for bodies, what a view copies of them, and the allocator's pools."""
_BATCH: Final = {"content-type": "application/cloudevents-batch+json"}
_FIELDS: Final = b"".join(b"x-%d: %b\r\n" % (number, b"y" * 150) for number in range(95))
_OBJECTS: Final = b"[" + b"{}," * 300_000 + b"{}]"
_LARGE: Final = b'{"specversion":"1.0","id":"1","source":"/uji","type":"%b","data":%b}' % (FACT.encode(), _OBJECTS)
_FLOODS: Final = [
    Attack(garbage=b"GET /healthz HTTP/1.1\r\nhost: bus\r\n" + _FIELDS, at_once=64),
    Attack("/v1/events", b"[" * 1_000_000, _BATCH, at_once=8),
    Attack("/v1/events?partial=true", b"[" + b"{}," * 1_500_000 + b"{}]", _BATCH, at_once=2),
    Attack("/v1/events?partial=true", b"[" + b",".join([_LARGE] * 6) + b"]", _BATCH, at_once=2),
]


def _memory(process: Process) -> int:
    """The bytes of a process in RAM."""
    lines = Path(f"/proc/{process.popen.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def test_a_flood_of_heads_and_bodies_leaves_the_memory_of_the_process_as_it_was(make_bus: MakeBus) -> None:
    # The bus refuses a half head after that time, so that the attacker sends more of them.
    bus = make_bus(head_seconds="0.3")
    process = bus.start()
    published(bus)
    before = _memory(process)
    with bus.client() as client:
        authorization = client.headers["authorization"]
    for flood in _FLOODS:
        with attacking(bus, flood, authorization) as statuses:
            published(bus)
        assert statuses
    until(lambda: _memory(process) < _MOST * before)


def test_backlogs_of_many_sinks_that_are_away_take_little_memory_and_come_once_they_are_back(
    make_bus: MakeBus, receiver: Receiver
) -> None:
    bus = make_bus(retry_first_seconds="0.1", retry_longest_seconds="1")
    process = bus.start()
    events = [an_agreed_event(str(number), isi="x" * 60_000) for number in range(100)]
    bus.publish(*events)
    before = _memory(process)
    away = [receiver.sink(f"away-{number}", answers(503)) for number in range(40)]
    for sink in away:
        bus.subscribe(sink)
    until(lambda: all(sink.arrivals for sink in away), 60)
    # Another participant's, beside them.
    other = receiver.sink("other")
    bus.subscribe(other, participant=CONSUMERS[1])
    other.waits_for(*(event["id"] for event in events), seconds=60)
    assert _memory(process) < before + _BACKLOG
    for sink in away[:2]:
        sink.answer = takes
    for sink in away[:2]:
        sink.waits_for(*(event["id"] for event in events), seconds=90)
