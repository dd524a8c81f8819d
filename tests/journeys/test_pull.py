"""A participant pulls while the bus is killed again and again: what it acknowledged is over, all else comes again, in order."""

import os
from collections import defaultdict
from random import Random

import httpx
import pytest

from bus.delivery.state import DeliveryState
from bus.delivery.subscription import NewSubscription, Pull, Subscription
from bus.identity.participants import Participants
from tests.an_actor import OPERATOR
from tests.services.agreements import CONSUMERS, RECORD, an_agreed_event
from tests.services.fixtures import MakeBus
from tests.services.running import Bus, post_batch
from tests.services.waiting import until

ROUNDS = int(os.environ.get("BUS_SOAK_ROUNDS", "2"))
SEED = int(os.environ.get("BUS_SOAK_SEED", "0")) or Random().randrange(1, 2**32)
KEYS, EACH = 8, 6

pytestmark = pytest.mark.timeout(180 + 30 * ROUNDS)


class Puller:
    """A consumer that remembers what it got, what it said, and what it was told."""

    def __init__(self, bus: Bus, subscription: Subscription, credentials: tuple[str, str]) -> None:
        self._bus = bus
        self._subscription = subscription
        self._credentials = credentials
        self._client: httpx.Client | None = None
        self.acknowledged: set[int] = set()
        self.given: list[tuple[str, int]] = []

    def ask(self, what: str, query: dict[str, float] | None = None, **body: object) -> httpx.Response:
        if self._client is None:
            self._client = httpx.Client(base_url=self._bus.address, timeout=30)
            asked = self._client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=self._credentials)
            self._client.headers["authorization"] = f"Bearer {asked.raise_for_status().json()['access_token']}"
        path = f"/v1/subscriptions/{self._subscription.id}/{what}"
        return self._client.post(path, params=query, json=body or None).raise_for_status()

    def pull(self, **query: float) -> dict[int, str]:
        """What one pull gives: the key of each position."""
        pulled = self.ask("pull", query).json()
        found = {int(one["event"]["sequence"]): one["event"]["data"]["kunci"] for one in pulled["deliveries"]}
        assert self.acknowledged.isdisjoint(found)
        assert len(set(found.values())) == len(found)
        self.given += [(key, position) for position, key in found.items()]
        return found

    def acknowledge(self, positions: list[int]) -> None:
        names = [f"{self._subscription.id}.{position}" for position in positions]
        told = self.ask("ack", deliveries=names).json()["results"]
        # Also those of a request that was answered only at its second try.
        self.acknowledged |= {
            position for position, one in zip(positions, told, strict=True) if one["result"] == "acknowledged"
        }


@pytest.fixture
def bus(request: pytest.FixtureRequest) -> Bus:
    """A bus that is one process. Each start costs seconds, so each test has one database."""
    url = request.getfixturevalue("database") if request.param == "postgres" else ""
    make_bus: MakeBus = request.getfixturevalue("make_bus")
    return make_bus(url)


def a_puller(bus: Bus) -> tuple[Puller, Subscription]:
    subscription = bus.subscriptions.add(NewSubscription(CONSUMERS[0], (RECORD,), Pull()), OPERATOR)
    client, secret = Participants(bus.storage).add_client(CONSUMERS[0], ["subscriptions.manage"], by=OPERATOR)
    return Puller(bus, subscription, (client.client_id, secret)), subscription


def publish(bus: Bus) -> None:
    """As many events of each key, one key after the other."""
    events = [
        an_agreed_event(f"e{number}-{key}", RECORD, kunci=f"k{key}", nomor=number)
        for number in range(EACH)
        for key in range(KEYS)
    ]
    with bus.client() as client:
        post_batch(client, events).raise_for_status()


@pytest.mark.parametrize("bus", ["sqlite"], indirect=True)
def test_what_is_pulled_while_the_bus_is_killed_arrives_in_order_and_once_it_is_acknowledged_never_again(bus: Bus):
    random = Random(SEED)
    puller, subscription = a_puller(bus)
    process = bus.start()
    publish(bus)
    kills = 0

    def is_done() -> bool:
        nonlocal process, kills
        try:
            found = sorted(puller.pull(limit=random.randint(1, KEYS), wait=1, lease=1))
            if kills < ROUNDS and random.random() < 0.3:
                # Between the lease and the acknowledgement.
                kills += 1
                process.kill()
                process = bus.start()
            if found:
                puller.acknowledge(random.sample(found, random.randint(1, len(found))))
        except httpx.TransportError:
            pass
        return len(bus.deliveries(subscription, DeliveryState.DELIVERED)) == KEYS * EACH

    until(is_done, 120)
    assert len(puller.acknowledged) == KEYS * EACH, f"BUS_SOAK_SEED={SEED}"
    first: dict[str, list[int]] = defaultdict(list)
    for key, position in puller.given:
        if position not in first[key]:
            first[key].append(position)
    assert all(positions == sorted(positions) for positions in first.values()), f"BUS_SOAK_SEED={SEED}"


@pytest.mark.parametrize("bus", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_lease_outlives_the_bus(bus: Bus):
    puller, _ = a_puller(bus)
    process = bus.start()
    publish(bus)
    held = until(lambda: puller.pull(lease=600))
    process.kill()
    bus.start()
    assert puller.pull(wait=1) == {}
    puller.acknowledge(sorted(held))
    assert len(puller.acknowledged) == len(held) == KEYS
    assert len(puller.pull(wait=10)) == KEYS
