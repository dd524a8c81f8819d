"""The traffic of a bus in the test's process: events in the journal, results of deliveries, refusals, and what is counted."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bus.delivery import NewSubscription, Webhook
from bus.delivery.attempts import Attempt
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.state import DeliveryState
from bus.journal.tables import JOURNAL
from bus.refusals.refusal import Refusal, round_to_hour
from bus.refusals.tally import Count
from bus.rollups import Counter, Counts, Flow, Span, Traffic, Wanted
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import OWNER, WARGA, a_document, a_grant

NOON = datetime(2026, 8, 28, 12, 0, tzinfo=UTC)
"""A moment at which nothing depends on the present one."""
EVER = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
IN = Flow(WARGA, OWNER)


@dataclass
class ATraffic:
    """Events of one contract, one subscriber, and a counter."""

    bus: Bus
    receiver: str = "bapenda"
    _position: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.bus.apply(a_document(a_grant(self.receiver)))
        rooms = self.bus.rooms
        new = NewSubscription(self.receiver, [WARGA], Webhook("http://127.0.0.1:1027/hook"))
        self.number = rooms.subscriptions.add(new, OPERATOR).number
        self.storage = rooms.storage
        self.ledger = Ledger(self.storage)
        self.counter = self.another_counter()
        self.out = Flow(WARGA, OWNER, self.receiver)
        self.traffic = Traffic(self.storage)

    def another_counter(self) -> Counter:
        """The counter of another process."""
        return Counter(self.storage, self.bus.rooms.catalogue.name_of)

    def accept(self, count: int = 1, at: datetime = NOON) -> list[int]:
        """Put events into the journal; their positions."""
        contract = self.bus.rooms.catalogue.number_of(WARGA)
        common = {"contract_id": contract, "version_id": 1, "participant": OWNER, "body": b"{}"}
        positions = [next(self._position) for _ in range(count)]
        at_micros = int(at.timestamp()) * 1_000_000
        rows = [{"position": one, "identity": b"%d" % one, "recorded_at": at_micros, **common} for one in positions]
        with self.storage.write() as transaction:
            transaction.execute(sa.insert(JOURNAL), rows)
        return positions

    def owe(self, positions: list[int]) -> None:
        """Owe deliveries."""
        with self.storage.write() as transaction:
            self.ledger.add(transaction, [NewDelivery(self.number, one, None) for one in positions], 1, again=False)

    def end(self, positions: list[int], state: DeliveryState, at: datetime = NOON, failure: str | None = None) -> None:
        """Have one attempt of each delivery end."""
        attempts = [
            Attempt(
                subscription=self.number,
                position=one,
                key=None,
                lease=1,
                number=1,
                state=state,
                due_at=1 if state is DeliveryState.PENDING else None,
                at=int(at.timestamp()) * 1_000_000,
                failure=failure,
                status=None,
                detail="",
                duration_ms=1,
            )
            for one in positions
        ]
        with self.storage.write() as transaction:
            self.ledger.record(transaction, attempts)

    def refuse(self, events: int, at: datetime) -> None:
        """Have events refused."""
        micros = int(at.timestamp()) * 1_000_000
        refusal = Refusal(round_to_hour(micros), WARGA, "1.0.0", OWNER, OWNER, "client_x", "required", "/data/nik")
        self.bus.rooms.refusals.add({refusal: Count(events, events, micros, micros)})

    def sums(self, span: Span = Span.HOUR) -> dict[Flow, Counts]:
        """What is counted of each flow."""
        return self.traffic.sum_flows(span, Wanted(*EVER))


def later(minutes: int) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)
