"""An inquiry: what one data subject asks. It has a number, a beginning, and the moment when the answer is due."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bus.actions import make_printable
from bus.problem import Conflict, FieldError, NotFound, Refused

HOURS: Final = 3 * 24
"""Hours until the answer is due (UU 27/2022, art. 32 paragraph 2)."""
_LONGEST: Final = 500
_LONGEST_PERSON: Final = 1024
_SHOWN: Final = 4
_OLDEST: Final = timedelta(days=365)


class InquiryUnknown(NotFound):
    """There is no inquiry with this number."""

    slug = "inquiry-unknown"


class InquiryClosed(Conflict):
    """The inquiry is closed already."""

    slug = "inquiry-closed"


class InquiryMalformed(Refused):
    """Part of the inquiry is missing or wrong; `errors` says which."""

    status = 422
    slug = "inquiry-malformed"


@dataclass(frozen=True, slots=True)
class NewInquiry:
    """What is told of an inquiry when it is opened.

    Attributes:
        person: the data subject's identifier, such as a NIK.
        about: how the person asked, on one line.
        received_at: when the office received it, which starts the clock; None: now.
    """

    person: str
    about: str
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One inquiry.

    Attributes:
        person: the identifier with its last four characters alone.
        opened_by: the actor who opened it, as the action log names him.
        note: how it ended; None: it is open.
    """

    number: int
    person: str
    about: str
    received_at: datetime
    due_at: datetime
    opened_by: str
    closed_at: datetime | None = None
    closed_by: str | None = None
    note: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits for its end."""
        return self.closed_at is None

    def is_late(self, now: datetime) -> bool:
        """Whether the answer came, or would come, after it was due."""
        return (self.closed_at or now) > self.due_at


def mask_person(person: str) -> str:
    """The identifier with its last four characters alone. A short identifier is hidden whole."""
    hidden = len(person) - _SHOWN
    return "•" * hidden + person[-_SHOWN:] if hidden >= _SHOWN else "•" * _SHOWN


def check_inquiry(new: NewInquiry, now: datetime) -> None:
    """Refuse an inquiry that cannot be opened.

    Raises:
        InquiryMalformed: see the class.
    """
    wrong = []
    if not new.person or len(new.person) > _LONGEST_PERSON or not new.person.isprintable():
        wrong.append(FieldError("/subject", "must be the identifier of one person, such as a NIK"))
    if not _is_line(new.about):
        wrong.append(FieldError("/reason", f"must be one line of 1 to {_LONGEST} printable characters"))
    if new.received_at is not None and not now - _OLDEST < new.received_at <= now:
        wrong.append(FieldError("/received_at", "must be a moment of the last year, and not in the future"))
    if wrong:
        raise InquiryMalformed("The inquiry cannot be opened.", errors=wrong)


def check_note(note: str) -> str:
    """The note of an end, without numbers of persons.

    Raises:
        InquiryMalformed: the note is not one printable line.
    """
    if not _is_line(note):
        wrong = FieldError("/note", f"must be one line of 1 to {_LONGEST} printable characters")
        raise InquiryMalformed("Say on one line how the inquiry ended.", errors=[wrong])
    return make_printable(note.strip())


def _is_line(text: str) -> bool:
    return bool(text.strip()) and len(text) <= _LONGEST and text.strip().isprintable()
