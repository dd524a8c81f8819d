"""Queries over HTTP: who may ask, what is asked and answered, and what is remembered of it."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bus.agencies.queries import QueryPolicy
from bus.disclosures import Channel, DisclosureLog, Found, Wanted
from bus.heavy import Here, Job
from bus.journal import Persons
from bus.kit import AgencyFault, AgencyUnavailable, Failure, QuotaExhausted
from bus.limits import Policy, Ration
from bus.limits.tables import QUESTIONS_ASKED
from bus.storage import open_storage
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.an_agency import AGENCY, ASK, TAKE, AnAdapter, join
from tests.builders import Document, a_document, a_grant, a_nik

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The edge is the same on both databases; their statements have tests of their own in the rooms."""

TANYA = "kependudukan.tanya"
URL = f"/v1/queries/{TANYA}"
NIK = a_nik(1)
ANSWER = {"ditemukan": True, "nama": "Rekaan 1", "agama": "rahasia"}
PAST = "2020-12-31"


def a_query_document(*grants: Document, **changes: Any) -> Document:
    """A personal query contract that the agency answers."""
    text = {"type": "string"}
    answer = {"ditemukan": {"type": "boolean"}, "nama": text, "agama": text}
    request = {"type": "object", "properties": {"nik": text | {"pattern": "^[0-9]{16}$"}}, "required": ["nik"]}
    return a_document(
        *(grants or [a_grant("dinkes")]),
        **{
            "contract": TANYA,
            "kind": "query",
            "key": None,
            "schema": None,
            "request": request,
            "answer": {"type": "object", "properties": answer, "required": ["ditemukan"]},
            "adapters": [{"adapter": AGENCY, "operation": ASK}],
            "producers": [AGENCY],
            **changes,
        },
    )


@pytest.fixture
def adapter() -> AnAdapter:
    return AnAdapter(ANSWER)


@pytest.fixture
async def desk(bus: Bus, adapter: AnAdapter) -> Bus:
    """A bus with the agency set up, that asks it two questions at once for half a second at the most."""
    join(bus, adapter, QueryPolicy(seconds=0.5, concurrency=2))
    return bus


@pytest.fixture
def http(desk: Bus) -> httpx.AsyncClient:
    return desk.reader("dinkes", "queries.call")


async def ask(http: httpx.AsyncClient, question: object = None, url: str = URL) -> httpx.Response:
    return await http.post(url, json={"nik": NIK} if question is None else question)


def disclosed(desk: Bus) -> list[Found]:
    return desk.rooms.disclosures.search(Wanted(NIK), None, 10)


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].removeprefix("urn:bus:problem:")


def counted(desk: Bus) -> int:
    """The questions of today that count."""
    with desk.rooms.storage.read() as transaction:
        return transaction.value(sa.select(sa.func.sum(QUESTIONS_ASKED.c.asked))) or 0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.01)


async def test_a_question_is_answered(desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter):
    desk.apply(a_query_document())
    answer = await ask(http)
    assert (answer.status_code, answer.json()) == (200, ANSWER)
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
    assert [(one.contract, one.data, one.participant) for one in adapter.questions] == [(TANYA, {"nik": NIK}, "dinkes")]


async def test_an_answer_shows_what_the_grant_shows(desk: Bus, http: httpx.AsyncClient):
    desk.apply(a_query_document(a_grant("dinkes", fields=["/ditemukan", "/nama"], mask={"/nama": "redact"})))
    assert (await ask(http)).json() == {"ditemukan": True, "nama": "***"}


async def test_an_answer_about_a_person_is_disclosed(desk: Bus, http: httpx.AsyncClient):
    desk.apply(a_query_document(a_grant("dinkes", fields=["/ditemukan", "/nama"])))
    await ask(http)
    (found,) = disclosed(desk)
    shown = found.disclosure
    assert (shown.participant, shown.channel, shown.person) == ("dinkes", Channel.QUERY, NIK)
    assert (shown.fields, shown.purpose) == (["/ditemukan", "/nama"], "uji")
    assert shown.client_id


async def test_an_answer_that_found_nobody_discloses_nothing(desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter):
    desk.apply(a_query_document())
    adapter.answer = {"ditemukan": False}
    assert (await ask(http)).json() == {"ditemukan": False}
    assert disclosed(desk) == []


async def test_an_answer_that_says_not_found_and_holds_data_is_disclosed(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document())
    adapter.answer = {"ditemukan": False, "nama": "Rekaan 1"}
    assert (await ask(http)).json() == adapter.answer
    assert len(disclosed(desk)) == 1


async def test_the_same_question_again_is_counted(desk: Bus, http: httpx.AsyncClient):
    desk.apply(a_query_document())
    for _ in range(3):
        await ask(http)
    assert [one.times for one in disclosed(desk)] == [3]


async def test_an_answer_about_nobody_discloses_nothing(desk: Bus, http: httpx.AsyncClient):
    desk.apply(a_query_document(classification="internal", request={"type": "object"}, subject=None))
    assert (await ask(http)).status_code == 200
    assert desk.rooms.disclosures.search(Wanted(participant="dinkes"), None, 10) == []


async def test_what_cannot_be_recorded_is_not_told(bus: Bus, adapter: AnAdapter, tmp_path: Path):
    storage = open_storage(f"sqlite:///{tmp_path / 'empty.db'}")
    join(bus, adapter, disclosures=DisclosureLog(storage, Persons(storage)))
    bus.apply(a_query_document())
    answer = await ask(bus.reader("dinkes", "queries.call"))
    storage.close()
    assert problem(answer) == (503, "storage-unavailable")
    assert "Rekaan" not in answer.text


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


async def test_a_grant_of_other_rows_does_not_cover_the_answer(desk: Bus, http: httpx.AsyncClient):
    desk.apply(a_query_document(a_grant("dinkes", rows=[{"exact": {"nama": "Rekaan 2"}}])))
    answer = await ask(http)
    assert problem(answer) == (403, "answer-not-granted")
    assert "Rekaan 1" not in answer.text
    assert disclosed(desk) == []


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


async def test_an_answer_with_a_number_that_would_change_is_not_handed_out(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    shape = {"ditemukan": {"type": "boolean"}, "nilai": {"type": "number"}}
    desk.apply(a_query_document(answer={"type": "object", "properties": shape, "required": ["ditemukan"]}))
    adapter.answer = {"ditemukan": True, "nilai": Decimal("18446744073709551617")}
    assert problem(await ask(http)) == (502, "answer-invalid")


REMARKING = {
    "type": "object",
    "additionalProperties": False,
    "required": ["ditemukan"],
    "properties": {
        "ditemukan": {"type": "boolean"},
        "keterangan": {"type": "string", "maxLength": 200},
        "orang": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "nama": {"type": "string", "maxLength": 100},
                "kk": {"type": "string", "pattern": "^[1-9][0-9]{15}$"},
                "nilai": {"type": "number"},
                "alamat": {"type": "object", "required": ["kode"], "properties": {"kode": {"pattern": "^[1-9]"}}},
            },
        },
    },
}
"""An answer that can say what it lacks."""


@pytest.mark.parametrize(
    ("odd", "left", "remark"),
    [
        ({"kk": "0"}, {}, "orang/kk"),
        ({"nama": "X" * 120}, {}, "orang/nama"),
        ({"nilai": Decimal("18446744073709551617")}, {}, "orang/nilai"),
        ({"alamat": {"kode": "0", "jalan": "y"}}, {}, "orang/alamat, orang/alamat/kode"),
        ({"kk": "0", "nama": 7}, {}, "orang/kk, orang/nama"),
    ],
)
async def test_one_odd_element_does_not_void_the_others_and_is_named_without_its_value(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, odd: Document, left: Document, remark: str
):
    desk.apply(a_query_document(answer=REMARKING))
    sound = {"nama": "Rekaan", "kk": "3524010101209001"}
    adapter.answer = {"ditemukan": True, "keterangan": "status ganda", "orang": sound | odd}
    answer = await ask(http)
    rest = {name: value for name, value in sound.items() if name not in odd}
    assert answer.status_code == 200
    assert answer.json() == {
        "ditemukan": True,
        "keterangan": f"status ganda; tidak layak: {remark}",
        "orang": rest | left,
    }


async def test_an_unfit_element_that_the_grant_hides_is_not_named(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    fields = ["/ditemukan", "/keterangan", "/orang/nama"]
    desk.apply(a_query_document(a_grant("dinkes", fields=fields), answer=REMARKING))
    adapter.answer = {"ditemukan": True, "orang": {"nama": "Rekaan", "kk": "0", "nilai": "?"}}
    assert (await ask(http)).json() == {"ditemukan": True, "orang": {"nama": "Rekaan"}}


async def test_an_answer_is_not_handed_out_if_it_could_not_say_what_it_lacks(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    properties = {name: value for name, value in REMARKING["properties"].items() if name != "keterangan"}  # type: ignore[attr-defined]
    desk.apply(a_query_document(answer=REMARKING | {"properties": properties}))
    adapter.answer = {"ditemukan": True, "orang": {"kk": "0"}}
    assert problem(await ask(http)) == (502, "answer-invalid")


@pytest.mark.parametrize(
    "answer", [{"ditemukan": "ya"}, {"orang": {"nama": "Rekaan"}}, {"ditemukan": None, "orang": {}}]
)
async def test_an_answer_that_does_not_say_whether_anybody_was_found_is_not_handed_out(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, answer: Document
):
    desk.apply(a_query_document(answer=REMARKING))
    adapter.answer = answer
    assert problem(await ask(http)) == (502, "answer-invalid")


@pytest.mark.parametrize(
    ("failure", "status"), [(Failure.TRANSIENT, 503), (Failure.SINK_DOWN, 502), (Failure.PERMANENT, 502)]
)
async def test_a_fault_of_the_agency_says_whether_asking_again_helps(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, failure: Failure, status: int
):
    desk.apply(a_query_document())
    adapter.refusal = AgencyFault(failure, "Badan cannot answer", retry_after=30)
    assert (await ask(http)).status_code == status


async def test_an_invalid_answer_is_not_handed_out(desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter):
    desk.apply(a_query_document())
    adapter.answer = {"ditemukan": "ya", "nama": "Rekaan 1"}
    answer = await ask(http)
    assert problem(answer) == (502, "answer-invalid")
    assert "Rekaan" not in answer.text
    assert disclosed(desk) == []


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
    answers = await asyncio.gather(*(ask(http) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [503] * 5
    assert adapter.busiest == 2


async def test_an_operation_of_the_next_version_is_asked_from_its_activation_on(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document(adapters=[]))
    desk.apply(a_query_document(version="1.1.0"))
    assert (await ask(http)).status_code == 200


async def test_a_participant_that_had_its_questions_of_today_leaves_the_agencys_quota_to_others(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document(a_grant("dinkes"), a_grant("bapenda")))
    desk.rooms.limits.register.put("dinkes", {"agency_day": 2}, OPERATOR)
    desk.rooms.limits.refresh()
    answers = [await ask(http) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert problem(answers[-1]) == (429, "limited")
    assert answers[-1].json()["violated-policies"] == ["agency_day"]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 86_400
    assert len(adapter.questions) == 2
    assert (await ask(desk.reader("bapenda", "queries.call"))).status_code == 200


async def test_a_question_that_the_agency_did_not_take_does_not_count(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document())
    desk.rooms.limits.register.put("dinkes", {"agency_day": 1}, OPERATOR)
    desk.rooms.limits.refresh()
    adapter.refusal = AgencyUnavailable("away")
    for _ in range(3):
        assert (await ask(http)).status_code == 503
    adapter.refusal = None
    assert (await ask(http)).status_code == 200
    assert (await ask(http)).status_code == 429


@dataclass
class NotedJobs(Here):
    """Jobs in threads, noted by name."""

    names: list[str] = field(default_factory=list)

    async def run(self, job: Job, *parts: bytes, who: str) -> bytes:
        self.names.append(f"{job.__name__} of {who}")
        return await super().run(job, *parts, who=who)


MANY = [{"nama": f"Rekaan {number}"} for number in range(20_000)]


@pytest.mark.parametrize(
    ("many", "expected"),
    [(MANY, 200), ([*MANY, {"nama": 5}], 502), ([*MANY, {"nama": 2**70}], 502), (MANY[:2], 200)],
    ids=["large", "large and wrong", "no JSON", "small"],
)
async def test_a_large_answer_is_checked_apart_on_the_askers_share(
    bus: Bus, adapter: AnAdapter, many: list[Document], expected: int
):
    jobs = NotedJobs()
    bus.rooms = replace(bus.rooms, heavy=jobs)
    join(bus, adapter)
    row = {"type": "object", "properties": {"nama": {"type": "string"}}}
    answer = {"ditemukan": {"type": "boolean"}, "daftar": {"type": "array", "items": row}}
    bus.apply(a_query_document(answer={"type": "object", "properties": answer, "required": ["ditemukan"]}))
    adapter.answer = {"ditemukan": True, "daftar": many}
    answered = await ask(bus.reader("dinkes", "queries.call"))
    assert answered.status_code == expected
    assert expected != 200 or answered.json() == adapter.answer
    is_apart = len(many) > 2 and many[-1] != {"nama": 2**70}
    assert jobs.names == (["judge_data of dinkes"] if is_apart else [])


async def test_a_question_that_waited_in_vain_for_its_turn_does_not_count(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document())
    adapter.open.clear()
    answers = await asyncio.gather(*(ask(http) for _ in range(8)))
    assert [problem(answer) for answer in answers] == [(503, "agency-unavailable")] * 8
    # Two at once are put. One that began later may come to its turn for a moment, and is put then.
    assert 2 <= len(adapter.questions) < 8
    await until(lambda: counted(desk) == len(adapter.questions))


async def test_a_question_that_is_given_up_while_it_is_counted_does_not_count(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, monkeypatch: pytest.MonkeyPatch
):
    begun, go_on, taken, usual = threading.Event(), threading.Event(), threading.Event(), Ration.take

    def take(ration: Ration, participant: str, agency: str, policy: Policy) -> None:
        begun.set()
        go_on.wait(20)
        usual(ration, participant, agency, policy)
        taken.set()

    monkeypatch.setattr(Ration, "take", take)
    desk.apply(a_query_document())
    asking = asyncio.create_task(ask(http))
    await until(begun.is_set)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    go_on.set()
    await until(taken.is_set)
    await until(lambda: counted(desk) == 0)
    assert adapter.questions == []
