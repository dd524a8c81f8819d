"""The page of an event: masked, and opened with a reason that is on disk before."""

from datetime import timedelta
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from bus import clock
from bus.delivery import Webhook
from bus.delivery.ledger import Ledger, NewDelivery
from bus.disclosures import Channel, Wanted
from bus.staff import Role
from bus.staff.tables import STAFF_SESSIONS
from tests.a_bus import Bus
from tests.a_failure import a_failed_attempt
from tests.an_actor import OPERATOR
from tests.builders import OWNER, a_document, a_grant, a_new_subscription, a_person
from tests.console.a_console import Browser, Console

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WHY = "keluhan nomor 12"
SAID = "Traceback: nama Siti tidak dikenal"
NAME = a_person(1)["nama"]


class Site(NamedTuple):
    """The page of an event that bapenda's sink did not take.

    Attributes:
        path: of the event's page.
        subscription: bapenda's.
    """

    path: str
    subscription: str


@pytest.fixture
async def site(bus: Bus) -> Site:
    bus.apply(a_document(a_grant("bapenda", fields=["/nama"])))
    position = await bus.publish(a_person(1))
    rooms = bus.rooms
    made = rooms.subscriptions.add(a_new_subscription(sink=Webhook("https://bapenda.example/hook")), OPERATOR)
    ledger = Ledger(rooms.storage, rooms.keys.encrypt)
    with rooms.storage.write() as transaction:
        ledger.add(transaction, [NewDelivery(made.number, position, None)], 0, again=False)
        ledger.record(transaction, [a_failed_attempt(made.number, position, answer=SAID.encode())])
    return Site(f"/konsol/peristiwa/{position}", made.id)


def disclosed(bus: Bus, channel: Channel) -> list[tuple[str, str | None, str]]:
    found = bus.rooms.disclosures.search(Wanted(channel=channel), None, 10)
    return [(one.disclosure.participant, one.disclosure.client_id, one.disclosure.purpose) for one in found]


@pytest.fixture
def operator(console: Console) -> Browser:
    return console.member(Role.OPERATOR, name="siti")


async def test_the_page_hides_every_value_until_it_is_opened(operator: Browser, site: Site, bus: Bus):
    page = (await operator.look(site.path)).text
    assert "&#34;nama&#34;: &#34;•••&#34;" in page
    assert not any(value in page for value in a_person(1).values())
    opened = await operator.send(f"{site.path}/buka", alasan=WHY)
    assert NAME in opened.text
    assert WHY in opened.text
    assert disclosed(bus, Channel.OPENING) == [("operator", "staff siti", WHY)]


async def test_markup_in_a_reason_and_in_data_is_shown_as_text(console: Console, site: Site, bus: Bus):
    position = await bus.publish(a_person(2) | {"nama": "<script>alert(1)</script>\u202e"})
    operator = console.member(Role.OPERATOR)
    page = await operator.send(f"/konsol/peristiwa/{position}/buka", alasan="<img src=x> nomor 3524010101909001")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "\u202e" not in page.text
    assert "<img" not in page.text
    log = (await operator.look("/konsol/pengungkapan?cara=opening")).text
    assert "&lt;img src=x&gt; nomor …" in log


async def test_nothing_opens_without_a_reason(operator: Browser, site: Site, bus: Bus):
    for form in ("buka", f"jawaban/{site.subscription}"):
        page = await operator.send(f"{site.path}/{form}", alasan="  ")
        assert page.status_code == 422
        assert "Isi alasan" in page.text
        assert NAME not in page.text
        assert SAID not in page.text
    assert disclosed(bus, Channel.OPENING) == disclosed(bus, Channel.ANSWER) == []


async def test_nothing_opens_for_who_proved_himself_long_ago(operator: Browser, site: Site, bus: Bus):
    old = clock.micros(clock.now() - timedelta(minutes=11))
    with bus.rooms.storage.write() as transaction:
        transaction.execute(sa.update(STAFF_SESSIONS).values(proved_at=old))
    for form in ("buka", f"jawaban/{site.subscription}"):
        answer = await operator.send(f"{site.path}/{form}", alasan=WHY)
        assert answer.headers["location"] == f"/konsol/buktikan?tujuan={site.path}"
    assert disclosed(bus, Channel.OPENING) == disclosed(bus, Channel.ANSWER) == []


async def test_what_a_sink_answered_opens_with_a_reason(operator: Browser, site: Site, bus: Bus):
    assert SAID not in (await operator.look(site.path)).text
    page = await operator.send(f"{site.path}/jawaban/{site.subscription}", alasan=WHY)
    assert SAID in page.text
    assert disclosed(bus, Channel.ANSWER) == [("operator", "staff siti", WHY)]


async def test_an_app_owner_opens_what_its_grant_shows_and_its_own_answers(console: Console, site: Site):
    owner = console.member(Role.APP_OWNER, "bapenda")
    page = (await owner.send(f"{site.path}/buka", alasan=WHY)).text
    assert NAME in page
    assert a_person(1)["nik"] not in page
    assert SAID in (await owner.send(f"{site.path}/jawaban/{site.subscription}")).text
    sender = console.member(Role.APP_OWNER, OWNER, name="pengirim")
    assert a_person(1)["nik"] in (await sender.send(f"{site.path}/buka", alasan=WHY)).text


async def test_an_app_owner_reaches_no_event_or_answer_of_others(console: Console, site: Site, bus: Bus):
    other = console.member(Role.APP_OWNER, "dinkes")
    assert (await other.look(site.path)).status_code == 404
    assert (await other.send(f"{site.path}/buka", alasan=WHY)).status_code == 404
    assert (await other.send(f"{site.path}/jawaban/{site.subscription}", alasan=WHY)).status_code == 404
    sender = console.member(Role.APP_OWNER, OWNER, name="pengirim")
    assert (await sender.send(f"{site.path}/jawaban/{site.subscription}", alasan=WHY)).status_code == 404
    assert disclosed(bus, Channel.OPENING) == disclosed(bus, Channel.ANSWER) == []
