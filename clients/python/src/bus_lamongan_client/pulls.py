"""Pulling with acknowledgement: what is said to the bus, and the loop that handles each event. This module does no I/O."""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from bus_lamongan_client.answers import Response, read_shape
from bus_lamongan_client.dialogue import TIMEOUT, Dialogue, Exchange, Pause, Request, post
from bus_lamongan_client.events import write_json

MOST: Final = 100
"""Deliveries of one pull."""
LEASE: Final = 60.0
"""Seconds for which a pull holds its deliveries."""
_DONE: Final = frozenset({"acknowledged", "settled"})


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that you hold.

    Attributes:
        id: names the delivery in `ack` and `nack`. An event that comes again has the same id.
        tries: how often it was pulled, with this time.
        event: the CloudEvent, as your grant shows it.
    """

    id: str
    tries: int
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pulled:
    """What you pulled.

    Attributes:
        lease: names all of it in `ack`, `nack` and `extend`; None: there is nothing.
        until: when it comes again (RFC 3339); None: there is nothing.
    """

    lease: str | None
    until: str | None
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one lease or one delivery that you named.

    Attributes:
        name: the lease's or the delivery's id.
        result: `acknowledged`, `returned` or `extended`: done. `settled`: it was done before. `ended`, `of-another`,
            `not-held` or `unknown`: you do not hold it.
        detail: what the result means; empty if it is done.
    """

    name: str
    result: str
    detail: str


@dataclass(frozen=True, slots=True)
class Handled:
    """What `handle_each` did.

    Attributes:
        acknowledged: events that were handled. If a lease ended too early, its event comes again and is not counted.
        returned: events whose handler raised. They come again.
    """

    acknowledged: int
    returned: int


@dataclass(frozen=True, slots=True)
class Pulling:
    """How to pull.

    Attributes:
        limit: most deliveries of one pull.
        wait: seconds (at most 60) to wait for an event.
        lease: seconds for which you hold what you get.
    """

    limit: int = MOST
    wait: int = 0
    lease: float = LEASE


Handling = Generator[Request | Pause | Delivery, Response | Exception | None, Handled]


def pull(dialogue: Dialogue, subscription: str, pulling: Pulling) -> Exchange[Pulled]:
    """Pull what is due."""
    query = f"limit={pulling.limit}&wait={pulling.wait}&lease={pulling.lease:g}"
    request = Request("POST", f"{_place(subscription)}/pull?{query}", timeout=TIMEOUT + pulling.wait)
    return dialogue.call(request, _read_pulled)


def settle(
    dialogue: Dialogue, subscription: str, what: str, leases: Sequence[str], deliveries: Sequence[str], **more: Any
) -> Exchange[list[Settlement]]:
    """Acknowledge (`ack`) or return (`nack`) what is named."""
    order = {"leases": list(leases), "deliveries": list(deliveries)} | more
    return dialogue.call(post(f"{_place(subscription)}/{what}", write_json(order)), _read_settlements)


def extend(dialogue: Dialogue, subscription: str, leases: Sequence[str], seconds: float) -> Exchange[list[Settlement]]:
    """Hold leases for longer."""
    order = write_json({"leases": list(leases), "seconds": seconds})
    return dialogue.call(post(f"{_place(subscription)}/extend", order), _read_settlements)


def seek(dialogue: Dialogue, subscription: str, to: str | int) -> Exchange[None]:
    """Go on from elsewhere."""
    return dialogue.call(post(f"{_place(subscription)}/seek", write_json({"to": to})), lambda _: None)


def handle_each(dialogue: Dialogue, subscription: str, pulling: Pulling, *, goes_on: bool) -> Handling:
    """Yields each delivery, is sent what its handler raised or None, and settles it.

    Args:
        goes_on: whether to go on behind an event whose handler raised.
    """
    acknowledged = returned = 0
    while True:
        pulled = yield from pull(dialogue, subscription, pulling)
        if not pulled.deliveries and not pulling.wait:
            return Handled(acknowledged, returned)
        leased_at = time.monotonic()
        done: list[str] = []
        for index, delivery in enumerate(pulled.deliveries):
            if time.monotonic() - leased_at > pulling.lease / 2:
                leased_at = time.monotonic()
                if not (yield from _stay(dialogue, subscription, pulled, pulling.lease)):
                    break
            failure = yield delivery
            if not isinstance(failure, Exception):
                done.append(delivery.id)
                continue
            returned += 1
            yield from _give_back(dialogue, subscription, [delivery.id], failure)
            if not goes_on:
                yield from _acknowledge(dialogue, subscription, done)
                rest = [one.id for one in pulled.deliveries[index + 1 :]]
                yield from _give_back(dialogue, subscription, rest, failure, delay=0)
                raise failure
        acknowledged += yield from _acknowledge(dialogue, subscription, done)


def _stay(dialogue: Dialogue, subscription: str, pulled: Pulled, seconds: float) -> Exchange[bool]:
    """Whether the lease could be extended. If it has ended, others may hold its deliveries."""
    results = yield from extend(dialogue, subscription, [pulled.lease or ""], seconds)
    return all(one.result == "extended" for one in results)


def _acknowledge(dialogue: Dialogue, subscription: str, done: Sequence[str]) -> Exchange[int]:
    """The number of deliveries that never come again."""
    if not done:
        return 0
    results = yield from settle(dialogue, subscription, "ack", [], done)
    return sum(one.result in _DONE for one in results)


def _give_back(
    dialogue: Dialogue, subscription: str, deliveries: Sequence[str], failure: Exception, **more: Any
) -> Exchange[None]:
    """Return deliveries. The reason is the kind of the failure: its text may hold personal data."""
    if deliveries:
        yield from settle(dialogue, subscription, "nack", [], deliveries, reason=type(failure).__name__, **more)


def _place(subscription: str) -> str:
    return f"/v1/subscriptions/{quote(subscription, safe='')}"


def _read_pulled(answer: dict[str, Any]) -> Pulled:
    return read_shape(
        lambda: Pulled(
            answer["lease"],
            answer["until"],
            tuple(Delivery(str(one["id"]), int(one["tries"]), dict(one["event"])) for one in answer["deliveries"]),
        )
    )


def _read_settlements(answer: dict[str, Any]) -> list[Settlement]:
    return read_shape(
        lambda: [
            Settlement(one["lease"] or one["delivery"], str(one["result"]), str(one["detail"]))
            for one in answer["results"]
        ]
    )
