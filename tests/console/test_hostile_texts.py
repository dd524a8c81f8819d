"""Texts of others on every page: markup, marks that turn the line around, and ten thousand characters are shown as text."""

import re
from datetime import date
from html.parser import HTMLParser
from typing import Final

import pytest

from bus.contracts import Wish
from bus.contracts.document import parse_contract
from bus.delivery import NewSubscription, Webhook
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.replays import go_live
from bus.identity import Kind
from bus.inquiries import NewInquiry
from bus.staff import Role
from tests.a_bus import Bus
from tests.a_failure import a_failed_attempt
from tests.an_actor import OPERATOR
from tests.builders import FAR, NIK, OWNER, WARGA, a_document, a_grant
from tests.console.a_console import Console
from tests.journeys.console.pages import Places, Shown, list_pages

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SHORT: Final = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>&lt;b&gt; \\u202e {{ 7*7 }} %(who)s"
TURNED: Final = "\u202e\u2066<img src=x>\u200b"
LONG: Final = SHORT + "x" * 10_000
DRAFTED: Final = "1.1.0"
_UNSEEN: Final = re.compile("[\u200b\u202a-\u202e\u2066-\u2069]")
_MOST_BYTES: Final = 300_000


class Tags(HTMLParser):
    """Gathers what a page of the console never has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.found += [name for name in named if name.startswith("on")]
        if tag in ("img", "b", "iframe") or (tag == "script" and "src" not in named):
            self.found.append(tag)


@pytest.fixture
async def places(bus: Bus, console: Console) -> Places:
    """A bus in which every text that others write is hostile."""
    rooms, participant = console.bus.rooms, "bapenda"
    for name in (participant, OWNER):
        rooms.participants.add(name, SHORT, Kind.APP, OPERATOR)
    grant = a_grant(participant, purpose=SHORT, legal_basis=SHORT)
    document = a_document(grant, title=SHORT, description=LONG[:5000], examples=[{"nik": NIK, "nama": LONG}])
    bus.apply(document)
    registrar = rooms.catalogue.registrar
    registrar.add_draft(parse_contract({**document, "version": DRAFTED, "description": SHORT}), OPERATOR)
    contract = rooms.catalogue.newest(WARGA).contract
    wish = Wish(WARGA, participant, SHORT, SHORT, SHORT[:60], None, date.fromisoformat(FAR))
    registrar.access_requests.ask(wish, contract, OPERATOR)
    rooms.inquiries.open(NewInquiry("3524010101010001", SHORT, None), OPERATOR)
    made = rooms.subscriptions.add(NewSubscription(participant, [WARGA], Webhook("http://127.0.0.1:1/x")), OPERATOR)
    with rooms.storage.write() as transaction:
        go_live(transaction, made.number, 0)
    position = await bus.publish({"nik": NIK, "nama": LONG})
    with rooms.storage.write() as transaction:
        ledger = Ledger(rooms.storage, rooms.keys.encrypt)
        ledger.add(transaction, [NewDelivery(made.number, position, None)], 0, again=False)
        answer = (TURNED + LONG).encode()
        ledger.record(transaction, [a_failed_attempt(made.number, position, detail=TURNED + SHORT, answer=answer)])
    client = rooms.participants.add_client(participant, ["events.read"], by=OPERATOR)[0].client_id
    secret = rooms.staff.accounts.add("baru", Role.AUDITOR, None, OPERATOR)
    return Places(participant, OWNER, WARGA, DRAFTED, made.id, position, client, secret)


async def test_every_page_shows_texts_of_others_as_text(console: Console, places: Places):
    seen = 0
    for number, shown in enumerate(list_pages(places)):
        text = await look(console, shown, number)
        tags = Tags()
        tags.feed(text)
        assert tags.found == [], shown
        assert not _UNSEEN.search(text), shown
        assert len(text) < _MOST_BYTES, shown
        seen += "&lt;script&gt;alert(1)" in text
    # Otherwise the texts would be on no page, and the test would see nothing.
    assert seen > 15


async def look(console: Console, shown: Shown, number: int) -> str:
    """A page as its role sees it."""
    is_member = shown.role is not None
    browser = (
        console.member(shown.role, shown.participant or "", name=f"uji-{number}") if is_member else console.nobody()
    )
    answer = await browser.look(shown.path)
    assert answer.status_code in (200, 404), (shown, answer.text[:500])
    return answer.text
