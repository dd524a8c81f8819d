"""The answer to "who got my data?": by office and purpose, with the office to write to, and with who searched and opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bus import clock
from bus.actions import Actor
from bus.console.received import Office, Receipt, find_offices, find_owners, gather_receipts, tell_fields
from bus.console.words import Words
from bus.disclosures import Channel, Found, Wanted
from bus.http import Rooms
from bus.inquiries import Inquiry
from bus.reports import Column, Report

_CHUNK: Final = 500
_MOST: Final = 5_000
"""Rows of the log that an answer gathers."""
_BY_STAFF: Final = frozenset({Channel.LOOKUP, Channel.OPENING, Channel.ANSWER})
"""What people did by hand, each time with a reason."""


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """Who received one person's data.

    Attributes:
        offices: the recipients, by their names.
        received: what offices received, by purpose.
        by_staff: searches and openings by hand, each with its reason as the purpose; this search among them.
        owners: the offices that answer for the data: there a person asks for a correction.
        made_at: when the answer was made.
        is_whole: whether all rows of the log are in it.
    """

    offices: Mapping[str, Office]
    received: Sequence[Receipt]
    by_staff: Sequence[Receipt]
    owners: Sequence[Office]
    made_at: datetime
    is_whole: bool


def answer_person(rooms: Rooms, person: str, reason: str, by: Actor, words: Words) -> PersonAnswer:
    """The answer. The search is on disk before it, and in it. Call it from a thread.

    Raises:
        ReasonMissing: the reason is not one printable line.
    """
    rows = rooms.looks.find_person(person, None, _CHUNK, by, reason)
    is_whole = len(rows) < _CHUNK
    while not is_whole and len(rows) < _MOST:
        more = rooms.disclosures.search(Wanted(person), rows[-1].place, _CHUNK)
        is_whole = len(more) < _CHUNK
        rows = [*rows, *more]
    by_hand, received = _split(rows)
    receipts = gather_receipts(received, rooms)
    opened = gather_receipts(by_hand, rooms)
    return PersonAnswer(
        offices=find_offices((one.participant for one in (*receipts, *opened)), rooms, words),
        received=receipts,
        by_staff=sorted(opened, key=lambda one: one.last_at, reverse=True),
        owners=find_owners([*receipts, *opened], rooms, words),
        made_at=clock.now(),
        is_whole=is_whole,
    )


def make_report(answer: PersonAnswer, inquiry: Inquiry, words: Words) -> Report:
    """The answer as a file for the person."""
    say, moment = words.say, words.tell_moment
    owners = "; ".join(f"{one.title} ({one.contact})" if one.contact else one.title for one in answer.owners)
    facts = [
        (
            say("Permintaan"),
            say("nomor %(number)s, diterima %(at)s", number=inquiry.number, at=moment(inquiry.received_at)),
        ),
        (say("Subjek data"), inquiry.person),
        (say("Dibuat"), moment(answer.made_at)),
        (say("Untuk perbaikan data, tulislah kepada"), owners or "–"),
    ]
    names = (say("Kantor"), say("Tujuan atau alasan"), say("Dasar hukum"), say("Data"), say("Pertama"), say("Terakhir"))
    columns = [*(Column(one, 3) for one in names), Column(say("Kali"), 1)]
    rows = [
        [
            answer.offices[one.participant].title,
            one.purpose,
            one.legal_basis or "–",
            tell_fields(one.fields, say("semua isi")) or "–",
            moment(one.first_at),
            moment(one.last_at),
            words.tell_number(one.times),
        ]
        for one in (*answer.received, *answer.by_staff)
    ]
    remark = "" if answer.is_whole else say("Pengungkapan yang lebih lama tidak termuat. Mintalah kepada petugas.")
    return Report(say("Siapa menerima data Anda"), facts, columns, rows, remark)


def _split(rows: Sequence[Found]) -> tuple[list[Found], list[Found]]:
    by_hand = [one for one in rows if one.disclosure.channel in _BY_STAFF]
    return by_hand, [one for one in rows if one.disclosure.channel not in _BY_STAFF]
