"""The last failure of a poll: what kind it is, and how it is kept in the database.

Promise: it holds no personal data, since `detail` is an adapter's text for the operator or a refusal's.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from bus import clock
from bus.agencies.tables import POLL_FAILURES
from bus.contracts import ContractSaysLess, NoSuchContract, NotBound
from bus.heavy import TooMuchAtOnce
from bus.kit import AgencyFault, Failure
from bus.problem import Unavailable
from bus.refusals import Poll
from bus.storage import StorageFull, Transaction
from bus.texts import escape_unseen

_LONGEST: Final = 500
"""Characters of a detail that are kept."""
_NOTE: Final = sa.text("""
    INSERT INTO poll_failures (adapter, operation, kind, detail, failed_at, since, in_a_row)
    VALUES (:adapter, :operation, :kind, :detail, :at, :at, 1)
    ON CONFLICT (adapter, operation) DO UPDATE SET
        kind = excluded.kind, detail = excluded.detail, failed_at = excluded.failed_at,
        since = CASE WHEN poll_failures.kind = 'unbound' THEN excluded.since
            ELSE COALESCE(poll_failures.since, excluded.since) END,
        in_a_row = CASE WHEN poll_failures.kind = 'unbound' THEN 1 ELSE poll_failures.in_a_row + 1 END
""")


class PollFailureKind(StrEnum):
    """Why a poll failed, by who can mend it."""

    TRANSIENT = "transient"
    """The agency did not answer, or not now: the bus tries again."""
    PERMANENT = "permanent"
    """The agency refuses the request: somebody has to mend the settings, or the adapter."""
    DOWN = "agency down"
    """The agency cannot be reached, or refuses the account."""
    UNBOUND = "unbound"
    """No contract in force names the poll, so the bus fetches nothing. That may be as it should be."""
    CONTRACT = "contract"
    """The contract in force protects the data less than the poll demands, so the bus fetches nothing."""
    BUS = "bus"
    """The bus itself could not take the rows: its database, its disk or its workers."""
    DEFECT = "defect"
    """The adapter has a defect: tell whoever wrote it."""


_OF_FAULTS: Final = {
    Failure.TRANSIENT: PollFailureKind.TRANSIENT,
    Failure.PERMANENT: PollFailureKind.PERMANENT,
    Failure.SINK_DOWN: PollFailureKind.DOWN,
}


@dataclass(frozen=True, slots=True)
class PollFailure:
    """The last failure of a poll.

    Attributes:
        detail: a text for the operator, without personal data.
        at: when the poll failed last.
        since: when it failed first in a row; None: it ended well since.
        in_a_row: failures without a success between them; 0: it ended well since.
    """

    kind: PollFailureKind
    detail: str
    at: datetime
    since: datetime | None
    in_a_row: int

    @property
    def is_troubled(self) -> bool:
        """Whether somebody should look. A poll that no contract names may rest as somebody wants it."""
        return self.since is not None and self.kind is not PollFailureKind.UNBOUND


def explain_failure(error: Exception) -> tuple[PollFailureKind, str]:
    """The kind of what a poll raised, and a text for the operator."""
    match error:
        case AgencyFault():
            return _OF_FAULTS[error.failure], error.detail
        case NoSuchContract() | NotBound():
            return PollFailureKind.UNBOUND, error.detail
        case ContractSaysLess():
            return PollFailureKind.CONTRACT, error.detail
        case Unavailable() | StorageFull() | TooMuchAtOnce():
            return PollFailureKind.BUS, error.detail
        case TimeoutError():
            return PollFailureKind.TRANSIENT, "the agency's answer took too long"
        case _:
            # What the adapter says may hold a row, so only the error's class is kept.
            return PollFailureKind.DEFECT, f"the adapter failed with {type(error).__name__}"


def note_failure(transaction: Transaction, poll: Poll, kind: PollFailureKind, detail: str, at: int) -> None:
    """Keep that a poll failed, at the given microsecond since 1970."""
    values = {"kind": kind.value, "detail": escape_unseen(detail)[:_LONGEST], "at": at}
    transaction.execute(_NOTE, {**poll._asdict(), **values})


def end_failure(transaction: Transaction, poll: Poll) -> None:
    """Keep that a poll ended well."""
    mine = POLL_FAILURES.c.adapter == poll.adapter, POLL_FAILURES.c.operation == poll.operation
    failing = POLL_FAILURES.c.since.is_not(None)
    transaction.execute(sa.update(POLL_FAILURES).where(*mine, failing).values(since=None, in_a_row=0))


def forget_failure(transaction: Transaction, poll: Poll) -> None:
    """Forget that a poll ever failed."""
    mine = POLL_FAILURES.c.adapter == poll.adapter, POLL_FAILURES.c.operation == poll.operation
    transaction.execute(sa.delete(POLL_FAILURES).where(*mine))


def forget_failures(transaction: Transaction, but: Collection[Poll]) -> None:
    """Forget the failures of all polls `but` these: nobody can mend a poll that is no more."""
    for poll in read_failures(transaction):
        if poll not in but:
            forget_failure(transaction, poll)


def read_failures(transaction: Transaction) -> dict[Poll, PollFailure]:
    """The last failure of each poll that ever failed."""
    return {
        Poll(row.adapter, row.operation): PollFailure(
            PollFailureKind(row.kind),
            row.detail,
            clock.moment(row.failed_at),
            None if row.since is None else clock.moment(row.since),
            row.in_a_row,
        )
        for row in transaction.rows(sa.select(POLL_FAILURES))
    }
