"""An innocent publisher beside an attack, at a real process over real sockets: his latency, as a ratio to a calm run."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx

from tests.services.agreements import an_event
from tests.services.running import Bus, post

_SECONDS: Final = 1.0
"""How long the innocent publishes, calm and beside the attack, in one round."""
_ROUNDS: Final = 6
"""Until one round holds: other work on the machine spoils some of them, and an attack that works spoils each."""
_MOST: Final = 5.0
_HELD_SECONDS: Final = 0.1
_FORESEEN: Final = frozenset({200, 201, 202, 400, 409, 413, 422, 429, 503})

Attack = Callable[[httpx.Client], httpx.Response]
"""One request of the attacker."""


@dataclass
class Round:
    """What one round measured: seconds at the 99th percentile, and how often the event loop was held for long."""

    calm: float
    attacked: float
    held: float
    statuses: set[int] = field(default_factory=set)

    @property
    def holds(self) -> bool:
        """Whether the innocent noticed little."""
        return self.attacked < _MOST * self.calm and not self.held


def assert_innocent_goes_on(bus: Bus, authorization: str, attack: Attack, *, at_once: int = 4) -> None:
    """Attack until a round shows that the innocent's latency stays, and that the event loop is not held."""
    rounds: list[Round] = []
    while not (rounds and rounds[-1].holds):
        assert len(rounds) < _ROUNDS, rounds
        rounds.append(_round(bus, authorization, attack, at_once))
        assert rounds[-1].statuses, "the attack was never answered"
        assert rounds[-1].statuses <= _FORESEEN, rounds[-1].statuses


def _round(bus: Bus, authorization: str, attack: Attack, at_once: int) -> Round:
    calm = _percentile(_published(bus))
    held = _held(bus)
    statuses: set[int] = set()
    with _attacking(bus, authorization, attack, at_once, statuses):
        attacked = _percentile(_published(bus))
    return Round(calm, attacked, _held(bus) - held, statuses)


def _published(bus: Bus) -> Sequence[float]:
    """The seconds that each of the innocent's events took."""
    took: list[float] = []
    with bus.client() as client:
        end = time.perf_counter() + _SECONDS
        while (begun := time.perf_counter()) < end or not took:
            assert post(client, an_event(f"{begun}")).status_code == 202
            took.append(time.perf_counter() - begun)
    return took


@contextmanager
def _attacking(bus: Bus, authorization: str, attack: Attack, at_once: int, statuses: set[int]) -> Iterator[None]:
    stopping = threading.Event()

    def go_on() -> None:
        with httpx.Client(base_url=bus.address, headers={"authorization": authorization}, timeout=60) as client:
            while not stopping.is_set():
                statuses.add(attack(client).status_code)

    threads = [threading.Thread(target=go_on, daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(60)


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
