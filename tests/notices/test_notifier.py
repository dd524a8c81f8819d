"""The notifier between restarts, failing servers and a database that others write to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
import structlog

from bus import clock
from bus.agencies.memory import Held, hold_deletions
from bus.doctor.gather import gather_facts
from bus.notices import Kind, Notice, Recipient, Sender, Way, make_senders
from bus.notices.due import HOUR, Bundle, Memory, succeed
from bus.notices.letter import Letter
from bus.notices.memory import Memories
from bus.notices.recipients import list_recipients
from bus.refusals import Poll
from bus.storage import Storage
from tests.a_bus import Bus
from tests.a_mail_server import MailServer, a_mail_server
from tests.an_actor import OPERATOR
from tests.builders import a_new_subscription
from tests.notices.a_mailroom import TO, Mailroom, a_contact

pytestmark = pytest.mark.process


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with a_mail_server() as made:
        yield made


@pytest.fixture
def room(bus: Bus, server: MailServer) -> Mailroom:
    """A bus on which one trouble stands, which bapenda and the operator are told of."""
    made = Mailroom(bus, server)
    made.give_contact("bapenda")
    subscriptions = bus.rooms.subscriptions
    subscriptions.disable(subscriptions.add(a_new_subscription("bapenda"), OPERATOR), OPERATOR)
    return made


async def test_a_process_that_starts_tells_nobody_twice(room: Mailroom) -> None:
    now = clock.now()
    await room.tell(now)
    await room.tell(now)
    await room.tell(now + 23 * HOUR)
    assert sorted(address for address, _ in room.server.taken) == sorted([TO, a_contact("bapenda")])


async def test_a_process_killed_while_it_sends_is_followed_by_one_that_waits_an_hour(room: Mailroom) -> None:
    now = clock.now()
    room.server.gate.clear()
    sending = asyncio.create_task(room.tell(now))
    while room.server.begun < 2:  # noqa: ASYNC110 - the server counts
        await asyncio.sleep(0.01)
    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending
    room.server.gate.set()
    await room.tell(now + timedelta(minutes=59))
    assert room.server.begun == 2
    await room.tell(now + HOUR)
    assert len(room.server.to(TO)) >= 1
    assert room.server.begun == 4


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_recipient_that_is_refused_holds_up_nobody_and_the_doctor_tells_it_without_its_address(
    room: Mailroom,
) -> None:
    room.server.refused[a_contact("bapenda")] = "550 no such user"
    now = clock.now()
    with structlog.testing.capture_logs() as logged:
        await room.tell(now)
        await room.tell(now + timedelta(minutes=1))
    assert len(room.server.to(TO)) == 1
    failed = [line for line in logged if line["event"] == "notice.not_sent"]
    assert [(line["recipient"], line["failure"], line["attempts"]) for line in failed] == [
        ("mail bapenda", "the mail server answered 550", 1),
        ("mail bapenda", "the mail server answered 550", 2),
    ]
    assert "@" not in str(logged)
    rooms = room.bus.rooms
    (deaf,) = gather_facts(room.settings, rooms.storage, rooms.keys).deaf
    assert (deaf.name, deaf.failure) == ("mail bapenda", "the mail server answered 550")
    room.server.refused.clear()
    await room.tell(now + timedelta(minutes=3))
    assert len(room.server.to(a_contact("bapenda"))) == 1
    assert gather_facts(room.settings, rooms.storage, rooms.keys).deaf == ()


class ADefectiveSender:
    """Sends as another sender does, but breaks at one address."""

    def __init__(self, sender: Sender, broken: str) -> None:
        self._sender, self.broken = sender, broken

    async def send(self, letter: Letter, recipient: Recipient) -> str:
        if recipient.address == self.broken:
            raise ValueError(f"no place for {recipient.address}")
        return await self._sender.send(letter, recipient)

    async def close(self) -> None:
        await self._sender.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_defect_at_one_recipient_holds_up_nobody_and_the_doctor_tells_it(room: Mailroom) -> None:
    mail = make_senders(room.settings, room.bus.rooms.names)[Way.MAIL]
    sender = ADefectiveSender(mail, a_contact("bapenda"))
    room.senders = {Way.MAIL: sender}
    now = clock.now()
    with structlog.testing.capture_logs() as logged:
        await room.tell(now)
    assert len(room.server.to(TO)) == 1
    rooms = room.bus.rooms
    (deaf,) = gather_facts(room.settings, rooms.storage, rooms.keys).deaf
    assert (deaf.name, deaf.failure) == ("mail bapenda", "the bus failed with ValueError")
    assert "@" not in str(logged) + deaf.failure
    sender.broken = ""
    await room.tell(now + timedelta(minutes=1))
    assert len(room.server.to(a_contact("bapenda"))) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_doctor_tells_of_no_address_that_was_taken_away(room: Mailroom) -> None:
    rooms = room.bus.rooms
    room.server.refused[a_contact("bapenda")] = "550 no such user"
    await room.tell(clock.now())
    assert len(gather_facts(room.settings, rooms.storage, rooms.keys).deaf) == 1
    rooms.participants.set_contact("bapenda", None, OPERATOR)
    assert gather_facts(room.settings, rooms.storage, rooms.keys).deaf == ()


async def test_two_processes_that_look_at_once_send_one_message(room: Mailroom) -> None:
    now = clock.now()
    await asyncio.gather(*(room.tell(now) for _ in range(4)))
    assert len(room.server.taken) == 2


def test_the_database_keeps_what_the_decision_says(storage: Storage) -> None:
    memories, now = Memories(storage), clock.now()
    recipient = Recipient(Way.MAIL, TO, is_operator=True)
    first, second = (Notice(Kind.POLL_HELD, None, name, f"hal {name}", "lepaskan") for name in ("a", "b"))
    known = Memory()
    for minutes, bundle in (
        (0, Bundle([first, second], [], {}, 0)),
        (60, Bundle([], [first], {second.key: second.title}, 0)),
    ):
        at = now + timedelta(minutes=minutes)
        assert memories.claim(recipient, known, at)
        assert memories.read()[recipient.key].next_at == at + HOUR
        after_failure = memories.note_failure(recipient, known, "the mail server answered 451", at)
        assert memories.read() == {recipient.key: after_failure}
        memories.note_success(recipient, after_failure, bundle, at)
        known = succeed(after_failure, bundle, at)
        assert memories.read() == {recipient.key: known}
    assert list(known.told) == [first.key]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_names_of_strangers_write_no_header_and_no_line_of_their_own(room: Mailroom) -> None:
    evil = "x\r\nBcc: orang@lain.example\r\n\r\n1. Palsu\u202e\x00" + "y" * 10_000
    with room.bus.rooms.storage.write() as transaction:
        hold_deletions(transaction, Held(Poll(evil.replace("\x00", ""), "tarik"), "/x", 97, 100, clock.now_micros()))
    await room.tell(clock.now())
    (message,) = room.server.to(TO)
    assert "Bcc" not in message
    text = room.last()
    assert not [line for line in text.splitlines() if line.startswith(("Bcc", "1. Palsu"))]
    assert "\u202e" not in text
    assert len(text) < 5_000


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_recipients_that_nobody_names_any_more_are_forgotten_after_a_month(room: Mailroom) -> None:
    now = clock.now()
    await room.tell(now)
    kept = list_recipients([TO], {}, has_webhook=False)
    memories = Memories(room.bus.rooms.storage)
    memories.forget(kept, now + timedelta(days=29))
    assert len(memories.read()) == 2
    memories.forget(kept, now + timedelta(days=31))
    assert list(memories.read()) == [f"mail:{TO}"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_one_address_of_several_offices_gets_one_message(room: Mailroom) -> None:
    room.give_contact("dinkes", "TIK@bapenda.example")
    subscriptions = room.bus.rooms.subscriptions
    subscriptions.disable(subscriptions.add(a_new_subscription("dinkes"), OPERATOR), OPERATOR)
    await room.tell(clock.now())
    ((_, message),) = [one for one in room.server.taken if one[0] != TO]
    assert str(message["Subject"]) == "Bus data Lamongan: 2 baru"
