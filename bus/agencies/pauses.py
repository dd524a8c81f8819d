"""Pauses: the operator has the bus leave an agency, or one of its operations, in peace, until somebody resumes it.

Promise: what waits for a paused agency is kept. Each process follows within a second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bus import clock
from bus.actions import Action, Actor, Object, Verb, make_printable, note
from bus.agencies.tables import AGENCY_PAUSES
from bus.problem import Conflict, FieldError, Refused, Unavailable
from bus.storage import Storage, Transaction, announce

PAUSES: Final = "agency-pauses"
"""The topic of changes."""
LONGEST_REASON: Final = 500
"""Characters of a reason."""
_ALL: Final = ""
"""Stands in the table for all operations of an agency."""
_TABLE: Final = AGENCY_PAUSES.c


class AgencyPaused(Unavailable):
    """The operator has paused this agency; `detail` says why."""

    slug = "agency-paused"
    retry_seconds = 60


class NotPaused(Conflict):
    """Nothing of this agency is paused so, and there is nothing to resume."""

    slug = "agency-not-paused"


class PauseReasonInvalid(Refused):
    """A pause needs a reason of one line that others can read."""

    status = 422
    slug = "pause-reason-invalid"


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of an agency.

    Attributes:
        agency: the adapter's name.
        operation: what is paused; None: all operations.
        reason: why.
        by: the participant that paused it.
        since: when.
    """

    agency: str
    operation: str | None
    reason: str
    by: str
    since: datetime

    def refuse(self) -> AgencyPaused:
        """The refusal of what the pause stops."""
        what = self.agency if self.operation is None else f"{self.agency}/{self.operation}"
        return AgencyPaused(f"{what} is paused since {clock.rfc3339(self.since)}: {self.reason}")


class Pauses:
    """The pauses of all agencies. Synchronous, except `find`: call it from threads.

    Args:
        storage: the database.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._known: Mapping[tuple[str, str], Pause] = {}

    def refresh(self) -> None:
        """Read what another process changed."""
        self._known = {(one.agency, one.operation or _ALL): one for one in self.list()}

    def list(self) -> Sequence[Pause]:
        """All pauses, by agency."""
        with self._storage.read() as transaction:
            rows = transaction.rows(sa.select(AGENCY_PAUSES).order_by(_TABLE.agency, _TABLE.operation))
        return [_make_pause(row) for row in rows]

    def find(self, agency: str, operation: str) -> Pause | None:
        """The pause that stops an operation; None: none does. Any thread may call it."""
        known = self._known
        return known.get((agency, _ALL)) or known.get((agency, operation))

    def pause(self, agency: str, operation: str | None, reason: str, by: Actor) -> Pause:
        """Pause an agency, or one of its operations. A second pause replaces the reason.

        Args:
            agency: the adapter's name.
            operation: the operation; None: all of them.
            reason: why; whoever asks the agency reads it.
            by: who says so.

        Raises:
            PauseReasonInvalid: the reason is empty, too long, or no line of text.
        """
        _check_reason(reason)
        made = Pause(agency, operation, reason, by.participant, clock.now())
        values = {"agency": agency, "operation": operation or _ALL}
        told = {"reason": reason, "by": by.participant, "since": clock.micros(made.since)}
        with self._storage.write() as transaction:
            transaction.execute(sa.delete(AGENCY_PAUSES).where(*_of(agency, operation)))
            transaction.execute(sa.insert(AGENCY_PAUSES).values(**values, **told))
            _note(transaction, Verb.AGENCY_PAUSE, by, agency, {"operation": operation, "reason": reason})
        self.refresh()
        return made

    def resume(self, agency: str, operation: str | None, by: Actor) -> None:
        """End a pause.

        Args:
            operation: what was paused; None: the whole agency was.

        Raises:
            NotPaused: it is not paused so.
        """
        with self._storage.write() as transaction:
            if not transaction.execute(sa.delete(AGENCY_PAUSES).where(*_of(agency, operation))):
                what = f"{agency}/{operation}" if operation else f"{agency} as a whole"
                raise NotPaused(f"{what} is not paused; `bus agency list` shows what is.")
            _note(transaction, Verb.AGENCY_RESUME, by, agency, {"operation": operation})
        self.refresh()


def _of(agency: str, operation: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    return _TABLE.agency == agency, _TABLE.operation == (operation or _ALL)


def _make_pause(row: Any) -> Pause:
    return Pause(row.agency, row.operation or None, row.reason, row.by, clock.moment(row.since))


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > LONGEST_REASON or make_printable(reason) != reason:
        wrong = FieldError("/reason", f"must be one line of 1 to {LONGEST_REASON} characters")
        raise PauseReasonInvalid("Give a reason that others can read.", errors=[wrong])


def _note(transaction: Transaction, what: Verb, by: Actor, agency: str, details: Mapping[str, str | None]) -> None:
    told = {name: value for name, value in details.items() if value is not None}
    note(transaction, Action(what, by, Object(what.kind, agency), details=told))
    announce(transaction, PAUSES)
