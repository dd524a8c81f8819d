"""The errors of the client, one class for each thing that its user can do.

BusError
├── EventInvalid          mend the event, which was not sent
├── Refused               mend what `errors` points at
│   └── CursorGone        go on with `next`; if it is empty, read all records and replace your copy
├── CredentialsRefused    check the client's id and secret
├── Unreachable           try again later
├── SnapshotInvalid       drop what came of the snapshot, and begin again
├── SignatureInvalid      answer the webhook with 401
└── SpoolError            look at the spool's file
    └── SpoolFull         make room, or get a line
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One mistake and its place.

    Attributes:
        pointer: JSON Pointer (RFC 6901) into the event; empty: the event as a whole.
        detail: what is wrong. It never holds the value.
    """

    pointer: str
    detail: str


class BusError(Exception):
    """The base of all errors of this client."""


class EventInvalid(BusError):
    """The event cannot be sent: it has no type or source, or its data are not JSON."""


class Refused(BusError):
    """The bus refuses the request, and would refuse the same request again (RFC 9457).

    Attributes:
        status: the HTTP status.
        type: the problem's type, such as `urn:bus:problem:data-invalid`.
        title, detail: what is wrong, in words.
        errors: each mistake with its place.
    """

    def __init__(self, status: int, type: str, title: str, detail: str, errors: Sequence[FieldError]) -> None:
        places = [f"{error.pointer} {error.detail}".strip() for error in errors]
        super().__init__(f"{status} {title} {'; '.join(places) or detail}".strip())
        self.status = status
        self.type = type
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)


class CursorGone(Refused):
    """What stood behind the cursor is gone: the contract keeps events no longer, or the bus was restored.

    Attributes:
        next: the cursor that goes on with what is there. You miss some events of a feed. Empty: read all records from the
            beginning, and replace your copy with them.
    """

    def __init__(
        self, status: int, type: str, title: str, detail: str, errors: Sequence[FieldError], following: str
    ) -> None:
        super().__init__(status, type, title, detail, errors)
        self.next = following


class CredentialsRefused(BusError):
    """The bus does not accept the client's id and secret."""


class Unreachable(BusError):
    """No answer of the bus came, or the bus is busy. The request may have arrived; the same request is safe later.

    Attributes:
        retry_after: seconds that the bus wants its caller to wait; None: it did not say.
    """

    def __init__(self, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class SnapshotInvalid(BusError):
    """The snapshot is not what the bus sent: something on the way changed it, or lost a part of it."""


class SignatureInvalid(BusError):
    """The bus did not sign this webhook, or signed it too long ago."""


class SpoolError(BusError):
    """The spool's file cannot be read or written."""


class SpoolFull(SpoolError):
    """The spool takes no more events: it has its size or age, or the disk is full."""
