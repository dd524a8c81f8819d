"""A notice: one thing that somebody should know, with the act that helps."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What a notice is about."""

    SINK_AWAY = "sink-away"
    DEAD_DELIVERIES = "dead-deliveries"
    SUBSCRIPTION_DISABLED = "subscription-disabled"
    GRANT_ENDS = "grant-ends"
    SECRET_ENDS = "secret-ends"  # noqa: S105 - a kind
    PROPOSAL_WAITS = "proposal-waits"
    POLL_HELD = "poll-held"
    POLL_FAILS = "poll-fails"
    PRODUCER_SILENT = "producer-silent"
    BACKUP_LATE = "backup-late"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that stands, in words for the staff of an office (Indonesian).

    Attributes:
        participant: whom it concerns, beside the operator; None: the operator alone.
        subject: the subscription, contract or poll that it is about.
        title: what is so, on one line.
        do: what helps, on one line.
        command: the operator's command that helps; empty: there is none.
        call: the API call with which the participant helps itself; empty: there is none.
        since: since when it is so; None: nobody noted when it began.
        repeat: how long it may stand before a recipient is told again.
    """

    kind: Kind
    participant: str | None
    subject: str
    title: str
    do: str
    command: str = ""
    call: str = ""
    since: datetime | None = None
    repeat: timedelta = timedelta(days=1)

    @property
    def key(self) -> str:
        """Names the notice for as long as it stands. Names of participants and contracts hold no blank."""
        return f"{self.kind.value} {self.participant or '-'} {self.subject}"
