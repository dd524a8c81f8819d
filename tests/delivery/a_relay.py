"""The relay of one bus as tests use it: with contracts, subscriptions and an append beside it, and a broker that only notes."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from bus import json
from bus.contracts.catalogue import Catalogue
from bus.contracts.document import parse_contract
from bus.delivery.dispatch import Dispatch, HandoverPolicy
from bus.delivery.fan_out import FanOut
from bus.delivery.handover import Handover, Loaded, Received, Receiver
from bus.delivery.ledger import Lease, Ledger
from bus.delivery.reclaim import Reclaim
from bus.delivery.relay import Relay
from bus.delivery.subscription import NewSubscription, Subscription, Webhook
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.tables import DELIVERIES
from bus.delivery.turn import Turn
from bus.identity.keys import Keys
from bus.journal import Appender, Beside, JournalReader, Submission
from bus.storage import Storage, make_leadership
from tests.an_actor import OPERATOR
from tests.builders import OWNER, WARGA, Document, a_document, a_person


@dataclass
class Broker(Handover):
    """Notes the runs that it is handed; or takes none."""

    sent: list[Lease] = field(default_factory=list)
    loaded: dict[Lease, Loaded] = field(default_factory=dict)
    fails: Exception | None = None

    def send(self, lease: Lease, loaded: Loaded | None) -> bool:
        if self.fails is not None:
            raise self.fails
        self.sent.append(lease)
        if loaded is not None:
            self.loaded[lease] = loaded
        return True

    def make_receiver(
        self, subscriptions: Callable[[], Collection[int]], received: Callable[[Received], None]
    ) -> Receiver:
        raise NotImplementedError

    def close(self) -> None:
        pass


class Site:
    """One database, and what works on it here."""

    def __init__(self, storage: Storage, keys: Keys, *grants: Document, **contract: Any) -> None:
        self.storage = storage
        self.journal = JournalReader(storage)
        self.catalogue = Catalogue(storage, keys.pseudonym)
        self.catalogue.registrar.apply([parse_contract(a_document(*grants, **contract))], OPERATOR)
        self.subscriptions = Subscriptions(storage, keys)
        self.broker = Broker()
        self.owed: list[int] = []

    def fan_out(self, window: int = 1000) -> FanOut:
        return FanOut(
            self.storage, self.journal, self.catalogue, self.subscriptions, self.dispatch(window), self.owed.extend
        )

    def dispatch(self, window: int = 1000) -> Dispatch:
        policy = HandoverPolicy(window=window)
        return Dispatch(self.storage, self.catalogue, self.subscriptions, self.broker, policy)

    def relay(self, turn: Turn[FanOut] | None = None) -> Relay:
        return Relay(
            self.storage, self.journal, self.catalogue, self.subscriptions, self.broker,
            make_leadership(self.storage, "relay"), HandoverPolicy(), Reclaim(self.storage, is_alone=True), turn or Turn(),
            self.owed.extend,
        )  # fmt: skip

    def subscribe(self, participant: str) -> Subscription:
        return self.subscriptions.add(NewSubscription(participant, [WARGA], Webhook("https://sink.example/")), OPERATOR)

    def submission(self, number: int, **changes: str) -> Submission:
        """An event, about a resident of its own where the changes name no other."""
        version, data = self.catalogue.newest(WARGA), a_person(number, **changes)
        body = {"specversion": "1.0", "id": str(number), "source": "/uji", "type": WARGA, "data": data}
        return Submission(
            version.contract_id, version.id, OWNER, number.to_bytes(16), data["nik"], data["nik"], json.dumps(body)
        )

    async def append(self, beside: Beside, *events: int | Submission) -> None:
        """Append events in one transaction."""
        appender = Appender(self.storage, lambda position: None, beside)
        submissions = [self.submission(one) if isinstance(one, int) else one for one in events]
        await asyncio.gather(*[appender.append([submission]) for submission in submissions])
        await appender.close()

    def deliveries(self) -> list[tuple[int, int]]:
        """(position, subscription) of all that there are."""
        with self.storage.read() as transaction:
            rows = transaction.rows(sa.select(DELIVERIES.c.position, DELIVERIES.c.subscription))
            return sorted((row.position, row.subscription) for row in rows)

    def handed_over(self) -> list[tuple[int, int]]:
        """(position, subscription) of what the broker was handed and is still leased."""
        return sorted(self._leased(self.broker.sent))

    def _leased(self, leases: Iterable[Lease]) -> Iterable[tuple[int, int]]:
        ledger = Ledger(self.storage)
        for lease in leases:
            with self.storage.read() as transaction:
                yield from [(one.position, lease.subscription) for one in ledger.find_leased(transaction, lease)]
