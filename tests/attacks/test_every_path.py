"""Every path of the API, as every participant: no answer holds a field that its caller has no grant for.

Each value that the population hides is a marker of its own. The test walks the OpenAPI document, so a new path is tested too.
"""

import asyncio
import itertools
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
import sqlalchemy as sa
from pyarrow import parquet

from bus import json
from bus.agencies import QuestionState
from bus.agencies.tables import QUERY_JOBS
from bus.contracts import Waiting
from bus.delivery import NewSubscription, Pull, Webhook
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.replays import go_live
from bus.identity import Principal, Scope
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.an_agency import AnAdapter, join
from tests.builders import OWNER, WARGA, a_document, a_grant, a_nik
from tests.http.api.queries.a_query import TANYA, a_query_document

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PATAH: Final = "lain.patah"
"""A contract whose grants are all broken: ended, suspended, or absent."""
EVENTS: Final = "lain.kejadian"
HOOK: Final = "http://127.0.0.1:1027/hook"
PARQUET: Final = "application/vnd.apache.parquet"
SCOPES: Final = sorted(set(Scope) - {Scope.ADMIN, Scope.AUDIT_READ})
"""All that a participant's clients may hold. The operator and auditors may see more than grants show."""
PARTICIPANTS: Final = ("dinkes", "dinsos", "bapenda", "tanpa-izin")
ACCEPTED: Final = ("application/json", "application/x-ndjson", "text/csv", PARQUET)

PERSONS: Final = 2
NAMES: Final = ("nama", "alamat", "desa")
_KEPT: Final = re.compile(r"RAHASIA-[a-z]+-[a-z]+-\d+")


def marker(contract: str, field: str, person: int) -> str:
    """A value that stands in one field of one record alone."""
    return f"RAHASIA-{contract.rpartition('.')[2]}-{field}-{person}"


def a_marked_person(contract: str, person: int) -> dict[str, Any]:
    marked = {name: marker(contract, name, person) for name in NAMES[:2]}
    return {"nik": a_nik(person), **marked, "desa": "sembung" if person % 2 else "made"}


ROWS: Final = [{"exact": {"desa": "sembung"}}]
SHOWN: Final = {
    ("dinkes", WARGA): [marker(WARGA, "nama", person) for person in range(PERSONS)],
    ("dinsos", WARGA): [marker(WARGA, name, person) for name in NAMES[:2] for person in range(1, PERSONS, 2)],
    ("bapenda", EVENTS): [marker(EVENTS, "alamat", person) for person in range(PERSONS)],
}
"""The markers that each participant's grants show, by contract. Everything else is hidden."""


@pytest.fixture
async def populated(bus: Bus) -> Bus:
    """A bus with contracts whose grants show little, and with everything that can refer to their data."""
    join(bus, AnAdapter({"ditemukan": True, "nama": marker(TANYA, "nama", 1), "agama": marker(TANYA, "agama", 1)}))
    text: dict[str, Any] = {"type": "string"}
    schema = {"type": "object", "properties": {"nik": text, **dict.fromkeys(NAMES, text)}, "required": ["nik"]}
    event = {"kind": "event", "key": None}
    bus.apply(
        a_document(a_grant("dinkes", fields=["/nik", "/nama"]), a_grant("dinsos", rows=ROWS), schema=schema),
        a_document(a_grant("bapenda", fields=["/alamat"]), contract=EVENTS, schema=schema, **event),
        a_document(
            a_grant("dinkes"), a_grant("dinsos", until="2020-01-01"), a_grant("bapenda", rows=[{"exact": {"desa": "-"}}]),
            contract=PATAH, schema=schema,
        ),
        a_query_document(a_grant("dinkes", fields=["/ditemukan"]), a_grant("dinsos", until="2020-01-01")),
    )  # fmt: skip
    for contract, person in itertools.product((WARGA, EVENTS, PATAH), range(PERSONS)):
        await bus.publish(a_marked_person(contract, person), type=contract)
    await bus.publish(None, type=WARGA, subject=a_nik(0))
    await bus.publish(a_marked_person(WARGA, 0), type=WARGA)
    for participant in PARTICIPANTS:
        bus.token(participant)
    _subscribe_all(bus)
    await _answer_a_job(bus)
    bus.rooms.grants.suspend(PATAH, "dinkes", "sedang diperiksa", Waiting.KEEP, OPERATOR)
    return bus


def _subscribe_all(bus: Bus) -> None:
    """Subscriptions of each participant to everything, sent and pulled, with deliveries that wait."""
    storage, last = bus.rooms.storage, bus.rooms.journal.last_position()
    for participant, sink in itertools.product(PARTICIPANTS, (Webhook(HOOK), Pull())):
        new = NewSubscription(participant, [WARGA, EVENTS, PATAH], sink)
        made = bus.rooms.subscriptions.add(new, OPERATOR)
        with storage.write() as transaction:
            go_live(transaction, made.number, 0)
            deliveries = [NewDelivery(made.number, position, None) for position in range(1, last + 1)]
            Ledger(storage).add(transaction, deliveries, 0, again=False)


async def _answer_a_job(bus: Bus) -> None:
    """A job whose one question is answered, with more than the asker's grant shows."""
    jobs, asker = bus.rooms.jobs, Principal("dinkes", "client_aaaaaaaaaaaaaaaaaaaa", frozenset(), 0.0, "")
    job = await asyncio.to_thread(jobs.create, asker, TANYA, [{"nik": a_nik(1)}])
    collected = await bus.rooms.queries.collect(TANYA, {"nik": a_nik(1)}, asker)
    await asyncio.to_thread(jobs.settle, job.id, 0, QuestionState.ANSWERED, collected.to_document())
    await asyncio.to_thread(jobs.finish, job.id)


def fill(path: str, bus: Bus) -> Iterator[str]:
    """The path with everything that exists in the place of its parameters."""
    subscriptions = [one.id for one in bus.rooms.subscriptions.listed(None)]
    last = bus.rooms.journal.last_position()
    contracts = [WARGA, EVENTS, PATAH, TANYA]
    values: dict[str, list[str]] = {
        "contract": contracts,
        "name": [*PARTICIPANTS, OWNER] if path.startswith("/v1/participants") else contracts,
        "participant": list(PARTICIPANTS),
        "version": ["1.0.0"],
        "position": [str(position) for position in range(1, last + 1)],
        "key": [a_nik(0), a_nik(1), marker(WARGA, "nama", 1)],
        "id": _list_ids(path, subscriptions, _list_jobs(bus), last),
        "client_id": ["client_aaaaaaaaaaaaaaaaaaaa"],
        "agency": ["badan"],
        "number": ["1"],
        "operation": ["terima"],
        "domain": ["kependudukan"],
    }
    named = re.findall(r"{(\w+)}", path)
    for chosen in itertools.product(*(values[name] for name in named)):
        filled = path
        for name, value in zip(named, chosen, strict=True):
            filled = filled.replace(f"{{{name}}}", quote(value))
        yield filled


def _list_jobs(bus: Bus) -> list[str]:
    with bus.rooms.storage.read() as transaction:
        return [job for (job,) in transaction.rows(sa.select(QUERY_JOBS.c.id))]


def _list_ids(path: str, subscriptions: list[str], jobs: list[str], last: int) -> list[str]:
    if path.startswith("/v1/jobs"):
        return jobs
    return [f"{one}.{last}" for one in subscriptions] if "/deliveries/" in path else subscriptions


BODIES: Final[dict[str, list[Any]]] = {
    "/v1/queries/{contract}/batch": [{"questions": [{"nik": a_nik(1)}]}],
    "/v1/queries/{contract}": [{"nik": a_nik(1)}, {"nik": "salah"}],
    "/v1/contracts/{name}/validate": [a_marked_person(WARGA, 1), {"nik": 1}],
    "/v1/subscriptions/{id}/replay": [{"from": "beginning"}],
    "/v1/subscriptions": [{"contracts": [WARGA], "sink": {"url": HOOK}}],
}
"""Bodies that let an operation do its work. Other operations get an empty object."""
JOB: Final = [{"index": 0, "answer": {"ditemukan": True}}]
WISHES: Final = (
    {},
    {"trailer": "true", "excel": "true", "size": "1"},
    {"fields": "/nama"},
    {"fields": "/alamat"},
    {"exact": "/desa=made"},
    {"prefix": "/nama=RAHASIA"},
)
"""What a reader may ask of feeds and records."""
LEFT_OUT: Final = re.compile(r"^(POST /v1/events|(POST|GET) /oauth.*|.* /\.well-known/.*|DELETE .*)$")
"""What takes data from its caller, or is about no data; and what would end what others read."""


def hidden_in(answer: httpx.Response, participant: str, sent: str) -> set[str]:
    """The markers in an answer that neither the participant's grants show nor the request held."""
    shown = {one for (who, _), markers in SHOWN.items() if who == participant for one in markers}
    text = f"{answer.headers.multi_items()} {read_text(answer)}"
    return set(_KEPT.findall(text)) - shown - set(_KEPT.findall(sent))


def read_text(answer: httpx.Response) -> str:
    """What an answer says; Parquet is unpacked."""
    if answer.headers.get("content-type") != PARQUET:
        return answer.text
    return str(parquet.read_table(BytesIO(answer.content)).to_pylist())


def list_forms(path: str, method: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The media types and parameters with which an operation is called."""
    is_reading = method == "get" and path.startswith(("/v1/feeds", "/v1/records"))
    yield from itertools.product(ACCEPTED, WISHES) if is_reading else [(ACCEPTED[0], {})]


async def test_no_path_shows_anybody_a_field_without_a_grant(populated: Bus):
    document = (await populated.reader("dinkes").get("/openapi.json")).json()
    readers = {who: populated.reader(who, *SCOPES) for who in PARTICIPANTS}
    found: dict[str, set[str]] = {who: set() for who in PARTICIPANTS}
    pulled: dict[str, set[str]] = {who: set() for who in PARTICIPANTS}
    leaks: list[tuple[str, str, set[str]]] = []
    asked = unpacked = answered = 0
    # Pulls first: a replay holds them up, and no relay makes it here.
    for path, operations in sorted(document["paths"].items(), key=lambda each: not each[0].endswith("/pull")):
        for method in operations.keys() & {"get", "post", "put", "patch"}:
            if LEFT_OUT.match(f"{method.upper()} {path}"):
                continue
            for url, body in itertools.product(fill(path, populated), BODIES.get(path, [{}])):
                for who, reader in readers.items():
                    for accept, wishes in list_forms(path, method):
                        content = None if method == "get" else json.dumps(body)
                        headers = {"accept": accept, "content-type": "application/json"}
                        answer = await reader.request(method, url, content=content, headers=headers, params=wishes)
                        asked += 1
                        found[who] |= set(_KEPT.findall(read_text(answer)))
                        unpacked += accept == PARQUET and answer.status_code == 200
                        answered += path == "/v1/jobs/{id}" and who == "dinkes" and answer.json().get("answers") == JOB
                        if path.endswith("/pull"):
                            pulled[who] |= set(_KEPT.findall(answer.text))
                        sent = f"{url} {(content or b'').decode()}"
                        if leaked := hidden_in(answer, who, sent):
                            leaks.append((who, f"{method.upper()} {url} {wishes} {accept}", leaked))
    assert leaks == []
    assert asked > 1000
    assert unpacked > 0
    assert answered == 1
    # The walk reads data: each participant found all that its grants show.
    for (who, _), markers in SHOWN.items():
        assert found[who] >= set(markers)
        assert pulled[who] >= set(markers)


async def test_no_stream_shows_anybody_a_field_without_a_grant(populated: Bus):
    async with populated.served() as address:
        for who, contract in itertools.product(PARTICIPANTS, (WARGA, EVENTS, PATAH)):
            headers = {"authorization": populated.token(who), "accept": "text/event-stream"}
            text = await _read_stream(f"{address}/v1/feeds/{contract}", headers)
            hidden = set(_KEPT.findall(text)) - set(SHOWN.get((who, contract), ()))
            assert hidden == set()


async def _read_stream(url: str, headers: dict[str, str]) -> str:
    """What a stream gives until it has nothing more to say."""
    text = ""
    async with httpx.AsyncClient(timeout=10) as client, client.stream("GET", url, headers=headers) as answer:
        parts = answer.aiter_text()
        try:
            while True:
                async with asyncio.timeout(0.5):
                    text += await anext(parts)
        except (TimeoutError, StopAsyncIteration):
            return text
