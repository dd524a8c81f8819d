"""The console at ten thousand contracts, a thousand subscriptions and a million deliveries: its slowest page and its heaviest.

What is measured is a page's time at the browser, over loopback, and the compressed bytes of a first visit.
"""

import re
import shutil
import sqlite3
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import sqlalchemy as sa

from bench.contracts import add_contracts
from bench.events import CONSUMER, CONTRACT, PRODUCER
from bench.journal import fill
from bench.ratio import Ratio
from bench.site import Site
from bus import clock, json
from bus.actions import Channel, identify_operator
from bus.cli.workspace import Workspace, open_workspace
from bus.contracts.tables import CONTRACTS, VERSIONS
from bus.delivery.subscription import NewSubscription, Webhook
from bus.delivery.subscriptions import Subscriptions
from bus.delivery.tables import SUBSCRIPTIONS
from bus.journal import Projection
from bus.staff import OF_PARTICIPANT, Accounts, Role, Sessions
from bus.storage import Transaction

_SUBSCRIPTIONS: Final = 1_000
_OWN: Final = 99
_MOST_MS: Final = 100.0
_MOST_KB: Final = 60.0
_HOURS: Final = 48
_NOWHERE: Final = Webhook("http://127.0.0.1:9")
_KEYS: Final = 10_000
_FILL: Final = (
    # Copies of one event.
    """
    WITH RECURSIVE made (position) AS (SELECT 2 UNION ALL SELECT position + 1 FROM made WHERE position < :events)
    INSERT INTO journal (position, contract_id, version_id, participant, identity, key, recorded_at, body)
    SELECT made.position, contract_id, version_id, participant, randomblob(16), 'IZN-' || (made.position % :keys),
      :now - (:events - made.position) * 1000, body FROM made CROSS JOIN journal WHERE journal.position = 1
    """,
    # Half of the deliveries are one subscription's. Of a hundred, nine or ten wait. One subscription has dead ones.
    """
    INSERT INTO deliveries (subscription, position, state, attempts, due_at, finished_at)
    SELECT CASE WHEN position % 2 = 0 THEN :first ELSE :first + position % :subscriptions END, position,
      CASE WHEN position % 2000 = 0 THEN 2 WHEN position % 100 < 10 THEN 0 ELSE 1 END, 1, :now + 86400000000, :now
    FROM journal
    """,
    """
    INSERT INTO attempts (subscription, position, number, at, failure, detail, duration_ms)
    SELECT subscription, position, 1, :now, 'transient', 'the sink answered 500', 1 FROM deliveries WHERE state <> 1
    """,
    # A twentieth of the subscriptions fails.
    """
    INSERT INTO subscription_health (subscription, delivered, failing_since, failed_at, failure, status)
    SELECT number, 1000, CASE WHEN number % 20 = 0 THEN :now END, :now, 'transient', 500 FROM subscriptions
    """,
    """
    INSERT INTO traffic_flows (number, contract, sender, receiver)
    SELECT number, 'uji.kontrak-' || number, 'kantor-' || (number % 40), 'penerima-' || (number % 60) FROM subscriptions
    """,
    """
    WITH RECURSIVE hours (back) AS (SELECT 0 UNION ALL SELECT back + 1 FROM hours WHERE back < :hours)
    INSERT INTO traffic_hours (at, flow, published, refused, delivered, failed, dead, pulled, delay_ms)
    SELECT :hour - back, number, 10, 0, 10, 1, 0, 0, 100 FROM hours CROSS JOIN traffic_flows
    """,
    "INSERT INTO relay (id, position) VALUES (1, :events) ON CONFLICT (id) DO UPDATE SET position = :events",
    "INSERT INTO traffic_reached (id, position, step) VALUES (1, :events, 1) ON CONFLICT (id) DO UPDATE SET position = :events",
    "ANALYZE",
)


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of one role."""

    role: Role
    path: str


@dataclass(frozen=True, slots=True)
class _Visit:
    """A page's time in milliseconds, and the compressed kilobytes of a first visit to it."""

    milliseconds: float
    kilobytes: float


async def console(folder: Path, rounds: int, seconds: float, events: int) -> Sequence[Ratio]:
    """The slowest and the heaviest page of the console."""
    site = Site.make(folder / "console")
    await fill(site, 1)
    add_contracts(site.data / "bus.db")
    with open_workspace(site.data) as workspace:
        pages = _furnish(workspace, events)
        _vacuum_statistics(site.data)
        with site.running() as running:
            cookies = {role: _open_session(workspace, role, running.port) for role in Role}
            visits = {page.path: _visit(running.port, page, cookies[page.role], rounds) for page in pages}
    shutil.rmtree(site.data, ignore_errors=True)
    return _judge(visits, events)


def _judge(visits: Mapping[str, _Visit], events: int) -> Sequence[Ratio]:
    slowest = sorted(visits, key=lambda path: visits[path].milliseconds, reverse=True)
    heaviest = max(visits, key=lambda path: visits[path].kilobytes)
    times = ", ".join(f"{path} {visits[path].milliseconds:.0f} ms" for path in slowest[:8])
    at = f"10,000 contracts, {_SUBSCRIPTIONS:,} subscriptions, {events:,} deliveries"
    return [
        Ratio(f"the console's slowest page ({at})", "100 ms", [visits[slowest[0]].milliseconds], [_MOST_MS], 1, "ms",
              at_most=True, note=f"of {len(visits)} pages: {times}"),
        Ratio(f"a first visit to the console's heaviest page, {heaviest}", "60 kB", [visits[heaviest].kilobytes],
              [_MOST_KB], 1, "kB", at_most=True),
    ]  # fmt: skip


def _furnish(workspace: Workspace, events: int) -> list[_Page]:
    """Fill the tables straight, and name the pages that show them."""
    orders = Subscriptions(workspace.storage, workspace.keys)
    made = orders.add(NewSubscription(CONSUMER, [CONTRACT], _NOWHERE), identify_operator(Channel.CLI))
    now = clock.now_micros()
    values = {
        "events": events, "now": now, "keys": _KEYS, "first": made.number, "subscriptions": _SUBSCRIPTIONS,
        "hours": _HOURS, "hour": now // 3_600_000_000,
    }  # fmt: skip
    with workspace.storage.write() as transaction:
        row = transaction.one(sa.select(SUBSCRIPTIONS))._asdict()
        # Live: what is to be delivered is in the table. It is due tomorrow, so nothing is sent while pages are measured.
        live = {**row, "from_position": 0, "replay_position": None}
        transaction.execute(sa.update(SUBSCRIPTIONS).values(from_position=0, replay_position=None))
        copies = [{**live, "number": None, "id": f"sub_{number}"} for number in range(1, _SUBSCRIPTIONS)]
        # A participant may have a hundred. The others are of somebody else, each of a contract of its own.
        reader = _find_reader(transaction)
        for number, one in enumerate(copies[_OWN:]):
            one |= {"participant": reader, "contracts": json.dumps([f"uji.kontrak-{number}"]).decode()}
        transaction.execute(sa.insert(SUBSCRIPTIONS), copies)
    for statement in _FILL:
        with workspace.storage.write() as transaction:
            used = {name: value for name, value in values.items() if re.search(rf":{name}\b", statement)}
            transaction.execute(sa.text(statement), used)
    Projection(workspace.storage).reach_end()
    return _list_pages(made.id)


def _find_reader(transaction: Transaction) -> str:
    """A participant that has a grant in the copied contracts."""
    contract = sa.select(CONTRACTS.c.id).where(CONTRACTS.c.name == "uji.kontrak-0").scalar_subquery()
    document = json.loads(transaction.value(sa.select(VERSIONS.c.document).where(VERSIONS.c.contract_id == contract)))
    reader: str = document["consumers"][0]["participant"]
    return reader


def _list_pages(subscription: str) -> list[_Page]:
    one, contract = f"/konsol/penerima/{subscription}", f"/konsol/kontrak/{CONTRACT}"
    paths = {
        Role.OPERATOR: (
            "/konsol", "/konsol/penerima", one, f"{one}?keadaan=dead", "/konsol/instansi", "/konsol/peserta",
            f"/konsol/peserta/{CONSUMER}", "/konsol/pegawai", "/konsol/sesi", "/konsol/peristiwa/1",
            "/konsol/kontrak", "/konsol/tindakan",
        ),
        Role.APP_OWNER: (
            "/konsol/mulai", "/konsol/klien", "/konsol/langganan", "/konsol/langganan/baru",
            f"/konsol/langganan/{subscription}", "/konsol/pengiriman", "/konsol/pengiriman?keadaan=dead",
            "/konsol/penolakan", "/konsol/hak-akses", "/konsol/minta-akses", f"/konsol/minta-akses/{CONTRACT}",
            "/konsol/coba-data",
        ),
        Role.CONTRACT_OWNER: (
            contract, f"{contract}/banding", f"{contract}/izin/{CONSUMER}", "/konsol/usulan", "/konsol/izin",
            "/konsol/kontrak/baru",
        ),
        Role.AUDITOR: ("/konsol/pengungkapan", "/konsol/orang", "/konsol/pelanggaran"),
        Role.SERVICE_DESK: ("/konsol/permintaan",),
    }  # fmt: skip
    return [_Page(role, path) for role, found in paths.items() for path in found]


def _vacuum_statistics(data: Path) -> None:
    with closing(sqlite3.connect(data / "bus.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _open_session(workspace: Workspace, role: Role, port: int) -> str:
    accounts = Accounts(workspace.storage, workspace.keys, 30)
    owner = {Role.APP_OWNER: CONSUMER, Role.CONTRACT_OWNER: PRODUCER}[role] if role in OF_PARTICIPANT else None
    account = accounts.read_link(accounts.add(f"bench-{role}", role, owner, identify_operator(Channel.CLI))).account
    settings = workspace.settings
    sessions = Sessions(workspace.storage, settings.console_idle_minutes, settings.console_session_hours)
    return f"konsol-sesi-{port}={sessions.open(account, '127.0.0.1', 'bench')}"


def _visit(port: int, page: _Page, cookie: str, rounds: int) -> _Visit:
    _, html = _ask(port, page.path, cookie, plain=True)
    parts = set(re.findall(rb'(?:href|src)="(/konsol/aset/[^"]+)"', html))
    weight = sum(len(_ask(port, part.decode(), cookie)[1]) for part in parts) + len(_ask(port, page.path, cookie)[1])
    times = [_ask(port, page.path, cookie)[0] for _ in range(max(rounds, 3))]
    return _Visit(median(times) * 1000, weight / 1000)


def _ask(port: int, path: str, cookie: str, *, plain: bool = False) -> tuple[float, bytes]:
    """The seconds that an answer took, and its bytes as they came."""
    headers = {"cookie": cookie, "accept": "text/html,*/*;q=0.8", "accept-encoding": "identity" if plain else "gzip"}
    begin = perf_counter()
    with urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers), timeout=60
    ) as answer:
        body: bytes = answer.read()
        if "/masuk" in answer.url:
            raise RuntimeError(f"{path} asks for a sign-in")
    return perf_counter() - begin, body
