"""The ration: how many questions a day a participant may put to an agency, out of the quota that the regency has there."""

from datetime import datetime, time, timedelta

import sqlalchemy as sa

from bus import clock
from bus.limits.errors import Limited
from bus.limits.policy import Limit, Policy
from bus.limits.tables import QUESTIONS_ASKED
from bus.storage import Storage

_ASK = sa.text(
    "INSERT INTO questions_asked (day, agency, participant, asked) VALUES (:day, :agency, :participant, :units) "
    "ON CONFLICT (day, agency, participant) DO UPDATE SET asked = questions_asked.asked + excluded.asked RETURNING asked"
)


class Ration:
    """Counts questions in the database, for all processes. Synchronous: call it from a thread."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def take(self, participant: str, agency: str, policy: Policy) -> None:
        """Count a question before it is put.

        Raises:
            Limited: the participant has had its ration of this day.
        """
        now = clock.now()
        if self._count(now, participant, agency, 1) > policy.agency_day:
            self._count(now, participant, agency, -1)
            detail = f"{participant} has put its {policy.agency_day} questions of today to {agency}; ask tomorrow."
            raise Limited(Limit.AGENCY_DAY, detail, _count_seconds_to_midnight(now), participant)

    def give_back(self, participant: str, agency: str) -> None:
        """A question did not reach the agency."""
        self._count(clock.now(), participant, agency, -1)

    def _count(self, now: datetime, participant: str, agency: str, units: int) -> int:
        today = clock.local_date(now)
        values = {"day": today.isoformat(), "agency": agency, "participant": participant, "units": units}
        with self._storage.write(durable=False) as transaction:
            asked: int = transaction.value(_ASK, values)
            if asked == units == 1:
                yesterday = (today - timedelta(days=1)).isoformat()
                transaction.execute(sa.delete(QUESTIONS_ASKED).where(QUESTIONS_ASKED.c.day < yesterday))
        return asked


def _count_seconds_to_midnight(now: datetime) -> float:
    midnight = datetime.combine(clock.local_date(now) + timedelta(days=1), time(), clock.WIB)
    return (midnight - now).total_seconds()
