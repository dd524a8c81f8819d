"""Receipts: how much a consumer got under a contract, as far as the bus counts it."""

from dataclasses import dataclass
from datetime import datetime

from bus.contracts import Contract
from bus.disclosures import Wanted
from bus.http import Rooms


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one consumer got under one contract.

    Attributes:
        subscriptions: how many subscriptions to the contract it has.
        delivered: how many events its subscriptions got since their beginning.
        others: the other contracts whose events are counted with them.
        pending, dead: how many deliveries wait, and how many are given up.
        last: when it last got data, by subscription or of a person by request; None: never, or nobody noted it.
    """

    subscriptions: int
    delivered: int
    others: tuple[str, ...]
    pending: int
    dead: int
    last: datetime | None


def read_receipt(rooms: Rooms, contract: Contract, participant: str) -> Receipt:
    """What a consumer got under a contract. Synchronous: call it from threads."""
    mine = [one for one in rooms.subscriptions.listed(participant) if contract.name in one.contracts]
    tallies = [rooms.deliveries.tally(one) for one in mine]
    moments = [one.health.succeeded_at for one in tallies] + [_find_disclosed(rooms, contract, participant)]
    return Receipt(
        subscriptions=len(mine),
        delivered=sum(one.health.delivered for one in tallies),
        others=tuple(sorted({name for one in mine for name in one.contracts} - {contract.name})),
        pending=sum(one.counts.get("pending", 0) for one in tallies),
        dead=sum(one.counts.get("dead", 0) for one in tallies),
        last=max((one for one in moments if one is not None), default=None),
    )


def _find_disclosed(rooms: Rooms, contract: Contract, participant: str) -> datetime | None:
    """When the consumer last got personal data under the contract, by whatever way."""
    if not contract.classification.is_about_persons:
        return None
    number = rooms.catalogue.number_of(contract.name)
    found = rooms.disclosures.search(Wanted(participant=participant, contract_id=number), None, 1)
    return found[0].last_at if found else None
