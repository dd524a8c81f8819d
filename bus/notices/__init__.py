"""Notices: tells people what they should look at, by mail and by the operator's webhook, each with the act that helps.

What the room offers: `Notifier` tells what is due while its process leads; `FactReader` reads what it needs. `make_notices`
makes `Notice`s of `Facts`. `find_recipients` says who gets them (`Recipient`), `make_senders` opens the ways (`Way`).
`write_trial` is for `bus notify test`. `find_failing_recipients` and `list_ways` are for the doctor.
"""

from bus.notices.facts import FactReader, Facts
from bus.notices.letter import Letter, write_trial
from bus.notices.memory import FailingRecipient, find_failing_recipients
from bus.notices.notice import Kind, Notice
from bus.notices.notifier import Notifier
from bus.notices.recipients import Recipient, Way
from bus.notices.sender import NotSent, Sender
from bus.notices.ways import find_recipients, list_ways, make_senders
from bus.notices.words import make_notices

__all__ = [
    "FactReader",
    "Facts",
    "FailingRecipient",
    "Kind",
    "Letter",
    "NotSent",
    "Notice",
    "Notifier",
    "Recipient",
    "Sender",
    "Way",
    "find_failing_recipients",
    "find_recipients",
    "list_ways",
    "make_notices",
    "make_senders",
    "write_trial",
]
