"""Publishers that go on through every outage, and remember what the bus acknowledged."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from tests.services.agreements import FACT, RECORD, an_agreed_event
from tests.services.running import Bus, post, post_batch

_KEYS = 5
_BATCH = 12
_PAUSE_SECONDS = 0.01
_OUTAGE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that were sent together, once; `acknowledged` by a 202."""

    ids: tuple[str, ...]
    acknowledged: bool


@dataclass
class Traffic:
    """What was published so far.

    Attributes:
        positions: of each event that was acknowledged by itself, by id.
    """

    positions: dict[str, int] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def acknowledged(self) -> set[str]:
        """The ids of all events that were answered 202."""
        return set(self.positions).union(*(batch.ids for batch in list(self.batches) if batch.acknowledged))

    def __len__(self) -> int:
        return len(self.positions) + sum(batch.acknowledged for batch in list(self.batches))


@contextmanager
def traffic(bus: Bus, seed: int) -> Iterator[Traffic]:
    """Publishers at work; on leaving they finish what they are about."""
    made = Traffic()
    publishers = [
        threading.Thread(target=publish, args=(bus.client(), made, Random(f"{seed} {number}"), number))
        for number, publish in enumerate((_facts, _facts, _records, _records, _batches))
    ]
    for publisher in publishers:
        publisher.start()
    try:
        yield made
    finally:
        made.stopping.set()
        for publisher in publishers:
            publisher.join(120)


def _facts(client: httpx.Client, made: Traffic, random: Random, number: int) -> None:
    """Single facts; some are given up at the first outage, so that the journal may or may not have them."""
    for turn in itertools.count():
        if made.stopping.is_set():
            return
        _publish(
            client,
            made,
            an_agreed_event(f"fakta-{number}-{turn}", isi="x" * random.randrange(500)),
            random.random() < 0.8,
        )


def _records(client: httpx.Client, made: Traffic, random: Random, number: int) -> None:
    """States of some records; the next state of a key is sent only after the one before was acknowledged."""
    for turn in itertools.count(1):
        if made.stopping.is_set():
            return
        key = f"kunci-{number}-{random.randrange(_KEYS)}"
        _publish(client, made, an_agreed_event(f"{key}-{turn}", RECORD, kunci=key, nomor=turn), persistent=True)


def _batches(client: httpx.Client, made: Traffic, random: Random, number: int) -> None:
    """Batches of both, sent once."""
    for turn in itertools.count():
        if made.stopping.is_set():
            return
        ids = tuple(f"kelompok-{number}-{turn}-{index}" for index in range(_BATCH))
        events = [
            an_agreed_event(name, random.choice((FACT, RECORD)), kunci=f"kunci-{number}", nomor=turn) for name in ids
        ]
        made.batches.append(Batch(ids, _answer(post_batch, client, events) is not None))
        made.stopping.wait(_PAUSE_SECONDS * 10)


def _publish(client: httpx.Client, made: Traffic, event: dict[str, Any], persistent: bool) -> None:
    while True:
        answer = _answer(post, client, event)
        if answer is not None:
            made.positions[event["id"]] = answer["position"]
        if answer is not None or not persistent:
            made.stopping.wait(_PAUSE_SECONDS)
            return
        threading.Event().wait(_OUTAGE_SECONDS)


def _answer(send: Any, client: httpx.Client, content: Any) -> dict[str, Any] | None:
    """The receipt; None in an outage. Anything else is not for publishers to see."""
    try:
        answer: httpx.Response = send(client, content)
    except httpx.TransportError:
        return None
    assert answer.status_code in (202, 503), answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt if answer.status_code == 202 else None
