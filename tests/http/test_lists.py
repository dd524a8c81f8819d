"""Cursors of every list that the OpenAPI document names: a list takes back its own cursors alone."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import date
from typing import Any, Final

import httpx
import pytest

from bus import clock
from bus.contracts import Wish, parse_contract
from bus.delivery.ledger import Ledger, NewDelivery
from bus.delivery.subscription import NewSubscription, Webhook
from bus.identity import Scope
from bus.rollups import Counter
from bus.staff import Role
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import FAR, OWNER, WARGA, a_document, a_grant, a_nik, a_person
from tests.declared.a_declared_agency import register_draft

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

STRUCTURED: Final = {"content-type": "application/cloudevents+json"}
_KNOWN: Final = {"contract": WARGA, "name": OWNER}
"""Values for the parameters in paths."""
_LISTS: Final[list[str]] = []
_QUERIES: Final = {"/v1/disclosures": {"participant": OWNER}}
"""What a list wants to be asked."""

Bend = Callable[[str], str]
"""Makes a wrong cursor of a right one."""

WRONG: Final[dict[str, Bend]] = {
    "not of base64's letters": lambda cursor: "!!!!",
    "cut": lambda cursor: cursor[:-1],
    "cut by four": lambda cursor: cursor[:-4],
    "cut to its first letter": lambda cursor: cursor[0],
    "no ASCII": lambda cursor: "é",
    "of another alphabet": lambda cursor: "~~~",
    "padded": lambda cursor: f"{cursor}=",
    "with a letter that base64 skips": lambda cursor: f"{cursor[:2]}!{cursor[2:]}",
    "of zeros": lambda cursor: "AAAA",
    "only its place": lambda cursor: urlsafe_b64encode(b"1").decode(),
}


@pytest.fixture
async def reader(bus: Bus) -> httpx.AsyncClient:
    """A client with every scope, on a bus where every list has two entries."""
    contracts = [a_document(a_grant(OWNER), contract=name) for name in (WARGA, "uji.lain")]
    bus.apply(*contracts)
    client = bus.reader(OWNER, *Scope)
    for number in (1, 2):
        bus.token(f"peserta-{number}")
        bus.token(OWNER)
        await subscribe(bus, f"https://dinkes.lamongan.example/{number}")
        await bus.publish(a_person(number))
        await bus.publish(a_person(number), type=contracts[number - 1]["contract"])
        await client.post("/v1/inquiries", json={"subject": a_nik(number), "reason": "surat"})
        await client.get(f"/v1/feeds/{WARGA}", params={"limit": number})
        wrong = {"specversion": "1.0", "id": "r", "source": "/uji", "type": WARGA, "data": {"nik": number}}
        await client.post("/v1/events", json=wrong | {"id": number}, headers=STRUCTURED)
        await client.post("/v1/events", json=wrong, headers=STRUCTURED)
        register_draft(bus, adapter=f"badan{number}")
        ask_for_access(bus, contracts[number - 1]["contract"])
        propose(bus, f"uji.usul-{number}")
        bus.rooms.staff.accounts.add(f"petugas-{number}", Role.AUDITOR, None, OPERATOR)
    await bus.rooms.recorder.flush()
    Counter(bus.rooms.storage, bus.rooms.catalogue.name_of).catch_up()
    return client


def propose(bus: Bus, contract: str) -> None:
    """Have the operator propose a version."""
    registrar = bus.rooms.catalogue.registrar
    registrar.add_draft(parse_contract(a_document(contract=contract)), OPERATOR)
    registrar.propose(contract, "1.0.0", OPERATOR)


def ask_for_access(bus: Bus, contract: str) -> None:
    """Have the owner ask for access to a contract."""
    wish = Wish(contract, OWNER, "uji", "Perda 1/2024", "PKS 1/2026", None, date.fromisoformat(FAR))
    catalogue = bus.rooms.catalogue
    catalogue.registrar.access_requests.ask(wish, catalogue.newest(contract).contract, OPERATOR)


async def subscribe(bus: Bus, url: str) -> None:
    """Subscribe the owner, with one delivery."""
    order = NewSubscription(OWNER, [WARGA], Webhook(url), [])
    made = await asyncio.to_thread(bus.rooms.subscriptions.add, order, OPERATOR)
    with bus.rooms.storage.write() as transaction:
        deliveries = [NewDelivery(made.number, 1, None)]
        Ledger(bus.rooms.storage).add(transaction, deliveries, clock.micros(clock.now()), again=False)


async def read_cursors(client: httpx.AsyncClient) -> dict[str, str]:
    """A cursor of each list in the OpenAPI document, by its path."""
    cursors = {path: (await ask(client, path, limit=1)).json()["next"] for path in await find_lists(client)}
    assert len(cursors) >= 11
    missing = [path for path, cursor in cursors.items() if not cursor]
    assert not missing, "the fixture `reader` has to put two entries into each list"
    return cursors


async def find_lists(client: httpx.AsyncClient) -> list[str]:
    """The paths of lists. They are the same for every test, and the document takes a second to make."""
    if not _LISTS:
        document = (await client.get("/openapi.json")).json()
        _LISTS.extend(path for path, methods in document["paths"].items() if is_list(path, methods))
    return _LISTS


def is_list(path: str, methods: Any) -> bool:
    """Whether it is a list of its own. Digests, histories of records and answers of jobs have tests of their own."""
    return takes_cursor(methods.get("get", {})) and not path.endswith(("/digest", "/history", "/jobs/{id}"))


def takes_cursor(operation: Any) -> bool:
    return any(parameter["name"] == "after" for parameter in operation.get("parameters", ()))


async def ask(client: httpx.AsyncClient, path: str, **query: Any) -> httpx.Response:
    return await client.get(path.format(**_KNOWN), params=_QUERIES.get(path, {}) | query)


async def find_takers(client: httpx.AsyncClient, tried: list[tuple[str, str]]) -> list[tuple[str, str, int, str]]:
    """The lists that take a cursor that is not theirs, or refuse it without a word on the parameter."""
    found = []
    for path, cursor in tried:
        answer = await ask(client, path, after=cursor)
        pointers = [error["pointer"] for error in answer.json().get("errors", ())]
        if (answer.status_code, pointers) != (400, ["/query/after"]):
            found.append((path, cursor, answer.status_code, answer.text[:200]))
    return found


async def test_a_list_goes_on_with_its_own_cursor(reader: httpx.AsyncClient):
    for path, cursor in (await read_cursors(reader)).items():
        answer = await ask(reader, path, after=cursor, limit=1)
        assert answer.status_code == 200, path
        assert answer.json()["next"] != cursor, path


@pytest.mark.parametrize("bend", WRONG.values(), ids=WRONG)
async def test_no_list_takes_a_cursor_that_no_answer_gave(reader: httpx.AsyncClient, bend: Bend):
    cursors = await read_cursors(reader)
    assert await find_takers(reader, [(path, bend(cursor)) for path, cursor in cursors.items()]) == []


async def test_no_list_takes_the_cursor_of_another_list(reader: httpx.AsyncClient):
    cursors = await read_cursors(reader)
    tried = [(path, other) for path, own in cursors.items() for other in cursors.values() if other != own]
    assert await find_takers(reader, tried) == []


@pytest.mark.parametrize("header", ["!!!!", "AAAA"])
async def test_a_stream_resumes_behind_no_event_that_it_did_not_give(reader: httpx.AsyncClient, header: str):
    headers = {"accept": "text/event-stream", "last-event-id": header}
    answer = await reader.get(f"/v1/feeds/{WARGA}", headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/header/last-event-id")


async def test_a_list_of_one_participant_takes_no_cursor_of_anothers(bus: Bus) -> None:
    operator = bus.reader(OWNER, *Scope)
    for name in ("bapenda", "dinkes"):
        bus.token(name)
        bus.token(name)
    following = (await operator.get("/v1/participants/bapenda/clients?limit=1")).json()["next"]
    assert (await operator.get("/v1/participants/bapenda/clients", params={"after": following})).status_code == 200
    assert (await operator.get("/v1/participants/dinkes/clients", params={"after": following})).status_code == 400
