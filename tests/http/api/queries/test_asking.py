"""Queries over HTTP: who may ask, what is asked, and what is told when the agency does not answer."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from bus.agencies import OpenCircuits
from bus.agencies.asking import QueryPolicy
from bus.kit import AgencyFault, AgencyUnavailable, Failure, QuotaExhausted
from tests.a_bus import Bus
from tests.an_agency import AGENCY, ASK, TAKE, AnAdapter, join
from tests.builders import Document, a_document, a_grant, a_nik
from tests.http.api.queries.a_query import (
    ANSWER,
    NIK,
    PAST,
    TANYA,
    URL,
    a_query_document,
    ask,
    disclosed,
    problem,
    until,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The edge is the same on both databases; their statements have tests of their own in the rooms."""


async def test_a_question_is_answered(desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter):
    desk.apply(a_query_document())
    answer = await ask(http)
    assert (answer.status_code, answer.json()) == (200, ANSWER)
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
    assert [(one.contract, one.data, one.participant) for one in adapter.questions] == [(TANYA, {"nik": NIK}, "dinkes")]


async def test_a_token_without_the_scope_is_not_enough(desk: Bus):
    desk.apply(a_query_document())
    assert problem(await ask(desk.reader("dinkes", "events.read"))) == (403, "scope-missing")


async def test_without_a_grant_nothing_is_asked(desk: Bus, adapter: AnAdapter):
    desk.apply(a_query_document())
    assert problem(await ask(desk.reader("bapenda", "queries.call"))) == (403, "not-granted")
    assert adapter.questions == []


async def test_a_grant_that_ended_is_not_enough(desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter):
    desk.apply(a_query_document(a_grant("dinkes", until=PAST)))
    assert problem(await ask(http)) == (403, "grant-expired")
    assert adapter.questions == []


async def test_an_invalid_question_is_not_asked(desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter):
    desk.apply(a_query_document())
    answer = await ask(http, {"nik": "3524"})
    assert problem(answer) == (422, "question-invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/nik"]
    assert adapter.questions == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
async def test_a_body_that_is_not_json_is_refused(desk: Bus, http: httpx.AsyncClient, body: bytes):
    desk.apply(a_query_document())
    assert problem(await http.post(URL, content=body)) == (400, "invalid-request")


async def test_a_contract_that_is_not_there_is_not_found(http: httpx.AsyncClient):
    assert problem(await ask(http)) == (404, "no-such-contract")


async def test_a_contract_of_another_kind_is_no_query(desk: Bus, http: httpx.AsyncClient):
    desk.apply(a_document(a_grant("dinkes")))
    assert problem(await ask(http, url="/v1/queries/kependudukan.warga")) == (404, "not-a-query")


async def test_a_question_with_a_number_that_would_change_is_refused(desk: Bus, http: httpx.AsyncClient):
    text = {"type": "string", "pattern": "^[0-9]{16}$"}
    desk.apply(
        a_query_document(request={"type": "object", "properties": {"nik": text, "nomor": {}}, "required": ["nik"]})
    )
    question = f'{{"nik": "{NIK}", "nomor": 18446744073709551617}}'
    answer = await http.post(URL, content=question, headers={"content-type": "application/json"})
    assert problem(answer) == (422, "number-changed")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/nomor"]


@pytest.mark.parametrize(
    ("failure", "status"), [(Failure.TRANSIENT, 503), (Failure.SINK_DOWN, 502), (Failure.PERMANENT, 502)]
)
async def test_a_fault_of_the_agency_says_whether_asking_again_helps(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, failure: Failure, status: int
):
    desk.apply(a_query_document())
    adapter.refusal = AgencyFault(failure, "Badan cannot answer", retry_after=30)
    assert (await ask(http)).status_code == status


@pytest.mark.parametrize(
    "adapters", [[], [{"adapter": "lain", "operation": ASK}], [{"adapter": AGENCY, "operation": TAKE}]]
)
async def test_a_query_that_no_adapter_serves_is_told(desk: Bus, http: httpx.AsyncClient, adapters: list[Document]):
    desk.apply(a_query_document(adapters=adapters))
    assert problem(await ask(http)) == (503, "adapter-off")


@pytest.mark.parametrize(
    ("refusal", "status", "slug"),
    [
        (AgencyUnavailable("try again later"), 503, "agency-unavailable"),
        (QuotaExhausted("try again tomorrow"), 429, "agency-quota-exhausted"),
        (AgencyFault(Failure.TRANSIENT, "an answer that cannot be read"), 503, "agency-unavailable"),
    ],
)
async def test_what_the_adapter_refuses_is_told(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, refusal: Any, status: int, slug: str
):
    desk.apply(a_query_document())
    adapter.refusal = refusal
    assert problem(await ask(http)) == (status, slug)
    assert disclosed(desk) == []


async def test_an_agency_that_does_not_answer_in_time_is_unavailable(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document())
    adapter.open.clear()
    assert problem(await ask(http)) == (503, "agency-unavailable")


async def test_an_agency_is_asked_only_so_much_at_once(desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter):
    desk.apply(a_query_document())
    adapter.open.clear()
    answers = await asyncio.gather(*(ask(http, {"nik": a_nik(number)}) for number in range(1, 6)))
    assert [answer.status_code for answer in answers] == [503] * 5
    assert adapter.busiest == 2


async def test_identical_questions_of_a_participant_at_the_same_time_are_asked_once(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document())
    adapter.open.clear()
    asking = [asyncio.create_task(ask(http)) for _ in range(4)]
    await until(lambda: len(adapter.questions) == 1)
    adapter.open.set()
    assert [answer.json() for answer in await asyncio.gather(*asking)] == [ANSWER] * 4
    assert len(adapter.questions) == 1
    assert disclosed(desk) != []


@pytest.mark.parametrize(("cache", "asked"), [({}, 2), ({"cache": "shared"}, 1)], ids=["own", "shared"])
async def test_identical_questions_of_two_participants_are_one_only_where_the_contract_shares_answers(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, cache: Document, asked: int
):
    desk.apply(a_query_document(a_grant("dinkes"), a_grant("bapenda", fields=["/ditemukan"]), **cache))
    adapter.open.clear()
    asking = [asyncio.create_task(ask(one)) for one in (http, desk.reader("bapenda", "queries.call"))]
    await until(lambda: len(adapter.questions) == asked)
    await asyncio.sleep(0.05)
    adapter.open.set()
    assert [answer.json() for answer in await asyncio.gather(*asking)] == [ANSWER, {"ditemukan": True}]
    assert len(adapter.questions) == asked


async def test_an_agency_that_fails_several_times_in_a_row_is_left_in_peace(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document())
    adapter.refusal = AgencyUnavailable("away")
    answers = [await ask(http) for _ in range(6)]
    assert [problem(answer)[1] for answer in answers] == ["agency-unavailable"] * 5 + ["agency-circuit-open"]
    assert answers[-1].status_code == 503
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 5
    assert len(adapter.questions) == 5
    assert REGISTRY.get_sample_value("bus_agency_circuit_open", {"agency": AGENCY}) == 1


async def test_every_process_tells_that_an_agency_is_left_in_peace_until_it_answers(
    bus: Bus, adapter: AnAdapter
) -> None:
    now = [0.0]
    join(bus, adapter, QueryPolicy(clock=lambda: now[0]))
    bus.apply(a_query_document())
    http = bus.reader("dinkes", "queries.call")
    other = OpenCircuits(bus.rooms.storage)
    adapter.refusal = AgencyUnavailable("away")
    for _ in range(5):
        await ask(http)
    await until(lambda: other.list() == {AGENCY})
    operator = bus.reader("operator", "admin")
    (state,) = (await operator.get("/v1/status")).json()["agency_states"]
    (agency,) = (await operator.get("/v1/agencies")).json()["agencies"]
    assert (state["question_circuit"], agency["question_circuit"]) == ("open", "open")
    adapter.refusal = None
    now[0] = 10.0
    assert (await ask(http)).status_code == 200
    await until(lambda: other.list() == frozenset())


async def test_the_circuit_of_a_process_that_ended_is_open_for_some_minutes_alone(bus: Bus) -> None:
    circuits = OpenCircuits(bus.rooms.storage)
    circuits.tell(AGENCY, -200.0)
    assert circuits.list() == {AGENCY}
    circuits.tell(AGENCY, -301.0)
    assert circuits.list() == frozenset()


async def test_questions_that_are_the_askers_own_fault_open_no_circuit(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document())
    adapter.refusal = QuotaExhausted("try again tomorrow")
    assert {problem(await ask(http)) for _ in range(8)} == {(429, "agency-quota-exhausted")}


async def test_load_is_shed_before_the_agency_is_hurt(bus: Bus, adapter: AnAdapter):
    join(bus, adapter, QueryPolicy(seconds=0.5, concurrency=1, waiting=2))
    bus.apply(a_query_document())
    http = bus.reader("dinkes", "queries.call")
    adapter.open.clear()
    answers = await asyncio.gather(*(ask(http, {"nik": a_nik(number)}) for number in range(1, 7)))
    slugs = Counter(problem(answer)[1] for answer in answers)
    assert slugs == {"agency-unavailable": 3, "agency-busy": 3}
    assert adapter.busiest == 1


async def test_an_operation_of_the_next_version_is_asked_from_its_activation_on(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document(adapters=[]))
    desk.apply(a_query_document(version="1.1.0"))
    assert (await ask(http)).status_code == 200
