"""Queries over HTTP: what of an answer is handed out, and what is remembered of it."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from bus.disclosures import Channel, DisclosureLog, Wanted
from bus.heavy import Here, Job
from bus.journal import Persons
from bus.storage import open_storage
from tests.a_bus import Bus
from tests.an_agency import AnAdapter, join
from tests.builders import Document, a_grant
from tests.http.api.queries.a_query import NIK, a_query_document, ask, disclosed, problem

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The edge is the same on both databases; their statements have tests of their own in the rooms."""


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


async def test_a_grant_of_other_rows_does_not_cover_the_answer(desk: Bus, http: httpx.AsyncClient):
    desk.apply(a_query_document(a_grant("dinkes", rows=[{"exact": {"nama": "Rekaan 2"}}])))
    answer = await ask(http)
    assert problem(answer) == (403, "answer-not-granted")
    assert "Rekaan 1" not in answer.text
    assert disclosed(desk) == []


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


async def test_an_invalid_answer_is_not_handed_out(desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter):
    desk.apply(a_query_document())
    adapter.answer = {"ditemukan": "ya", "nama": "Rekaan 1"}
    answer = await ask(http)
    assert problem(answer) == (502, "answer-invalid")
    assert "Rekaan" not in answer.text
    assert disclosed(desk) == []


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
