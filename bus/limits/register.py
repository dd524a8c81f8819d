"""The register of participants' own limits: what an operator gave one of them in the place of a default."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from bus import json
from bus.actions import Action, Actor, Object, Verb, note
from bus.limits.policy import Policy
from bus.limits.tables import PARTICIPANT_LIMITS
from bus.storage import Storage, announce

TOPIC: Final = "limits"

Own = Mapping[str, Any]
"""A participant's own values, by limit, as they are written."""


class LimitRegister:
    """Reads and writes own limits. Synchronous: call it from a thread."""

    def __init__(self, storage: Storage, defaults: Policy) -> None:
        self._storage = storage
        self.defaults = defaults

    def read_all(self) -> dict[str, Own]:
        """The own limits of every participant that has some."""
        with self._storage.read() as transaction:
            rows = transaction.rows(sa.select(PARTICIPANT_LIMITS))
        return {row.participant: json.loads(row.limits) for row in rows}

    def read(self, participant: str) -> Own:
        """The own limits of one participant."""
        wanted = sa.select(PARTICIPANT_LIMITS.c.limits).where(PARTICIPANT_LIMITS.c.participant == participant)
        with self._storage.read() as transaction:
            text = transaction.value(wanted)
        return {} if text is None else json.loads(text)

    def put(self, participant: str, own: Own, by: Actor) -> None:
        """Replace the own limits of a participant that is known; other processes follow within a second.

        Args:
            own: values by limit; what is absent or None is the default's again.

        Raises:
            LimitsRefused: a limit does not exist, or has no such value.
        """
        given = {name: value for name, value in own.items() if value is not None}
        checked = self.defaults.with_own(given).to_values()
        kept = {name: checked[name] for name in given}
        mine = PARTICIPANT_LIMITS.c.participant == participant
        with self._storage.write() as transaction:
            text = transaction.value(sa.select(PARTICIPANT_LIMITS.c.limits).where(mine))
            before = {} if text is None else json.loads(text)
            transaction.execute(sa.delete(PARTICIPANT_LIMITS).where(mine))
            if kept:
                values = {"participant": participant, "limits": json.dumps(kept).decode()}
                transaction.execute(sa.insert(PARTICIPANT_LIMITS).values(values))
            about = Object(Verb.LIMITS_SET.kind, participant)
            note(transaction, Action(Verb.LIMITS_SET, by, about, participant, before=before, after=kept))
            announce(transaction, TOPIC)
