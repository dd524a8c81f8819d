"""An innocent publisher beside an attack, at a real process over real sockets: his latency, as a ratio to a calm run."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from tests.attacks import attacker
from tests.services.agreements import an_event
from tests.services.running import Bus, post

_SECONDS: Final = 0.7
"""How long the innocent publishes, calm and beside the attack, in one round."""
_ROUNDS: Final = 8
"""Until one round holds: other work on the machine spoils some of them, and an attack that works spoils each."""
_MOST: Final = 5.0
_HELD_SECONDS: Final = 0.1
_FORESEEN: Final = frozenset({200, 201, 202, 400, 409, 413, 422, 429, 503})


@dataclass(frozen=True)
class Attack:
    """A request that the attacker sends again and again."""

    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    at_once: int = 4

    @property
    def method(self) -> str:
        """POST where there is a body."""
        return "POST" if self.body else "GET"


@dataclass
class Round:
    """What one round measured: seconds at the 99th percentile, and how often the event loop was held for long."""

    calm: float
    attacked: float
    held: float
    statuses: set[int]

    @property
    def holds(self) -> bool:
        """Whether the innocent noticed little."""
        return self.attacked < _MOST * self.calm and not self.held


def assert_innocent_goes_on(bus: Bus, authorization: str, attack: Attack) -> None:
    """Attack until a round shows that the innocent's latency stays, and that the event loop is not held."""
    rounds: list[Round] = []
    while not (rounds and rounds[-1].holds):
        assert len(rounds) < _ROUNDS, rounds
        rounds.append(_round(bus, authorization, attack))
        assert rounds[-1].statuses, "the attack was never answered"
        assert rounds[-1].statuses <= _FORESEEN, rounds[-1].statuses


def _round(bus: Bus, authorization: str, attack: Attack) -> Round:
    calm = _percentile(_published(bus))
    held = _held(bus)
    statuses: set[int] = set()
    with _attacking(bus, authorization, attack, statuses):
        attacked = _percentile(_published(bus))
    return Round(calm, attacked, _held(bus) - held, statuses)


def _published(bus: Bus) -> Sequence[float]:
    """The seconds that each of the innocent's events took."""
    took: list[float] = []
    with bus.client() as client:
        # The first request opens the connection.
        post(client, an_event(f"{time.perf_counter()}"))
        end = time.perf_counter() + _SECONDS
        while (begun := time.perf_counter()) < end or not took:
            assert post(client, an_event(f"{begun}")).status_code == 202
            took.append(time.perf_counter() - begun)
    return took


@contextmanager
def _attacking(bus: Bus, authorization: str, attack: Attack, statuses: set[int]) -> Iterator[None]:
    """The attacker has a process of its own, since what it does there must not delay the innocent's client."""
    at = urlsplit(bus.address)
    headers = {"authorization": authorization, **attack.headers}
    order = {"host": at.hostname, "port": at.port, "at_once": attack.at_once, "headers": headers}
    files = [bus.data / "attack.json", bus.data / "attack.body"]
    files[0].write_text(json.dumps({**order, "method": attack.method, "path": attack.path}))
    files[1].write_bytes(attack.body)
    command = [sys.executable, str(Path(attacker.__file__)), *map(str, files)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        try:
            yield
        finally:
            process.stdin.close()
            statuses.update(json.loads(process.stdout.read()))


def _percentile(took: Sequence[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)]


def _held(bus: Bus) -> float:
    """How often the event loop was late by more than `_HELD_SECONDS`, by its own metric."""
    counts: dict[str, float] = {}
    for line in httpx.get(f"{bus.address}/metrics", timeout=30).text.splitlines():
        if line.startswith("bus_loop_delay_seconds"):
            name, _, value = line.rpartition(" ")
            counts[name] = float(value)
    return counts["bus_loop_delay_seconds_count"] - counts[f'bus_loop_delay_seconds_bucket{{le="{_HELD_SECONDS}"}}']
