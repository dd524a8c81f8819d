"""Held deletions: a poll that would delete an implausible share of its list waits for the operator, or for the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bus import clock
from bus.actions import Action, Actor, Object, Verb, note
from bus.agencies.memory import Held, read_held
from bus.agencies.poll_failure import PollFailure, read_failures
from bus.agencies.tables import HELD_DELETIONS, POLLS
from bus.problem import Conflict, NotFound
from bus.refusals import Poll, SetAside
from bus.storage import Storage, announce

TOPIC: Final = "polls"


class NoSuchAgency(NotFound):
    """This bus polls no agency of that name; `GET /v1/agencies` lists those that it polls."""

    slug = "no-such-agency"


class NothingHeld(Conflict):
    """No poll of the agency holds deletions back, so there is nothing to release."""

    slug = "nothing-held"


@dataclass(frozen=True, slots=True)
class Plausibility:
    """How many rows of a list may be gone at once. More are held back, if they exceed both bounds.

    Attributes:
        share: the share of the known rows.
        rows: the number of rows.
    """

    share: float = 0.1
    rows: int = 10

    def judge(self, deletions: int, known: int, present: int) -> bool:
        """Whether so many deletions are plausible. A list that is empty, and was not before, never is.

        Args:
            deletions: the rows that are gone.
            known: the rows that were there, with those that are gone.
            present: the rows that are there now.
        """
        if deletions and not present:
            return False
        return deletions <= self.rows or deletions <= self.share * known


@dataclass(frozen=True, slots=True)
class PollReport:
    """How a poll stands, for the operator.

    Attributes:
        poll: the poll.
        polled_at: the time of its last step that ended well; None: there was none.
        set_aside: rows that are set aside.
        held: lists whose deletions it holds back.
        failure: its last failure; None: it never failed.
    """

    poll: Poll
    polled_at: datetime | None
    set_aside: int
    held: Sequence[Held]
    failure: PollFailure | None = None


class Holds:
    """Shows polls to the operator, and takes his word. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._set_aside = SetAside(storage)

    def report(self, polls: Sequence[Poll] = ()) -> list[PollReport]:
        """How each poll stands that ever ran, and each of `polls`, in the order of their names."""
        counts = self._set_aside.count()
        with self._storage.read() as transaction:
            rows = transaction.rows(sa.select(POLLS.c.adapter, POLLS.c.operation, POLLS.c.polled_at))
            held, failures = read_held(transaction), read_failures(transaction)
        times: Mapping[Poll, int] = {Poll(row.adapter, row.operation): row.polled_at for row in rows}
        return [
            PollReport(
                poll,
                clock.moment(times[poll]) if poll in times else None,
                counts.get(poll, 0),
                [one for one in held if one.poll == poll],
                failures.get(poll),
            )
            for poll in sorted({*times, *polls, *counts, *failures, *(one.poll for one in held)})
        ]

    def release(self, agency: str, by: Actor, operation: str | None = None) -> list[Held]:
        """Let an agency's polls make the deletions that they hold back. They do so within seconds.

        Should more rows be gone by then, the poll holds again.

        Args:
            agency: the adapter's name.
            by: who says so.
            operation: the poll; None: all polls of the agency.

        Returns:
            The lists whose deletions go on.

        Raises:
            NothingHeld: nothing is held back.
        """
        table = HELD_DELETIONS.c
        mine = [table.adapter == agency, *([] if operation is None else [table.operation == operation])]
        with self._storage.write() as transaction:
            held = read_held(transaction, *mine)
            if not held:
                raise NothingHeld(f"No poll of {agency} holds deletions back.")
            transaction.execute(sa.update(HELD_DELETIONS).where(*mine).values(released=table.deletions))
            details: dict[str, Any] = {
                "released": [
                    {
                        "operation": one.poll.operation,
                        "source": one.source,
                        "deletions": one.deletions,
                        "known": one.known,
                    }
                    for one in held
                ]
            }
            about = Object(Verb.AGENCY_RELEASE.kind, agency)
            note(transaction, Action(Verb.AGENCY_RELEASE, by, about, details=details))
            announce(transaction, TOPIC)
        return held
