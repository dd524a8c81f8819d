"""Quotas: how many calls of a day's quota an agency has left, counted over processes and restarts.

Promise: no call goes out that the agency's quota, or the participant's part of it, does not cover.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final

import sqlalchemy as sa

from bus import clock
from bus.agencies.tables import AGENCY_CALLS
from bus.kit import QuotaExhausted
from bus.storage import Storage, Transaction
from bus.telemetry import QUOTA_LEFT

_ALL: Final = ""
"""The pool of all calls to an agency."""
_REST: Final = "*"
"""The pool of the participants that have no part of their own. No participant has this name."""
_COUNT: Final = sa.text("""
    INSERT INTO agency_calls (day, agency, pool, calls) VALUES (:day, :agency, :pool, 1)
    ON CONFLICT (day, agency, pool) DO UPDATE SET calls = agency_calls.calls + 1 RETURNING calls, most
""")
_BELIEVE: Final = sa.text("""
    INSERT INTO agency_calls (day, agency, pool, calls, most) VALUES (:day, :agency, :pool, 0, :left)
    ON CONFLICT (day, agency, pool) DO UPDATE SET most = agency_calls.calls + :left
    WHERE agency_calls.most IS NULL OR agency_calls.most > agency_calls.calls + :left
""")


@dataclass(frozen=True, slots=True)
class QuotaTerms:
    """What an agreement says about a day's calls.

    Attributes:
        daily: calls that the agency allows in a day.
        parts: participant to its own part of them. All other participants share the rest.
    """

    daily: int
    parts: Mapping[str, int] = field(default_factory=dict)

    def find_pool(self, participant: str) -> tuple[str, int]:
        """The name of the pool from which a participant's calls are taken, and the pool's calls in a day."""
        if participant in self.parts:
            return participant, self.parts[participant]
        return _REST, max(0, self.daily - sum(self.parts.values()))


class QuotaLedger:
    """Counts the calls to agencies in the database. Synchronous: call it from threads.

    Args:
        storage: the database.
        now: the current time; the day is the date in WIB.
    """

    def __init__(self, storage: Storage, now: Callable[[], datetime] = clock.now) -> None:
        self._storage = storage
        self._now = now

    def take(self, agency: str, participant: str, terms: QuotaTerms) -> None:
        """Count one call.

        Raises:
            QuotaExhausted: no call of the agency, or of the participant's part, is left today.
        """
        pool, part = terms.find_pool(participant)
        with self._storage.write(durable=False) as transaction:
            calls, most = self._count(transaction, agency, _ALL)
            left = min(terms.daily, terms.daily if most is None else most) - calls
            # The refusal undoes what this transaction counted.
            if left < 0:
                raise self._refuse(f"Today's quota at {agency} is used up; ask again after midnight WIB.")
            if terms.parts and self._count(transaction, agency, pool)[0] > part:
                whose = (
                    f"of {participant}" if pool == participant else "of the participants without a part of their own"
                )
                raise self._refuse(
                    f"Today's part {whose} of the quota at {agency} is used up; ask again after midnight WIB."
                )
            if calls == 1:
                self._delete_old(transaction)
        QUOTA_LEFT.labels(agency).set(left)

    def believe(self, agency: str, left: int) -> None:
        """Take over the agency's own count of the calls that are left today, if it is the lower one."""
        with self._storage.write(durable=False) as transaction:
            transaction.execute(_BELIEVE, {**self._name(agency, _ALL), "left": max(0, left)})

    def read_left(self, agency: str, terms: QuotaTerms) -> int:
        """The calls to an agency that are left today."""
        table, name = AGENCY_CALLS.c, self._name(agency, _ALL)
        mine = table.day == name["day"], table.agency == agency, table.pool == _ALL
        with self._storage.read() as transaction:
            row = transaction.one(sa.select(table.calls, table.most).where(*mine))
        if row is None:
            return terms.daily
        most: int = min(terms.daily, terms.daily if row.most is None else row.most)
        left: int = max(0, most - row.calls)
        return left

    def _count(self, transaction: Transaction, agency: str, pool: str) -> tuple[int, int | None]:
        """Count a call of a pool; return the pool's calls of today, and the agency's own bound of them."""
        (row,) = transaction.rows(_COUNT, self._name(agency, pool))
        return row.calls, row.most

    def _name(self, agency: str, pool: str) -> dict[str, str]:
        return {"day": clock.local_date(self._now()).isoformat(), "agency": agency, "pool": pool}

    def _delete_old(self, transaction: Transaction) -> None:
        yesterday = clock.local_date(self._now()) - timedelta(days=1)
        transaction.execute(sa.delete(AGENCY_CALLS).where(AGENCY_CALLS.c.day < yesterday.isoformat()))

    def _refuse(self, detail: str) -> QuotaExhausted:
        now = self._now()
        midnight = datetime.combine(clock.local_date(now) + timedelta(days=1), time(), clock.WIB)
        seconds = int((midnight - now).total_seconds()) + 1
        return QuotaExhausted(detail, headers={"Retry-After": str(seconds)})


@dataclass(frozen=True, slots=True)
class ParticipantQuota:
    """The quota from which one participant's questions to one agency are taken; a `bus.kit.Quota`."""

    ledger: QuotaLedger
    agency: str
    participant: str
    terms: QuotaTerms

    async def take(self) -> None:
        """Count one call; see `bus.kit.Quota`."""
        await asyncio.to_thread(self.ledger.take, self.agency, self.participant, self.terms)

    async def believe(self, left: int) -> None:
        """Take over the agency's own count; see `bus.kit.Quota`."""
        await asyncio.to_thread(self.ledger.believe, self.agency, left)
