"""Attacks on agencies' adapters: a contract of one's own on another's operation."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bus.actions.action import Verb
from bus.agencies.poller import Poller
from bus.contracts.document import parse_contract
from bus.contracts.errors import ContractSaysLess, NotBound
from bus.delivery.ledger import Lease, LeasedDelivery, Ledger
from bus.delivery.room import Room
from bus.delivery.run import Item, RunLoader
from bus.delivery.standing import ensure_standing_subscriptions
from bus.disclosures import Wanted
from bus.identity.tokens import Principal
from bus.journal import entries_at
from bus.kit import Event
from bus.storage import make_leadership
from tests.a_bus import Bus
from tests.an_actor import actions
from tests.attacks.a_registry import (
    ASK,
    BOTH,
    FETCH,
    KEEPER,
    OFFICE,
    REGISTRY,
    REPORTS,
    RETURN,
    STOLEN,
    ARegistry,
    ARegistryFactory,
    a_query_document,
    an_event_document,
    before_the_registry,
    draft,
    join,
    move,
    problem,
)
from tests.builders import Document, a_grant, a_nik

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def registry() -> ARegistry:
    return ARegistry()


@pytest.fixture
async def city(bus: Bus, registry: ARegistry) -> Bus:
    """A bus with a registry that another office owns."""
    join(bus, registry)
    return bus


@pytest.fixture
def writer(city: Bus) -> httpx.AsyncClient:
    return city.reader(OFFICE, *BOTH, "queries.call", "subscriptions.manage")


@pytest.fixture
def head(city: Bus) -> httpx.AsyncClient:
    """The same office's second client: four eyes are no obstacle to two who work together."""
    return city.reader(OFFICE, *BOTH)


@pytest.fixture
def keeper(city: Bus) -> httpx.AsyncClient:
    return city.reader(KEEPER, *BOTH)


@pytest.mark.parametrize("document", [a_query_document(), an_event_document()], ids=["query", "delivery"])
async def test_an_office_does_not_bind_an_adapter_that_another_owns(
    writer: httpx.AsyncClient, head: httpx.AsyncClient, document: Document
):
    await draft(writer, document)
    answer = await move(head, "activate")
    assert problem(answer) == (409, "adapter-word-missing")
    assert answer.json()["errors"] == [{"pointer": "/adapters/0", "detail": f"needs the word of {KEEPER}"}]


async def test_the_attempt_to_bind_another_s_adapter_is_in_the_action_log(
    city: Bus, writer: httpx.AsyncClient, head: httpx.AsyncClient
):
    await draft(writer, a_query_document())
    await move(head, "activate")
    await asyncio.to_thread(city.rooms.attempts.flush, all=True)
    (tried,) = (one for one in actions(city.rooms.storage) if one.what is Verb.AUTHORITY_REFUSED)
    assert (tried.on.id, tried.by.participant) == (f"{STOLEN}/1.0.0", OFFICE)
    assert tried.details == {"tried": Verb.CONTRACT_ACTIVATE, "reason": "adapter-word-missing"}


@pytest.mark.parametrize("level", ["public", "internal"])
@pytest.mark.parametrize(
    "document", [a_query_document(subject=None), an_event_document(subject=None)], ids=["query", "delivery"]
)
async def test_no_contract_on_a_personal_operation_says_less(
    writer: httpx.AsyncClient, head: httpx.AsyncClient, level: str, document: Document
):
    schemas = {name: {"type": "object"} for name in ("schema", "request") if name in document}
    await draft(writer, {**document, "classification": level, **schemas})
    answers = [await move(writer, "propose"), await move(head, "activate")]
    for answer in answers:
        assert problem(answer) == (409, "contract-not-ready")
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/classification"]


FREE = {"type": "string"}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        pytest.param({"request": {"type": "object", "properties": {"nik": FREE}, "required": ["nik"]}}, "/request"),
        pytest.param(
            {
                "answer": {
                    "type": "object",
                    "properties": {"penduduk": {"type": "object", "properties": {"nik": FREE}}},
                }
            },
            "/answer",
        ),
    ],
)
async def test_a_field_for_nik_is_declared_as_nik(writer: httpx.AsyncClient, changes: dict[str, Any], pointer: str):
    await draft(writer, a_query_document(**changes))
    answer = await move(writer, "propose")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_the_person_is_where_the_operation_has_it(writer: httpx.AsyncClient):
    request = {
        "type": "object",
        "properties": {"nik": a_query_document()["request"]["properties"]["nik"], "kode": FREE},
    }
    await draft(writer, a_query_document(request={**request, "required": ["nik", "kode"]}, subject="/kode"))
    answer = await move(writer, "propose")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/subject"]


@pytest.mark.parametrize(
    ("document", "operation"),
    [(an_event_document(), ASK), (a_query_document(), RETURN), (an_event_document(), FETCH)],
    ids=["event on a query", "query on a delivery", "another contract on a poll"],
)
async def test_an_operation_serves_what_it_declares(writer: httpx.AsyncClient, document: Document, operation: str):
    await draft(writer, {**document, "adapters": [{"adapter": REGISTRY, "operation": operation}]})
    answer = await move(writer, "propose")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/adapters/0/operation"]


async def test_the_owners_word_binds_and_is_kept(
    writer: httpx.AsyncClient, head: httpx.AsyncClient, keeper: httpx.AsyncClient
):
    await draft(writer, a_query_document())
    await move(writer, "propose")
    assert (await move(keeper, "consent")).status_code == 200
    history = (await move(head, "activate")).json()["history"]
    assert [(step["state"], step["by"], step["adapters"]) for step in history] == [
        ("draft", OFFICE, []),
        ("proposed", OFFICE, []),
        ("proposed", KEEPER, [f"{REGISTRY}/{ASK}"]),
        ("active", OFFICE, []),
    ]


async def test_a_word_that_is_repeated_does_not_fill_the_history(writer: httpx.AsyncClient, keeper: httpx.AsyncClient):
    await draft(writer, a_query_document())
    histories = [(await move(keeper, "consent")).json()["history"] for _ in range(3)]
    assert [len(history) for history in histories] == [2, 2, 2]


async def test_a_word_is_for_the_document_that_was_read(
    writer: httpx.AsyncClient, head: httpx.AsyncClient, keeper: httpx.AsyncClient
):
    await draft(writer, a_query_document())
    assert (await move(keeper, "consent")).status_code == 200
    await draft(writer, a_query_document(consumers=[a_grant(OFFICE), a_grant("bapenda")]))
    assert problem(await move(head, "activate")) == (409, "adapter-word-missing")


async def test_a_word_for_one_operation_is_none_for_another(
    writer: httpx.AsyncClient, head: httpx.AsyncClient, keeper: httpx.AsyncClient
):
    uses = [{"adapter": REGISTRY, "operation": ASK}, {"adapter": "lain", "operation": "cari"}]
    await draft(writer, a_query_document(adapters=uses))
    assert (await move(keeper, "consent")).status_code == 200
    answer = await move(head, "activate")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/adapters/1"]


@pytest.mark.parametrize("participant", [OFFICE, "bapenda", REGISTRY])
async def test_nobody_else_gives_the_word(city: Bus, writer: httpx.AsyncClient, participant: str):
    await draft(writer, a_query_document())
    answer = await move(city.reader(participant, *BOTH), "consent")
    assert problem(answer) == (403, "adapter-not-yours")


async def test_without_an_owner_the_operator_alone_gives_the_word(bus: Bus, registry: ARegistry):
    join(bus, registry, owner="")
    await draft(bus.reader(OFFICE, *BOTH), a_query_document())
    assert problem(await move(bus.reader(KEEPER, *BOTH), "consent")) == (403, "adapter-not-yours")
    assert (await move(bus.reader("operator", *BOTH, "admin"), "consent")).status_code == 200


async def test_a_retired_version_leaves_no_word_behind(
    writer: httpx.AsyncClient, head: httpx.AsyncClient, keeper: httpx.AsyncClient
):
    await draft(writer, a_query_document())
    await move(keeper, "consent")
    assert (await move(head, "activate")).status_code == 200
    await draft(writer, a_query_document(version="1.1.0", title="Uji lagi"))
    assert (await move(head, "retire")).status_code == 200
    assert problem(await move(head, "activate", "1.1.0")) == (409, "adapter-word-missing")


async def test_an_adapter_that_is_installed_later_was_not_bound_before(bus: Bus, registry: ARegistry):
    """Without the adapter nobody knows what it asks: the operator alone may name it."""
    await draft(
        bus.reader(OFFICE, *BOTH), a_query_document(classification="internal", request={"type": "object"}, subject=None)
    )
    assert problem(await move(bus.reader(OFFICE, *BOTH), "activate")) == (409, "adapter-word-missing")


async def test_a_query_that_says_less_since_before_is_not_asked(city: Bus, registry: ARegistry):
    document = a_query_document(classification="public", request={"type": "object"}, subject=None)
    before_the_registry(city).registrar.apply([parse_contract(document)], city.operator)
    city.rooms.catalogue.refresh()
    asker = city.reader(OFFICE, "queries.call")
    answer = await asker.post(f"/v1/queries/{STOLEN}", json={"nik": a_nik(1)})
    assert problem(answer) == (503, "contract-says-less")
    assert "must be personal or more" in answer.json()["detail"]
    assert registry.questions == []


async def test_an_answer_of_a_personal_operation_is_disclosed(city: Bus, registry: ARegistry):
    city.apply(a_query_document())
    answer = await city.reader(OFFICE, "queries.call").post(f"/v1/queries/{STOLEN}", json={"nik": a_nik(1)})
    assert answer.status_code == 200
    assert [one.disclosure.participant for one in city.rooms.disclosures.search(Wanted(a_nik(1)), None, 10)] == [OFFICE]


@pytest.mark.parametrize("who", [REGISTRY, "operator"])
async def test_no_subscription_brings_an_adapter_what_no_contract_binds(city: Bus, who: str):
    """Not the agency's own participant, nor the operator by mistake."""
    city.apply(an_event_document(adapters=[]))
    scopes = ("subscriptions.manage", *(["admin"] if who == "operator" else []))
    order = {"contracts": [STOLEN], "sink": {"adapter": REGISTRY, "operation": RETURN}, "participant": REGISTRY}
    client = city.reader(who, *scopes)
    assert problem(await client.post("/v1/subscriptions", json=order)) == (403, "adapter-not-bound")


async def test_no_change_of_a_subscription_brings_it_either(city: Bus):
    city.apply(an_event_document(adapters=[]))
    client = city.reader(REGISTRY, "subscriptions.manage")
    made = await client.post("/v1/subscriptions", json={"contracts": [STOLEN], "sink": {"url": "https://8.8.8.8/"}})
    change = {"sink": {"adapter": REGISTRY, "operation": RETURN}}
    answer = await client.patch(f"/v1/subscriptions/{made.json()['id']}", json=change)
    assert problem(answer) == (403, "adapter-not-bound")


async def run_of(bus: Bus, position: int) -> Item:
    """The only delivery of an event to the registry, as the worker would make it."""
    ensure_standing_subscriptions(bus.rooms.catalogue, bus.rooms.agencies, bus.rooms.subscriptions)
    (subscription,) = bus.rooms.subscriptions.listed(None)
    with bus.rooms.storage.read() as transaction:
        entry = entries_at(transaction, [position])[position]
    lease, run = Lease(subscription.number, 2**60), [(LeasedDelivery(position, None, 0, 2**60), entry)]
    rooms = bus.rooms
    loader = RunLoader(rooms.storage, rooms.journal, rooms.catalogue, Ledger(rooms.storage), rooms.agencies, Room())
    async with loader.hold_loaded(
        subscription, await loader.find_owed(subscription, lease, run), time.monotonic() + 10
    ) as chains:
        ((item,),) = chains or []
        return item


async def test_what_an_old_version_says_less_of_is_not_delivered(city: Bus):
    document = an_event_document(classification="internal", schema={"type": "object"}, subject=None)
    before_the_registry(city).registrar.apply([parse_contract(document)], city.operator)
    city.rooms.catalogue.refresh()
    position = await a_publication(city)
    item = await run_of(city, position)
    assert (item.body, "must be personal or more" in item.withheld) == (None, True)


async def test_what_is_bound_is_delivered(city: Bus):
    city.apply(an_event_document())
    assert (await run_of(city, await a_publication(city))).body is not None


async def test_what_is_no_longer_bound_is_not_delivered(city: Bus):
    city.apply(an_event_document())
    position = await a_publication(city)
    ensure_standing_subscriptions(city.rooms.catalogue, city.rooms.agencies, city.rooms.subscriptions)
    city.apply(an_event_document(version="2.0.0", adapters=[]))
    city.rooms.catalogue.registrar.retire(STOLEN, "1.0.0", city.operator)
    item = await run_of(city, position)
    assert (item.body, "names" in item.withheld) == (None, True)


async def a_publication(city: Bus) -> int:
    """The position of an event under the stolen contract."""
    sender = Principal(OFFICE, "client_x", frozenset(), 0, "token_x")
    event = {"specversion": "1.0", "id": "e1", "source": "/uji", "type": STOLEN, "data": {"nik": a_nik(1)}}
    (receipt,) = await city.rooms.appender.append([city.rooms.gate.admit(event, sender)])
    return receipt.position


def reports(**changes: Any) -> Document:
    """The contract that the registry's poll publishes under."""
    uses = [{"adapter": REGISTRY, "operation": FETCH}]
    return an_event_document(
        contract=REPORTS, producers=[REGISTRY], consumers=[a_grant(OFFICE)], adapters=uses, **changes
    )


def poller(bus: Bus) -> Poller:
    rooms = bus.rooms
    leads = make_leadership(rooms.storage, "poller")
    return Poller(rooms.storage, rooms.agencies, rooms.gate, rooms.recorder, rooms.appender, leads, rooms.heavy)


FETCHES = next(one for one in ARegistryFactory.operations if one.name == FETCH)


async def test_a_name_that_an_adapter_polls_for_is_no_way_to_its_data(city: Bus, registry: ARegistry):
    """An office registers the contract first, with itself as consumer, and names no operation."""
    city.apply({**reports(), "adapters": []})
    with pytest.raises(NotBound):
        await poller(city).step(REGISTRY, FETCHES)
    assert registry.polls == 0


async def test_a_poll_publishes_nothing_under_a_contract_that_says_less(city: Bus, registry: ARegistry):
    document = reports(classification="public", schema={"type": "object"}, subject=None)
    before_the_registry(city).registrar.apply([parse_contract(document)], city.operator)
    city.rooms.catalogue.refresh()
    with pytest.raises(ContractSaysLess):
        await poller(city).step(REGISTRY, FETCHES)
    assert registry.polls == 0


async def test_a_poll_publishes_under_its_own_contract_alone(city: Bus, registry: ARegistry):
    city.apply(reports(), an_event_document(producers=[REGISTRY]))
    right = Event(id="e1", source="/pusat", type=REPORTS, data={"nik": a_nik(1)})
    registry.polled = [right, replace(right, id="e2", type=STOLEN)]
    await poller(city).step(REGISTRY, FETCHES)
    assert city.rooms.journal.last_position() == 1
