"""Inquiries: a number, a beginning, three times 24 hours, and an end with a note; nowhere the whole identifier."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bus import clock
from bus.actions import Verb
from bus.inquiries import Inquiries, InquiryClosed, InquiryMalformed, InquiryUnknown, NewInquiry, mask_person
from bus.inquiries.tables import INQUIRIES
from bus.storage import Storage
from tests.an_actor import OPERATOR, actions, raw_log
from tests.builders import a_nik

NIK = a_nik(1)


@pytest.fixture
def inquiries(storage: Storage) -> Inquiries:
    return Inquiries(storage)


def test_the_answer_is_due_three_times_24_hours_after_it_was_received(inquiries: Inquiries):
    received = clock.now() - timedelta(hours=20)
    made = inquiries.open(NewInquiry(NIK, "surat nomor 12", received), OPERATOR)
    assert made.due_at - made.received_at == timedelta(hours=72)
    assert abs(made.received_at - received) < timedelta(milliseconds=1)
    assert not made.is_late(made.due_at)
    assert made.is_late(made.due_at + timedelta(seconds=1))


def test_no_table_has_the_whole_identifier(storage: Storage, inquiries: Inquiries):
    made = inquiries.open(NewInquiry(NIK, f"surat tentang {NIK}"), OPERATOR)
    inquiries.close(made.number, f"jawaban untuk {NIK} diserahkan", OPERATOR)
    with storage.read() as transaction:
        rows = repr([tuple(row) for row in transaction.rows(sa.select(INQUIRIES))])
    assert NIK not in rows
    assert NIK not in raw_log(storage)
    assert made.person == "•" * 12 + "0001"


@pytest.mark.parametrize(("person", "shown"), [("1234567", "••••"), ("12345678", "••••5678"), ("", "••••")])
def test_a_short_identifier_is_hidden_whole(person: str, shown: str):
    assert mask_person(person) == shown


def test_an_inquiry_ends_once_with_a_note(storage: Storage, inquiries: Inquiries):
    made = inquiries.open(NewInquiry(NIK, "loket"), OPERATOR)
    closed = inquiries.close(made.number, "diserahkan di loket", OPERATOR)
    assert (closed.is_open, closed.note, closed.closed_by) == (False, "diserahkan di loket", OPERATOR.label)
    with pytest.raises(InquiryClosed):
        inquiries.close(made.number, "sekali lagi", OPERATOR)
    assert inquiries.get(made.number) == closed
    assert [one.what for one in actions(storage)] == [Verb.INQUIRY_OPEN, Verb.INQUIRY_CLOSE]


def test_pages_go_on_behind_a_number_and_leave_out_what_is_closed(inquiries: Inquiries):
    numbers = [inquiries.open(NewInquiry(NIK, f"surat {number}"), OPERATOR).number for number in range(5)]
    inquiries.close(numbers[3], "selesai", OPERATOR)
    assert [one.number for one in inquiries.list_page(2)] == numbers[:2:-1]
    assert [one.number for one in inquiries.list_page(9, numbers[3])] == numbers[2::-1]
    assert [one.number for one in inquiries.list_page(9, only_open=True)] == [
        one for one in numbers[::-1] if one != numbers[3]
    ]


def wrong_ones() -> list[tuple[NewInquiry, str]]:
    now = clock.now()
    return [
        (NewInquiry("", "loket"), "/subject"),
        (NewInquiry("35\n24", "loket"), "/subject"),
        (NewInquiry(NIK, " "), "/reason"),
        (NewInquiry(NIK, "x" * 501), "/reason"),
        (NewInquiry(NIK, "loket", now + timedelta(hours=1)), "/received_at"),
        (NewInquiry(NIK, "loket", now - timedelta(days=400)), "/received_at"),
    ]


@pytest.mark.parametrize("case", range(len(wrong_ones())))
def test_what_is_wrong_is_told_at_its_place_and_opens_nothing(inquiries: Inquiries, case: int):
    new, pointer = wrong_ones()[case]
    with pytest.raises(InquiryMalformed) as refused:
        inquiries.open(new, OPERATOR)
    assert [one.pointer for one in refused.value.errors] == [pointer]
    assert inquiries.list_page(10) == []


def test_what_is_not_there_is_not_closed(storage: Storage, inquiries: Inquiries):
    with pytest.raises(InquiryUnknown):
        inquiries.close(7, "selesai", OPERATOR)
    made = inquiries.open(NewInquiry(NIK, "loket"), OPERATOR)
    with pytest.raises(InquiryMalformed):
        inquiries.close(made.number, " ", OPERATOR)
    assert inquiries.get(made.number).is_open
