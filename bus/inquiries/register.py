"""The register of inquiries: opens them with a number and a due moment, lists them, and closes them with a note."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bus import clock
from bus.actions import Action, Actor, Object, Verb, make_printable, note
from bus.inquiries.inquiry import (
    HOURS,
    Inquiry,
    InquiryClosed,
    InquiryUnknown,
    NewInquiry,
    check_inquiry,
    check_note,
    mask_person,
)
from bus.inquiries.tables import INQUIRIES
from bus.storage import Storage, Transaction


class Inquiries:
    """The inquiries of one bus. Synchronous: call it from threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def open(self, new: NewInquiry, by: Actor) -> Inquiry:
        """Open an inquiry. The clock starts when the office received it.

        Raises:
            InquiryMalformed: part of it is missing or wrong.
        """
        now = clock.now()
        check_inquiry(new, now)
        received = new.received_at or now
        values = {
            "person": mask_person(new.person),
            "about": make_printable(new.about.strip()),
            "received_at": clock.micros(received),
            "due_at": clock.micros(received + timedelta(hours=HOURS)),
            "opened_by": by.label,
        }
        with self._storage.write() as transaction:
            (number,) = transaction.one(sa.insert(INQUIRIES).values(**values).returning(INQUIRIES.c.number)) or (0,)
            note(transaction, Action(Verb.INQUIRY_OPEN, by, _name(number)))
            return _read(transaction, number)

    def get(self, number: int) -> Inquiry:
        """One inquiry.

        Raises:
            InquiryUnknown: there is none with this number.
        """
        with self._storage.read() as transaction:
            return _read(transaction, number)

    def list_page(self, limit: int, before: int | None = None, *, only_open: bool = False) -> list[Inquiry]:
        """At most `limit` inquiries, the newest first.

        Args:
            before: only inquiries with a lower number, for the next page; None: the first page.
            only_open: leave out those that are closed.
        """
        query = sa.select(INQUIRIES).order_by(INQUIRIES.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(INQUIRIES.c.number < before)
        if only_open:
            query = query.where(INQUIRIES.c.closed_at.is_(None))
        with self._storage.read() as transaction:
            return [_make_inquiry(row) for row in transaction.rows(query)]

    def close(self, number: int, ending: str, by: Actor) -> Inquiry:
        """Close an inquiry with a note that says how it ended.

        Raises:
            InquiryUnknown, InquiryClosed: there is none with this number, or it is closed.
            InquiryMalformed: the note is not one printable line.
        """
        table = INQUIRIES.c
        closed = {"closed_at": clock.micros(clock.now()), "closed_by": by.label, "note": check_note(ending)}
        mine = sa.update(INQUIRIES).where(table.number == number, table.closed_at.is_(None))
        with self._storage.write() as transaction:
            if not transaction.execute(mine.values(**closed)):
                _read(transaction, number)
                raise InquiryClosed("The inquiry is closed; open another one if the person asks again.")
            note(transaction, Action(Verb.INQUIRY_CLOSE, by, _name(number)))
            return _read(transaction, number)


def _name(number: int) -> Object:
    return Object("inquiry", str(number))


def _read(transaction: Transaction, number: int) -> Inquiry:
    row = transaction.one(sa.select(INQUIRIES).where(INQUIRIES.c.number == number))
    if row is None:
        raise InquiryUnknown("There is no inquiry with this number.")
    return _make_inquiry(row)


def _make_inquiry(row: Any) -> Inquiry:
    return Inquiry(
        number=row.number,
        person=row.person,
        about=row.about,
        received_at=clock.moment(row.received_at),
        due_at=clock.moment(row.due_at),
        opened_by=row.opened_by,
        closed_at=None if row.closed_at is None else clock.moment(row.closed_at),
        closed_by=row.closed_by,
        note=row.note,
    )
