"""Pages: their policy, their words in both languages, what others wrote shown as text, and what they load."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from bus import console as room
from bus import json
from bus.console.assets import FOLDER, find_address
from bus.console.words import LOCALE, find_words
from bus.delivery import NewSubscription, Webhook
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.replays import go_live
from bus.identity import Kind
from bus.staff import Role
from tests.a_failure import a_failed_attempt
from tests.an_actor import OPERATOR
from tests.builders import WARGA, a_document, a_grant
from tests.console.a_console import Console

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HOSTILE = "<script>alert(1)</script>\u202e\u200b'\"><img src=x>" + "x" * 400
PAGES = (
    "/konsol", "/konsol/penerima", "/konsol/instansi", "/konsol/peserta", "/konsol/tindakan", "/konsol/sesi",
    "/konsol/pengungkapan", "/konsol/orang", "/konsol/pelanggaran", "/konsol/permintaan",
)  # fmt: skip
_LOADING = {"src", "href", "action", "data", "poster", "srcset", "hx-get"}


class Tags(HTMLParser):
    """Gathers addresses and scripts of a page, and what a strict policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.addresses += [value or "" for name, value in attrs if name in _LOADING]
        self.inline += [name for name in named if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in named):
            self.inline.append(tag)


@only_sqlite
async def test_a_page_loads_nothing_from_elsewhere_and_has_nothing_inline(console: Console):
    browser = console.member(Role.OPERATOR)
    for path in (*PAGES, "/konsol/tidak-ada"):
        page = await browser.look(path)
        assert page.status_code == (404 if "tidak" in path else 200), path
        tags = Tags()
        tags.feed(page.text)
        assert [one for one in tags.addresses if not one.startswith(("/konsol", "#"))] == [], path
        assert tags.inline == [], path
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert '<html lang="id">' in page.text


@only_sqlite
async def test_what_pages_load_is_kept_for_good_under_its_digest(console: Console):
    browser = console.nobody()
    for name in ("gaya.css", "htmx.min.js", "ikon.svg", "kunci.js", "langsung.js"):
        answer = await browser.http.get(find_address(name))
        assert (answer.status_code, answer.content) == (200, (FOLDER / name).read_bytes())
        assert "immutable" in answer.headers["cache-control"]
        assert (await browser.http.get(f"/konsol/aset/000000000000/{name}")).status_code == 404
    assert (await browser.http.get("/konsol/aset/x/manifest.json")).status_code == 404


def test_files_of_others_are_as_their_manifest_says():
    manifest = json.loads((FOLDER / "manifest.json").read_bytes())
    for name, digest in manifest["files"].items():
        assert digest == "sha256-" + base64.b64encode(hashlib.sha256((FOLDER / name).read_bytes()).digest()).decode()
    assert (manifest["package"], manifest["licence"]) == ("htmx.org", "0BSD")
    assert re.search(rb'version:"([^"]+)"', (FOLDER / "htmx.min.js").read_bytes())[1].decode() == manifest["version"]
    assert {path.name for path in FOLDER.iterdir()} == {
        *manifest["files"],
        "manifest.json",
        "gaya.css",
        "ikon.svg",
        "langsung.js",
        "kunci.js",
    }
    assert (FOLDER / "gaya.css").stat().st_size < 30_000


@only_sqlite
async def test_what_others_wrote_is_shown_as_text(console: Console):
    rooms = console.bus.rooms
    rooms.participants.add("jahat", HOSTILE.translate({0x202E: None, 0x200B: None}), Kind.APP, OPERATOR)
    console.bus.apply(a_document(a_grant("jahat")))
    made = rooms.subscriptions.add(NewSubscription("jahat", [WARGA], Webhook("http://127.0.0.1:1/x")), OPERATOR)
    with rooms.storage.write() as transaction:
        go_live(transaction, made.number, 0)
    with rooms.storage.write() as transaction:
        ledger = Ledger(rooms.storage, rooms.keys.encrypt)
        ledger.add(transaction, [NewDelivery(made.number, 7, None)], 0, again=False)
        ledger.record(transaction, [a_failed_attempt(made.number, 7, detail=HOSTILE)])
    browser = console.member(Role.OPERATOR)
    rooms.staff.sessions.open(rooms.staff.accounts.list_page(1)[0], "10.1.2.3", HOSTILE)
    for path in (*PAGES, f"/konsol/penerima/{made.id}", "/konsol/peserta/jahat"):
        text = (await browser.look(path)).text
        assert "<script>alert" not in text, path
        assert "<img" not in text, path
        assert not re.search("[\u202e\u200b]", text), path
    assert "&lt;script&gt;alert(1)" in (await browser.look(f"/konsol/penerima/{made.id}")).text


@only_sqlite
async def test_english_is_one_click_away(console: Console):
    browser = console.member(Role.OPERATOR)
    assert (await browser.look("/konsol/bahasa/en?ke=/konsol/sesi")).headers["location"] == "/konsol/sesi"
    page = (await browser.look("/konsol/sesi")).text
    assert '<html lang="en">' in page
    assert "Your sessions" in page


def _texts() -> set[str]:
    folder = Path(room.__file__).parent
    methods = [("**.html", "jinja2"), ("**.py", "python")]
    keywords = {"_": None, "say": None}
    options = {"**.html": {"silent": "false", "trim_blocks": "true", "lstrip_blocks": "true"}}
    found = extract_from_dir(folder, methods, options, keywords, comment_tags=())
    return {str(message) for _, _, message, _, _ in found}


def test_every_text_has_its_english_and_no_catalogue_has_more():
    texts, translated = _texts(), dict[str, str]()
    for path in sorted((LOCALE / "en").glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, "en")
        for one in catalogue:
            if one.id:
                assert one.string, (path.name, one.id)
                assert not one.fuzzy, (path.name, one.id)
                assert set(re.findall(r"%\(\w+\)s", one.id)) == set(re.findall(r"%\(\w+\)s", one.string)), one.id
                # Two pages may have the same text. It then has the same English.
                assert translated.setdefault(str(one.id), str(one.string)) == one.string, one.id
    assert sorted(texts - translated.keys()) == []
    assert sorted(translated.keys() - texts) == []


def test_moments_and_numbers_are_as_people_write_them():
    moment = datetime(2026, 8, 28, 2, 14, tzinfo=UTC)
    assert find_words("id").tell_moment(moment) == "28 Agu 2026 09.14 WIB"
    assert find_words("en").tell_moment(moment) == "28 Aug 2026 09.14 WIB"
    assert (find_words("id").tell_number(2418), find_words("en").tell_number(2418)) == ("2.418", "2,418")
