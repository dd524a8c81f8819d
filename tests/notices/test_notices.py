"""Each kind of notice, from a bus in that state to the mailboxes: who is told, what helps, and that it ended."""

import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest

from bus import clock
from bus.actions import Action, Object, Verb
from bus.actions.log import ActionLog
from bus.agencies.memory import Held, end_hold, hold_deletions
from bus.agencies.poll_failure import PollFailureKind, end_failure, note_failure
from bus.cli import _COMMANDS
from bus.contracts.document import parse_contract
from bus.delivery import DeliveryState, Ledger, Subscription, SubscriptionState, Webhook
from bus.delivery.ledger import NewDelivery
from bus.kit import Failure
from bus.notices import Kind
from bus.refusals import Poll
from tests.a_bus import Bus
from tests.a_failure import a_failed_attempt
from tests.a_mail_server import MailServer, a_mail_server
from tests.an_actor import OPERATOR, an_actor
from tests.builders import OWNER, WARGA, a_document, a_grant, a_new_subscription
from tests.notices.a_mailroom import TO, Mailroom, a_contact

pytestmark = [pytest.mark.process, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

HOOK = Webhook("https://pajak.example/hook?token=s3kr3t")
POLL = Poll("balai", "tarik")
Mend = Callable[[], None]


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with a_mail_server() as made:
        yield made


@pytest.fixture
def room(bus: Bus, server: MailServer) -> Mailroom:
    made = Mailroom(bus, server)
    for participant in ("bapenda", "dinkes", OWNER):
        made.give_contact(participant)
    return made


def subscribe(bus: Bus) -> Subscription:
    return bus.rooms.subscriptions.add(a_new_subscription("bapenda", sink=HOOK), OPERATOR)


async def failed(bus: Bus, state: DeliveryState) -> Subscription:
    bus.apply(a_document(a_grant("bapenda")))
    made = subscribe(bus)
    position = await bus.publish({"nik": "3524011010900001"})
    with bus.rooms.storage.write() as transaction:
        ledger = Ledger(bus.rooms.storage, bus.rooms.keys.encrypt)
        ledger.add(transaction, [NewDelivery(made.number, position, None)], 0, again=False)
        attempt = a_failed_attempt(made.number, position, failure=Failure.TRANSIENT)
        is_over = state is DeliveryState.DEAD
        ledger.record(transaction, [attempt._replace(state=state, due_at=None if is_over else attempt.due_at)])
    return made


def delete(room: Mailroom, made: Subscription) -> Mend:
    return lambda: room.bus.rooms.subscriptions.delete(made, OPERATOR)


async def sink_away(room: Mailroom) -> Mend:
    return delete(room, await failed(room.bus, DeliveryState.PENDING))


async def dead(room: Mailroom) -> Mend:
    return delete(room, await failed(room.bus, DeliveryState.DEAD))


async def disabled(room: Mailroom) -> Mend:
    made = subscribe(room.bus)
    subscriptions = room.bus.rooms.subscriptions
    subscriptions.disable(made, OPERATOR)
    return lambda: subscriptions.set_state(made, SubscriptionState.ACTIVE, OPERATOR)


async def grant_ends(room: Mailroom) -> Mend:
    soon = clock.local_date(clock.now()) + timedelta(days=20)
    room.bus.apply(a_document(a_grant("bapenda", until=soon.isoformat())))
    return lambda: room.bus.apply(a_document(a_grant("bapenda"), version="1.1.0"))


async def secret_ends(room: Mailroom) -> Mend:
    made = subscribe(room.bus)
    room.bus.rooms.subscriptions.rotate_secret(made, OPERATOR)
    return delete(room, made)


async def proposal_waits(room: Mailroom) -> Mend:
    registrar = room.bus.rooms.catalogue.registrar
    registrar.add_draft(parse_contract(a_document(a_grant("bapenda"))), an_actor(OWNER))
    registrar.propose(WARGA, "1.0.0", an_actor(OWNER))
    return lambda: room.bus.apply(a_document(a_grant("bapenda")))


async def poll_held(room: Mailroom) -> Mend:
    with room.bus.rooms.storage.write() as transaction:
        hold_deletions(transaction, Held(POLL, "/balai/warga", 97, 100, clock.now_micros()))

    def end() -> None:
        with room.bus.rooms.storage.write() as transaction:
            end_hold(transaction, POLL, "/balai/warga")

    return end


async def poll_fails(room: Mailroom) -> Mend:
    began = clock.now_micros() - 3_600_000_000
    with room.bus.rooms.storage.write() as transaction:
        for at in (began, clock.now_micros()):
            note_failure(transaction, POLL, PollFailureKind.DOWN, "Balai refuses the account", at)

    def end() -> None:
        with room.bus.rooms.storage.write() as transaction:
            end_failure(transaction, POLL)

    return end


async def producer_silent(room: Mailroom) -> Mend:
    room.bus.apply(a_document(a_grant("bapenda"), delivery={"fresh_hours": 24}))
    return lambda: room.bus.apply(a_document(a_grant("bapenda"), version="1.1.0"))


async def backup_late(room: Mailroom) -> Mend:
    room.backup_hours = 26
    made = Action(Verb.BUS_BACKUP, OPERATOR, Object("bus", "bus"))
    return lambda: ActionLog(room.bus.rooms.storage).record([made])


TROUBLES = {
    Kind.SINK_AWAY: (sink_away, "bapenda", "bus subscription redrive sub_", "1 pengiriman menunggu"),
    Kind.DEAD_DELIVERIES: (dead, "bapenda", "bus deliveries --subscription sub_", "1 pengiriman ke bapenda"),
    Kind.SUBSCRIPTION_DISABLED: (disabled, "bapenda", "bus subscription resume sub_", "menjawab 410"),
    Kind.GRANT_ENDS: (grant_ends, "bapenda", "bus grant list", f"Izin akses bapenda pada {WARGA} berakhir"),
    Kind.SECRET_ENDS: (secret_ends, "bapenda", "POST /v1/subscriptions/sub_", "Rahasia tanda tangan lama"),
    Kind.PROPOSAL_WAITS: (proposal_waits, OWNER, "bus contract activate", f"menunggu persetujuan {OWNER}"),
    Kind.POLL_HELD: (poll_held, None, "bus agency release balai", "97 dari 100 baris hilang"),
    Kind.POLL_FAILS: (poll_fails, None, "bus agency list", "gagal 2 kali berturut-turut: Balai refuses the account"),
    Kind.PRODUCER_SILENT: (producer_silent, OWNER, "bus events", f"{OWNER} belum mengirim"),
    Kind.BACKUP_LATE: (backup_late, None, "bus backup FOLDER", "belum pernah dicadangkan"),
}


@pytest.mark.parametrize("kind", Kind)
async def test_who_is_concerned_is_told_with_what_helps_and_that_it_ended(room: Mailroom, kind: Kind) -> None:
    prepare, concerned, helps, says = TROUBLES[kind]
    mend = await prepare(room)
    now = clock.now() + timedelta(hours=1)
    await room.tell(now)
    told = {TO} if concerned is None else {TO, a_contact(concerned)}
    assert {address for address, _ in room.server.taken} == told
    for address in told:
        assert says in room.last(address)
        assert room.last(address).index("BARU") < room.last(address).index(says)
    assert helps in room.last()
    assert set(re.findall(r"(?:Perintah:|;) bus ([a-z]+) ", room.last())) <= set(_COMMANDS)
    assert "s3kr3t" not in "".join(map(room.last, told))
    await room.tell(now + timedelta(minutes=59))
    assert len(room.server.taken) == len(told)
    mend()
    await room.tell(now + timedelta(minutes=61))
    assert len(room.server.taken) == 2 * len(told)
    for address in told:
        assert room.last(address).index("SUDAH SELESAI") < room.last(address).index(says)
    await room.tell(now + timedelta(hours=20))
    assert len(room.server.taken) == 2 * len(told)


async def test_a_sink_that_fails_for_less_than_an_hour_and_a_paused_one_are_nobodys_trouble(room: Mailroom) -> None:
    made = await failed(room.bus, DeliveryState.PENDING)
    now = clock.now()
    await room.tell(now + timedelta(minutes=59))
    room.bus.rooms.subscriptions.set_state(made, SubscriptionState.PAUSED, OPERATOR)
    await room.tell(now + timedelta(hours=2))
    assert room.server.taken == []


async def test_moments_are_told_in_the_regencys_time(room: Mailroom) -> None:
    with room.bus.rooms.storage.write() as transaction:
        since = clock.micros(datetime.fromisoformat("2026-11-29T02:14:00+00:00"))
        hold_deletions(transaction, Held(POLL, "/balai/warga", 97, 100, since))
    await room.tell(clock.now())
    assert "Sejak: 29 Nov 2026 09.14 WIB" in room.last()
