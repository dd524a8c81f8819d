"""A bus of a regency with real traffic, for the console: offices that publish, receivers that take, fail and pause, refusals."""

import copy
import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from bus.cli.dev_notebook import DevClient, Notebook
from bus.cli.workspace import Workspace, open_workspace
from bus.contracts import Catalogue, parse_contract
from bus.staff import OF_PARTICIPANT, Accounts, Role, Sessions
from samples.port import free_port
from samples.traffic import RESIDENTS as PERSONS
from samples.traffic import Item, make_items, make_mistakes
from tests import no_tls
from tests.an_actor import OPERATOR
from tests.forked import Forked
from tests.services.receiver import Answer, Receiver, answers, takes
from tests.services.waiting import until

RESIDENTS: Final = "kependudukan.penduduk"
LICENCES: Final = "perizinan.izin"
ROADS: Final = "infrastruktur.ruas-jalan"
_PUBLISHED: Final = (
    ("dukcapil-lamongan", RESIDENTS, 40),
    ("dukcapil-lamongan", "kependudukan.peristiwa", 12),
    ("dpmptsp", LICENCES, 25),
    ("dpupr", ROADS, 10),
    ("dinas-kominfo", "satudata.dataset", 5),
    ("dinas-kominfo", "layanan.katalog", 3),
)
"""Office, contract, and how many events."""
OWNER: Final = "dukcapil-lamongan"
WORKS, FAILS, DEAD, PAUSED = "dinkes", "bapenda", "dpupr", "satpol-pp"
"""Offices by what befalls their receiver."""
_SUBSCRIBED: Final[Mapping[str, tuple[str, Answer]]] = {
    WORKS: (RESIDENTS, takes),
    FAILS: (RESIDENTS, answers(500)),
    DEAD: (LICENCES, answers(422)),
    PAUSED: (LICENCES, takes),
    "bappeda": (ROADS, takes),
}
_READ: Final = (("dinsos", f"/v1/records/{RESIDENTS}"), ("dinas-kominfo", "/v1/feeds/layanan.katalog"))
"""Offices that fetch, and from where."""
DRAFTED: Final = "1.1.0"
"""A version of the residents' contract that waits for approval."""
SUBJECT: Final = str(PERSONS[3]["nik"])
"""The number of a person whose data several offices got."""
_TOKEN: Final = re.compile(r'<input type="hidden" name="token" value="([^"]+)">')
_CREDENTIALS: Final = {"grant_type": "client_credentials"}


@dataclass
class Site:
    """A running bus.

    Attributes:
        subscriptions: office to the id of its subscription.
        positions: contract to the position of its last event.
        sinks: office to the path of its receiver.
    """

    address: str
    data: Path
    workspace: Workspace
    subscriptions: dict[str, str] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    sinks: dict[str, str] = field(default_factory=dict)
    _names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add_member(self, role: Role, participant: str | None = None, name: str = "") -> str:
        """The path of the link for a new member of staff."""
        own = participant if role in OF_PARTICIPANT else None
        secret = self._accounts.add(name or f"{role}-{next(self._names)}", role, own, OPERATOR)
        return f"/konsol/tautan/{secret}"

    def open_session(self, role: Role, participant: str | None = None, name: str = "") -> tuple[str, str]:
        """A cookie for a new session of a member, who is added if nobody has that name: the cookie's name and value."""
        if not any(one.name == name for one in self._accounts.list_page(1_000)):
            link = self.add_member(role, participant, name)
            name = self._accounts.read_link(link.rpartition("/")[2]).account.name
        (account,) = [one for one in self._accounts.list_page(1_000) if one.name == name]
        settings = self.workspace.settings
        sessions = Sessions(self.workspace.storage, settings.console_idle_minutes, settings.console_session_hours)
        return f"konsol-sesi-{urlsplit(self.address).port}", sessions.open(account, "127.0.0.1", "Uji")

    @property
    def _accounts(self) -> Accounts:
        return Accounts(self.workspace.storage, self.workspace.keys, 30)

    @contextmanager
    def client(self, office: str) -> Iterator[httpx.Client]:
        """A client of an office, with a token."""
        with no_tls.Client(base_url=self.address, timeout=30) as http:
            kept = self._clients[office]
            asked = http.post("/oauth/token", data=_CREDENTIALS, auth=(kept.client_id, kept.client_secret))
            http.headers["authorization"] = f"Bearer {asked.raise_for_status().json()['access_token']}"
            yield http

    @property
    def _clients(self) -> Mapping[str, DevClient]:
        return Notebook.open(self.data).clients

    def find_client(self, office: str) -> str:
        """The id of an office's client."""
        return self._clients[office].client_id

    def subscribe(self, receiver: Receiver, office: str, contract: str, answer: Answer) -> None:
        """A subscription of an office, from the beginning, to a receiver that answers like this."""
        name = f"{office}-{urlsplit(self.address).port}"
        sink = receiver.sink(name, answer)
        self.sinks[office] = f"/{name}"
        wanted = {"contracts": [contract], "sink": {"url": sink.url}, "from": "beginning"}
        with self.client(office) as http:
            made = http.post("/v1/subscriptions", json=wanted).raise_for_status().json()
        sink.secrets.append(made["secret"])
        self.subscriptions[office] = made["id"]

    def publish(self, office: str, contract: str, count: int) -> None:
        """Publish events of an office in one batch."""
        batch = [write_event(one) for one in itertools.islice(make_items(office, contract), count)]
        with self.client(office) as http:
            headers = {"content-type": "application/cloudevents-batch+json"}
            told = http.post("/v1/events", json=batch, headers=headers).raise_for_status().json()
        self.positions[contract] = told["last_position"]

    def make_mistakes(self, office: str) -> None:
        """Publish what the bus refuses."""
        with self.client(office) as http:
            for number, wrong in enumerate(make_mistakes(office)):
                event = write_event(Item(f"salah-{number}", f"/{office}/contoh", wrong.contract, wrong.data))
                headers = {"content-type": "application/cloudevents+json"}
                assert http.post("/v1/events", json=event, headers=headers).status_code in (403, 422), wrong.why

    def send(self, role: Role, participant: str | None, path: str, **fields: str) -> httpx.Response:
        """Fill in the first form of a page as a new member. Give back the page that follows."""
        name, value = self.open_session(role, participant)
        with no_tls.Client(base_url=self.address, timeout=30, cookies={name: value}, follow_redirects=True) as http:
            token = unescape(_TOKEN.findall(http.get(path).text)[0])
            return http.post(path, data={"token": token, **fields}).raise_for_status()

    def read_deliveries(self, office: str) -> Sequence[Mapping[str, Any]]:
        """The deliveries of an office's subscription."""
        with self.client(office) as http:
            asked = http.get("/v1/deliveries", params={"subscription": self.subscriptions[office], "limit": 1000})
            found: Sequence[Mapping[str, Any]] = asked.raise_for_status().json()["deliveries"]
            return found


def write_event(item: Item) -> dict[str, Any]:
    """The CloudEvent of an item."""
    event = {"specversion": "1.0", "id": item.id, "source": item.source, "type": item.contract, "data": item.data}
    return event | ({"subject": item.subject} if item.subject else {})


@contextmanager
def a_site(folder: Path) -> Iterator[Site]:
    """A bus with the shipped contracts and nothing that flows yet."""
    data, out, port = folder / "bus", folder / "out", free_port()
    out.touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BUS_")}
    process = Forked(["dev", "--agencies", "--data", str(data), "--port", str(port)], environment, out)
    try:
        until(lambda: "Ctrl-C" in out.read_text() or process.poll() is not None, 90)
        assert process.poll() is None, out.read_text()
        with open_workspace(data, lambda: None) as workspace:
            yield Site(f"http://127.0.0.1:{port}", data, workspace)
    finally:
        process.kill()
        process.wait(10)


@contextmanager
def a_busy_site(folder: Path, receiver: Receiver) -> Iterator[Site]:
    """A bus with traffic: what each office's receiver answers is told above."""
    with ExitStack() as stack:
        site = stack.enter_context(a_site(folder))
        for office, (contract, answer) in _SUBSCRIBED.items():
            site.subscribe(receiver, office, contract, answer)
        with site.client(PAUSED) as http:
            http.post(f"/v1/subscriptions/{site.subscriptions[PAUSED]}/pause").raise_for_status()
        for office, contract, count in _PUBLISHED:
            site.publish(office, contract, count)
        for office in ("dukcapil-lamongan", "dpmptsp", "bapenda"):
            site.make_mistakes(office)
        for office, path in _READ:
            with site.client(office) as http:
                http.get(path).raise_for_status()
        _leave_work(site)
        _await_outcomes(site)
        yield site


def _leave_work(site: Site) -> None:
    """Something to decide on: a draft that waits for approval, a request for access, and a data subject's question."""
    registrar = Catalogue(site.workspace.storage, site.workspace.keys.pseudonym).registrar
    document = copy.deepcopy(dict(registrar.read_active(RESIDENTS)[-1].document)) | {"version": DRAFTED}
    (granted,) = [one for one in document["consumers"] if one["participant"] == FAILS]
    granted["fields"] = [*granted["fields"], "/tempat_lahir"]
    registrar.set_domain_owner("kependudukan", OWNER, OPERATOR)
    registrar.add_draft(parse_contract(document), OPERATOR)
    registrar.propose(RESIDENTS, DRAFTED, OPERATOR)
    wish = {
        "contract": RESIDENTS,
        "purpose": "memeriksa alamat pelanggar perda",
        "legal_basis": "Perda 3/2023",
        "agreement": "PKS 14/2026",
        "fields": ["/nama", "/alamat/desa"],
        "until": "2030-12-31",
    }
    with site.client(PAUSED) as http:
        http.post("/v1/access-requests", json=wish).raise_for_status()
    site.send(Role.SERVICE_DESK, None, "/konsol/permintaan", nik=SUBJECT, cara="datang ke loket")


def _await_outcomes(site: Site) -> None:
    """Wait until each receiver has shown what it does."""
    wanted = {WORKS: "delivered", DEAD: "dead", "bappeda": "delivered"}
    for office, state in wanted.items():
        until(lambda office=office, state=state: state in {one["state"] for one in site.read_deliveries(office)}, 60)
    with site.client(FAILS) as http:
        until(lambda: http.get("/v1/status").raise_for_status().json()["subscribers"][0]["failing_since"], 60)
