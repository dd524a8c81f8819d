"""Every operation that hands out personal data leaves a disclosure; the OpenAPI document says which operations there are.

A new operation fails here until it is classed: in `DISCLOSING`, with how to get a person's data from it, or in `SILENT`, with
the reason why it hands out none.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import httpx
import pytest

from bus.agencies import QuestionState
from bus.agencies.asking import QueryPolicy
from bus.contracts import Wish
from bus.delivery import NewSubscription, Pull, Webhook
from bus.delivery.ledger import Ledger, NewDelivery
from bus.disclosures import Found, Wanted
from bus.identity import Principal, Scope
from bus.inquiries import NewInquiry
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.an_agency import AnAdapter, join
from tests.builders import FAR, OWNER, WARGA, a_document, a_grant, a_nik
from tests.declared.a_declared_agency import register_draft
from tests.http.api.queries.a_query import TANYA, a_query_document

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NIK: Final = a_nik(1)
NAME: Final = "Rekaan yang tak boleh bocor"
READER: Final = "dinkes"
FIELDS: Final = ["/nik", "/nama"]
WHY: Final = "keluhan warga nomor 12"
GRANT: Final = a_grant(READER, purpose="imunisasi", legal_basis="PKS 8/2026", fields=FIELDS)


@dataclass(frozen=True, slots=True)
class Read:
    """How to get a person's data from an operation.

    Attributes:
        channel: the channel that the disclosure names.
        path: the values of the path's parameters.
        query: the query's parameters.
        body: the request's body; None: it has none.
        tells: what its answer holds of the person.
        purpose: the purpose that the disclosure names.
        scopes: those of the reader; one with `admin` acts as the operator, who needs no grant to open an event.
    """

    channel: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    tells: str = NAME
    purpose: str = "imunisasi"
    scopes: Sequence[str] = tuple(Scope)


DISCLOSING: Final = {
    "GET /v1/feeds/{contract}": Read("feed", {"contract": WARGA}),
    "GET /v1/records/{contract}": Read("records", {"contract": WARGA}),
    "GET /v1/records/{contract}/{key}": Read("records", {"contract": WARGA, "key": NIK}),
    "GET /v1/records/{contract}/digest": Read("records", {"contract": WARGA}, tells=NIK),
    "GET /v1/records/{contract}/{key}/history": Read("records", {"contract": WARGA, "key": NIK}),
    "GET /v1/events/{position}": Read("event", {"position": "1"}),
    "POST /v1/events/{position}/open": Read(
        "opening", {"position": "1"}, body={"reason": WHY}, purpose=WHY, scopes=["events.read"]
    ),
    "POST /v1/queries/{contract}": Read("query", {"contract": TANYA}, body={"nik": NIK}),
    "GET /v1/jobs/{id}": Read("query"),
    "POST /v1/subscriptions/{id}/pull": Read("pull"),
}

_CREDENTIALS: Final = "credentials and addresses of clients alone"
_DOCUMENT: Final = "contract documents; their examples are invented persons, which lint and the owner answer for"
_ADAPTERS: Final = "adapter documents; they name secrets and hold none, and their examples are invented"
_PROPOSALS: Final = "which contract versions wait, and for whose word"
_REQUESTS: Final = "which data an office asks for, why and until when"
_GRANTS: Final = "which grants there are, until when, and why one is suspended"
_PLACES: Final = "rules and places of what was wrong, never a value"
_REGISTER: Final = "participants, clients and their rights; no event"
_STEERS: Final = "steers deliveries; what they then send is disclosed by the worker before it leaves"
_SETTLES: Final = "what became of deliveries that the caller names; no event"
_INQUIRIES: Final = "when somebody asked, and the last four characters of the identifier"
_STATE: Final = "the bus's own state"

SILENT: Final = {
    "POST /oauth/token": _CREDENTIALS,
    "POST /oauth/revoke": _CREDENTIALS,
    "POST /oauth/introspect": _CREDENTIALS,
    "GET /oauth/jwks": _CREDENTIALS,
    "GET /.well-known/oauth-authorization-server": _CREDENTIALS,
    "GET /.well-known/oauth-protected-resource": _CREDENTIALS,
    "GET /.well-known/security.txt": "whom to tell of a weakness",
    "POST /v1/events": "positions of what the sender sent, and places of what was wrong in it",
    "GET /v1/events/status": "what became of an event that the caller names by its id: states, and rules and places",
    "GET /v1/adapters": _ADAPTERS,
    "POST /v1/adapters": _ADAPTERS,
    "GET /v1/adapters/{name}": _ADAPTERS,
    "GET /v1/adapters/{name}/versions/{version}": _ADAPTERS,
    "POST /v1/adapters/{name}/versions/{version}/propose": _ADAPTERS,
    "POST /v1/adapters/{name}/versions/{version}/activate": _ADAPTERS,
    "POST /v1/adapters/{name}/versions/{version}/deprecate": _ADAPTERS,
    "POST /v1/adapters/{name}/versions/{version}/retire": _ADAPTERS,
    "GET /v1/contracts": _DOCUMENT,
    "POST /v1/contracts": _DOCUMENT,
    "GET /v1/contracts/{name}": _DOCUMENT,
    "GET /v1/contracts/{name}/versions/{version}": _DOCUMENT,
    "PUT /v1/contracts/{name}/versions/{version}": _DOCUMENT,
    "GET /v1/contracts/{name}/versions/{version}/schema": _DOCUMENT,
    "GET /v1/contracts/{name}/asyncapi": _DOCUMENT,
    "GET /v1/contracts/{name}/odcs": _DOCUMENT,
    "POST /v1/contracts/odcs": _DOCUMENT,
    "GET /v1/domains": _REGISTER,
    "GET /v1/domains/{domain}": _REGISTER,
    "PUT /v1/domains/{domain}/owner": _REGISTER,
    "DELETE /v1/domains/{domain}/owner": _REGISTER,
    "POST /v1/contracts/check": _DOCUMENT,
    "POST /v1/contracts/{name}/versions/{version}/propose": _DOCUMENT,
    "POST /v1/contracts/{name}/versions/{version}/consent": _DOCUMENT,
    "POST /v1/contracts/{name}/versions/{version}/activate": _DOCUMENT,
    "POST /v1/contracts/{name}/versions/{version}/deprecate": _DOCUMENT,
    "POST /v1/contracts/{name}/versions/{version}/retire": _DOCUMENT,
    "POST /v1/contracts/{name}/validate": _PLACES,
    "GET /v1/contracts/{name}/access": "who may get which fields, not what is in them",
    "GET /v1/participants/{name}/access": "who may get which fields, not what is in them",
    "GET /v1/proposals": _PROPOSALS,
    "GET /v1/access-requests": _REQUESTS,
    "POST /v1/access-requests": _REQUESTS,
    "GET /v1/access-requests/{id}": _REQUESTS,
    "POST /v1/access-requests/{id}/accept": _REQUESTS,
    "POST /v1/access-requests/{id}/refuse": _REQUESTS,
    "POST /v1/access-requests/{id}/withdraw": _REQUESTS,
    "GET /v1/grants": _GRANTS,
    "POST /v1/contracts/{name}/grants/{participant}/suspend": _GRANTS,
    "POST /v1/contracts/{name}/grants/{participant}/resume": _GRANTS,
    "GET /v1/refusals": _PLACES,
    "GET /v1/subscriptions": "where deliveries go, and by which filters; no event",
    "POST /v1/subscriptions": _STEERS,
    "GET /v1/subscriptions/{id}": "where deliveries go, and by which filters; no event",
    "PATCH /v1/subscriptions/{id}": _STEERS,
    "DELETE /v1/subscriptions/{id}": _STEERS,
    "POST /v1/subscriptions/{id}/pause": _STEERS,
    "POST /v1/subscriptions/{id}/resume": _STEERS,
    "POST /v1/subscriptions/{id}/replay": _STEERS,
    "POST /v1/subscriptions/{id}/redrive": _STEERS,
    "POST /v1/subscriptions/{id}/rotate-secret": "the subscription's secret",
    "POST /v1/subscriptions/{id}/test": "sends an invented event, and tells how the sink answered",
    "POST /v1/subscriptions/{id}/ack": _SETTLES,
    "POST /v1/subscriptions/{id}/nack": _SETTLES,
    "POST /v1/subscriptions/{id}/extend": _SETTLES,
    "POST /v1/subscriptions/{id}/seek": "moves what is pulled; the pulls are disclosed",
    "GET /v1/deliveries": "positions, states and attempts; no event",
    "POST /v1/deliveries/{id}/retry": _STEERS,
    "POST /v1/deliveries/{id}/discard": _STEERS,
    "POST /v1/deliveries/{id}/answers": "what its owner's sink said; who else looks is disclosed, as test_answers.py says",
    "GET /v1/status": "hosts, counts and moments; no event",
    "GET /v1/traffic": "counts and moments; no event",
    "GET /v1/participants": _REGISTER,
    "POST /v1/participants": _REGISTER,
    "PATCH /v1/participants/{name}": _REGISTER,
    "PUT /v1/participants/{name}": _REGISTER,
    "GET /v1/participants/{name}/clients": _REGISTER,
    "POST /v1/participants/{name}/clients": _REGISTER,
    "PATCH /v1/participants/{name}/clients/{client_id}": _REGISTER,
    "DELETE /v1/participants/{name}/clients/{client_id}": _REGISTER,
    "GET /v1/participants/{name}/limits": _REGISTER,
    "PUT /v1/participants/{name}/limits": _REGISTER,
    "GET /v1/disclosures": "who received data and where the events are, not what is in them; each search is in the action log",
    "POST /v1/disclosures/lookups": "who received data; the look itself is disclosed, as test_lookups.py says",
    "POST /v1/inquiries": _INQUIRIES,
    "GET /v1/inquiries": _INQUIRIES,
    "GET /v1/inquiries/{number}": _INQUIRIES,
    "POST /v1/inquiries/{number}/close": _INQUIRIES,
    "GET /v1/actions": "what administrators did; the log holds nothing about a person",
    "GET /v1/agencies": "states of agencies' polls",
    "POST /v1/queries/{contract}/batch": "the number of a job; its answers are disclosed when they are read",
    "GET /v1/doctor": "what is wrong with the bus, by names of contracts and participants",
    "POST /v1/agencies/{agency}/release": "states of agencies' polls",
    "POST /v1/agencies/{agency}/pause": "who paused an agency, and why",
    "POST /v1/agencies/{agency}/push/{operation}": "what the agency's document answers; it repeats nothing of the push",
    "POST /v1/agencies/{agency}/resume": "who paused an agency, and why",
    "GET /": "the front page: names and addresses of the bus",
    "GET /healthz": _STATE,
    "GET /readyz": _STATE,
    "GET /metrics": _STATE,
}
"""Operations that hand out no personal data, each with the reason."""

_KNOWN: Final = {"name": WARGA, "version": "1.0.0", "domain": "kependudukan", "number": 1}
_QUERIES: Final = {
    "GET /v1/disclosures": {"subject": NIK},
    "GET /v1/events/status": {"source": f"/{OWNER}", "id": "e1"},
}


@pytest.fixture
async def site(bus: Bus) -> Bus:
    """A bus with a person's record, deliveries of it that wait, and an agency that tells of the person."""
    join(bus, AnAdapter({"ditemukan": True, "nama": NAME}), QueryPolicy(seconds=5, concurrency=2))
    bus.apply(a_document(GRANT), a_query_document({**GRANT, "fields": ["/ditemukan", "/nama"]}))
    order = NewSubscription(READER, [WARGA], Webhook("https://dinkes.lamongan.example/hook"))
    await asyncio.to_thread(bus.rooms.subscriptions.add, order, OPERATOR)
    position = await bus.publish({"nik": NIK, "nama": NAME, "agama": "rahasia"})
    await asyncio.to_thread(bus.rooms.inquiries.open, NewInquiry(NIK, f"loket, NIK {NIK}"), OPERATOR)
    pulled = await asyncio.to_thread(bus.rooms.subscriptions.add, NewSubscription(READER, [WARGA], Pull()), OPERATOR)
    with bus.rooms.storage.write() as transaction:
        Ledger(bus.rooms.storage).add(transaction, [NewDelivery(pulled.number, position, None)], 0, again=False)
    return bus


def ask_for_access(bus: Bus) -> str:
    """The id of a request for access whose asker wrote a person's number into it."""
    catalogue = bus.rooms.catalogue
    wish = Wish(WARGA, READER, f"memeriksa {NIK}", "Perda 1/2024", "PKS 1/2026", None, date.fromisoformat(FAR))
    return catalogue.registrar.access_requests.ask(wish, catalogue.newest(WARGA).contract, OPERATOR).id


def find_pulled(bus: Bus) -> str:
    """The id of the subscription that the reader pulls."""
    return next(one.id for one in bus.rooms.subscriptions.all() if isinstance(one.sink, Pull))


async def answer_a_job(bus: Bus) -> str:
    """The id of a job of the reader whose one question is answered."""
    jobs, asker = bus.rooms.jobs, Principal(READER, "client_aaaaaaaaaaaaaaaaaaaa", frozenset(), 0.0, "")
    job = await asyncio.to_thread(jobs.create, asker, TANYA, [{"nik": NIK}])
    collected = await bus.rooms.queries.collect(TANYA, {"nik": NIK}, asker)
    await asyncio.to_thread(jobs.settle, job.id, 0, QuestionState.ANSWERED, collected.to_document())
    await asyncio.to_thread(jobs.finish, job.id)
    return job.id


async def describe(bus: Bus) -> dict[str, Any]:
    """The operations of the OpenAPI document, by method and path."""
    paths = (await bus.reader(OWNER).get("/openapi.json")).json()["paths"]
    return {
        f"{method.upper()} {path}": operation
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method in {"get", "put", "post", "patch", "delete"}
    }


def list_forms(operation: Any) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield from answer.get("content", {})


async def read_until(client: httpx.AsyncClient, operation: str, read: Read, form: str, wanted: str) -> str:
    """What an operation answers, up to the wanted text: a stream has no end."""
    method, path = operation.split(" ")
    body = {"json": read.body} if read.body is not None else {}
    address, headers = path.format(**read.path), {"accept": form}
    text = ""
    async with client.stream(method, address, params=dict(read.query), headers=headers, **body) as answer:
        assert answer.status_code == 200, await answer.aread()
        async for part in answer.aiter_text():
            text += part
            if wanted in text:
                break
    return text


async def disclosed(bus: Bus) -> list[Found]:
    return await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(NIK), None, 100)


async def test_every_operation_is_classed_by_whether_it_hands_out_personal_data(bus: Bus) -> None:
    described = set(await describe(bus))
    assert described == DISCLOSING.keys() | SILENT.keys()
    assert not DISCLOSING.keys() & SILENT.keys()


@pytest.mark.parametrize("operation", DISCLOSING)
async def test_personal_data_never_leave_by_an_operation_without_a_disclosure(site: Bus, operation: str) -> None:
    read, forms = DISCLOSING[operation], list(dict.fromkeys(list_forms((await describe(site))[operation])))
    named = await answer_a_job(site) if "/jobs/" in operation else find_pulled(site)
    async with site.served() as address, asyncio.timeout(30):
        for form in forms:
            client = site.reader(READER, *read.scopes, address=address)
            read = replace(read, path={"id": named, **read.path})
            before = {one.place.id for one in await disclosed(site)}
            assert read.tells in await read_until(client, operation, read, form, read.tells)
            (found,) = [one for one in await disclosed(site) if one.place.id not in before]
            shown = found.disclosure
            assert (shown.participant, shown.channel.value, shown.version) == (READER, read.channel, "1.0.0")
            assert (shown.purpose, shown.legal_basis) == (read.purpose, "PKS 8/2026")
            assert shown.fields == (FIELDS if read.channel != "query" else ["/ditemukan", "/nama"])
            assert shown.client_id is not None
            assert shown.client_id in {one.client_id for one in site.rooms.participants.list_clients(READER, 100)}
    assert forms


@pytest.mark.parametrize("operation", [operation for operation in SILENT if operation.startswith("GET ")])
async def test_no_person_is_in_what_leaves_no_disclosure(site: Bus, operation: str) -> None:
    """As the reader of everything, after the person's data were published, refused, delivered and read."""
    reader = site.reader(OWNER, *Scope)
    await reader.post(
        "/v1/events", json={"specversion": "1.0", "id": "x", "source": "/uji", "type": WARGA, "data": {"nik": 1}}
    )
    await site.reader(READER).get(f"/v1/feeds/{WARGA}")
    await site.rooms.recorder.flush()
    before = await disclosed(site)
    path = operation.removeprefix("GET ")
    values = _KNOWN | {"id": site.rooms.subscriptions.all()[0].id, "client_id": "client_x"}
    if path.startswith("/v1/participants"):
        values["name"] = READER
    if path.startswith("/v1/adapters"):
        values["name"] = register_draft(site).name
    if path.startswith("/v1/access-requests"):
        values["id"] = ask_for_access(site)
    answer = await reader.get(path.format(**values), params=_QUERIES.get(operation))
    assert answer.status_code == 200 or path.startswith(("/.well-known/security.txt", "/readyz")), answer.text
    assert NAME not in answer.text
    assert NIK not in answer.text
    assert len(await disclosed(site)) == len(before)
