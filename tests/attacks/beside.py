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

from tests.attacks import attacker
from tests.services.agreements import an_agreed_event
from tests.services.running import Bus, post

_SECONDS: Final = 0.7
"""How long the innocent publishes, calm and beside the attack, in one round."""
_ROUNDS: Final = 8
"""Until one round holds: other work on the machine spoils some of them, and an attack that works spoils each."""
_MOST: Final = 5.0
_HELD_SECONDS: Final = 0.1
_FORESEEN: Final = frozenset({200, 201, 202, 400, 401, 404, 409, 413, 422, 429, 431, 503})


@dataclass(frozen=True)
class Attack:
    """A request that the attacker sends again and again.

    Attributes:
        garbage: what is sent instead of a request.
        at_once: connections.
        sources: addresses of the attacker.
        reconnects: whether each request has a new connection.
    """

    path: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    garbage: bytes = b""
    at_once: int = 4
    sources: Sequence[str] = ("127.0.0.1",)
    reconnects: bool = False

    def request(self, authorization: str) -> bytes:
        """The bytes to send; a body makes it a POST."""
        if self.garbage:
            return self.garbage
        fields = {"host": "bus", **self.headers}
        if authorization:
            fields["authorization"] = authorization
        if self.body:
            fields["content-length"] = str(len(self.body))
        lines = [f"{'POST' if self.body else 'GET'} {self.path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


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


def assert_innocent_goes_on(bus: Bus, attack: Attack, authorization: str = "") -> None:
    """Attack until a round shows that the innocent's latency stays, and that the event loop is not held.

    Args:
        authorization: the attacker's; empty: a stranger attacks.
    """
    rounds: list[Round] = []
    while not (rounds and rounds[-1].holds):
        assert len(rounds) < _ROUNDS, rounds
        rounds.append(_round(bus, attack, authorization))
        assert rounds[-1].statuses, "the attack was never answered"
        assert rounds[-1].statuses <= _FORESEEN, rounds[-1].statuses


def _round(bus: Bus, attack: Attack, authorization: str) -> Round:
    calm = _percentile(published(bus))
    held = _held(bus)
    with attacking(bus, attack, authorization) as statuses:
        attacked = _percentile(published(bus))
    return Round(calm, attacked, _held(bus) - held, statuses)


def published(bus: Bus) -> Sequence[float]:
    """Publish for a while; the seconds that each of the innocent's events took."""
    took: list[float] = []
    with bus.client() as client:
        # The first request opens the connection.
        post(client, an_agreed_event(f"{time.perf_counter()}"))
        end = time.perf_counter() + _SECONDS
        while (begun := time.perf_counter()) < end or not took:
            assert post(client, an_agreed_event(f"{begun}")).status_code == 202
            took.append(time.perf_counter() - begun)
    return took


@contextmanager
def attacking(bus: Bus, attack: Attack, authorization: str = "") -> Iterator[set[int]]:
    """Attack meanwhile; the statuses of the answers are known at the end.

    The attacker has a process of its own, since what it does there must not delay the innocent's client.
    """
    at = urlsplit(bus.address)
    order = {"host": at.hostname, "port": at.port, "at_once": attack.at_once, "sources": attack.sources}
    files = [bus.data / "attack.json", bus.data / "attack.request"]
    files[0].write_text(json.dumps({**order, "reconnects": attack.reconnects}))
    files[1].write_bytes(attack.request(authorization))
    command = [sys.executable, str(Path(attacker.__file__)), *map(str, files)]
    statuses: set[int] = set()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        try:
            yield statuses
        finally:
            process.stdin.close()
            statuses.update(map(int, json.loads(process.stdout.read())))


def _percentile(took: Sequence[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)]


def _held(bus: Bus) -> float:
    """How often the event loop was late by more than `_HELD_SECONDS`, by its own metric."""
    counts: dict[str, float] = {}
    with bus.client() as client:
        metrics = client.get("/metrics").raise_for_status().text
    for line in metrics.splitlines():
        if line.startswith("bus_loop_delay_seconds"):
            name, _, value = line.rpartition(" ")
            counts[name] = float(value)
    return counts["bus_loop_delay_seconds_count"] - counts[f'bus_loop_delay_seconds_bucket{{le="{_HELD_SECONDS}"}}']
