"""Many questions as a job: progress, answers by today's grant, restarts, and who may read what."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bus.agencies.job_runner import JobRunner
from bus.agencies.jobs import Jobs
from bus.agencies.tables import QUERY_QUESTIONS
from bus.kit import AgencyUnavailable, QuotaExhausted
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.an_agency import AnAdapter
from tests.builders import Document, a_grant, a_nik
from tests.http.api.queries.a_query import ANSWER, NIK, PAST, URL, a_query_document, ask, disclosed, problem, until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The edge is the same on both databases; their statements have tests of their own in the rooms."""

BATCH = f"{URL}/batch"
OWNERS = ["dinkes"] * 3 + ["bapenda"] * 3


@pytest.fixture
async def running(desk: Bus) -> AsyncIterator[asyncio.Task[None]]:
    """The runner of the bus's jobs."""
    task = asyncio.create_task(desk.rooms.job_runner.follow())
    yield task
    task.cancel()
    await asyncio.wait([task])


def some(number: int) -> list[Document]:
    """Questions about different persons, the first about the usual one."""
    return [{"nik": a_nik(one)} for one in range(1, number + 1)]


async def start(http: httpx.AsyncClient, questions: list[Document]) -> str:
    """Start a job; its address."""
    answer = await http.post(BATCH, json={"questions": questions})
    assert answer.status_code == 202, answer.text
    return answer.headers["location"]


async def finished(http: httpx.AsyncClient, job: str, limit: int = 100) -> dict[str, Any]:
    """The job, once it is done, with its first page."""
    return await page_when(http, job, lambda page: page["state"] == "done", limit)


async def page_when(
    http: httpx.AsyncClient, job: str, condition: Callable[[dict[str, Any]], bool], limit: int = 100
) -> dict[str, Any]:
    """The job's first page that fits the condition."""
    async with asyncio.timeout(20):
        while True:
            page: dict[str, Any] = (await http.get(job, params={"limit": limit})).json()
            if condition(page):
                return page
            await asyncio.sleep(0.01)


async def test_questions_are_answered_as_a_job(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, running: asyncio.Task[None]
):
    desk.apply(a_query_document())
    page = await finished(http, await start(http, some(10)))
    assert (page["total"], page["answered"], page["refused"], page["next"]) == (10, 10, 0, None)
    assert page["answers"] == [{"index": number, "answer": ANSWER} for number in range(10)]
    assert sorted(one.data["nik"] for one in adapter.questions) == sorted(one["nik"] for one in some(10))


async def test_progress_is_told_and_answers_come_in_order(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, running: asyncio.Task[None]
):
    desk.apply(a_query_document())
    job = await start(http, some(5))
    await finished(http, job)
    pages, after = [], ""
    while True:
        page = (await http.get(job, params={"after": after, "limit": 2})).json()
        pages.append([one["index"] for one in page["answers"]])
        if page["next"] is None:
            break
        after = page["next"]
    assert pages == [[0, 1], [2, 3], [4]]


async def test_a_page_of_large_answers_takes_no_more_memory_than_one_of_them(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, running: asyncio.Task[None]
):
    desk.apply(a_query_document())
    adapter.answer = ANSWER | {"nama": "x" * 1_500_000}
    job = await start(http, some(7))
    page = await finished(http, job, limit=0)
    told = []
    while page["next"] is not None:
        answer = await http.get(job, params={"after": page["next"], "limit": 200})
        page = answer.json()
        assert 1 <= len(page["answers"]) <= 3
        told += [one["index"] for one in page["answers"]]
    assert told == list(range(7))


async def test_nobody_reads_an_answer_before_its_disclosure_is_written(
    desk: Bus, http: httpx.AsyncClient, running: asyncio.Task[None]
):
    desk.apply(a_query_document())
    job = await start(http, some(2))
    await finished(http, job, limit=0)
    assert disclosed(desk) == []
    await http.get(job)
    assert len(disclosed(desk)) == 1


async def test_an_answer_shows_what_the_grant_gives_when_it_is_read(
    desk: Bus, http: httpx.AsyncClient, running: asyncio.Task[None]
):
    desk.apply(a_query_document())
    job = await start(http, some(1))
    assert (await finished(http, job))["answers"][0]["answer"] == ANSWER
    desk.apply(a_query_document(a_grant("dinkes", fields=["/ditemukan"]), version="1.1.0"))
    assert (await http.get(job)).json()["answers"][0]["answer"] == {"ditemukan": True}


async def test_a_grant_that_ended_since_gives_no_answer(
    desk: Bus, http: httpx.AsyncClient, running: asyncio.Task[None]
):
    desk.apply(a_query_document())
    job = await start(http, some(1))
    await finished(http, job)
    before = disclosed(desk)
    desk.apply(a_query_document(a_grant("dinkes", until=PAST), version="1.1.0"))
    assert problem(await http.get(job)) == (403, "grant-expired")
    assert disclosed(desk) == before


async def test_a_job_is_its_participants_alone(desk: Bus, http: httpx.AsyncClient, running: asyncio.Task[None]):
    desk.apply(a_query_document(a_grant("dinkes"), a_grant("bapenda")))
    job = await start(http, some(1))
    await finished(http, job)
    assert problem(await desk.reader("bapenda", "queries.call").get(job)) == (404, "no-such-job")
    assert problem(await desk.reader("dinkes", "events.read").get(job)) == (403, "scope-missing")


async def test_a_question_that_does_not_fit_is_named_and_none_is_asked(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document())
    answer = await http.post(BATCH, json={"questions": [*some(2), {"nik": "3524"}]})
    assert problem(answer) == (422, "question-invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/questions/2/nik"]
    assert adapter.questions == []


@pytest.mark.parametrize("body", [{}, {"questions": []}, {"questions": {}}, [], {"questions": [{}] * 1001}])
async def test_a_body_without_usable_questions_is_refused(desk: Bus, http: httpx.AsyncClient, body: Any):
    desk.apply(a_query_document())
    assert problem(await http.post(BATCH, json=body)) == (400, "invalid-request")


async def test_a_question_too_large_to_be_asked_live_is_not_asked_by_a_job(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document())
    large = {"nik": NIK, "catatan": "x" * 64 * 1024}
    assert problem(await ask(http, large)) == (413, "document-too-large")
    answer = await http.post(BATCH, json={"questions": [*some(1), large]})
    assert problem(answer) == (400, "invalid-request")
    assert answer.json()["errors"][0]["pointer"] == "/questions/1"


async def test_without_a_grant_there_is_no_job(desk: Bus):
    desk.apply(a_query_document())
    answer = await desk.reader("bapenda", "queries.call").post(BATCH, json={"questions": some(1)})
    assert problem(answer) == (403, "not-granted")


async def test_what_the_agency_refuses_is_told_for_its_question(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, running: asyncio.Task[None]
):
    desk.apply(a_query_document())
    adapter.refusal = QuotaExhausted("try again tomorrow")
    page = await finished(http, await start(http, some(2)))
    assert (page["answered"], page["refused"]) == (0, 2)
    assert {one["problem"]["type"] for one in page["answers"]} == {"urn:bus:problem:agency-quota-exhausted"}


async def test_an_agency_that_is_away_for_a_moment_is_asked_again(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, running: asyncio.Task[None]
):
    desk.apply(a_query_document())
    adapter.refusal = AgencyUnavailable("away", headers={"Retry-After": "0"})
    job = await start(http, some(1))
    await until(lambda: bool(adapter.questions))
    adapter.refusal = None
    assert (await finished(http, job))["answers"] == [{"index": 0, "answer": ANSWER}]


async def test_a_job_goes_on_after_a_restart(desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter):
    desk.apply(a_query_document())
    job = await start(http, some(6))
    first = asyncio.create_task(desk.rooms.job_runner.follow())
    await page_when(http, job, lambda page: page["answered"] >= 4, limit=0)
    first.cancel()
    await asyncio.wait([first])
    rooms = desk.rooms
    second = asyncio.create_task(JobRunner(Jobs(rooms.storage, rooms.keys), rooms.queries, rooms.participants).follow())
    page = await finished(http, job)
    second.cancel()
    await asyncio.wait([second])
    assert page["answered"] == 6


@pytest.mark.parametrize("is_revoked", [True, False], ids=["revoked", "without-the-scope"])
async def test_a_client_that_may_not_ask_any_more_asks_nothing_by_its_jobs(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, is_revoked: bool
):
    desk.apply(a_query_document())
    job = await start(http, some(6))
    client = desk.rooms.jobs.read(job.rpartition("/")[2], "dinkes").client_id
    if is_revoked:
        desk.rooms.participants.revoke_client("dinkes", client, OPERATOR)
    else:
        desk.rooms.participants.update_client("dinkes", client, ["events.read"], by=OPERATOR)
    runner = asyncio.create_task(desk.rooms.job_runner.follow())
    page = await finished(desk.reader("dinkes", "queries.call"), job)
    runner.cancel()
    await asyncio.wait([runner])
    assert {one["problem"]["type"] for one in page["answers"]} == {"urn:bus:problem:client-may-not-ask"}
    assert (page["refused"], adapter.questions) == (6, [])


async def test_questions_and_answers_rest_encrypted(desk: Bus, http: httpx.AsyncClient, running: asyncio.Task[None]):
    desk.apply(a_query_document())
    await finished(http, await start(http, some(1)))
    with desk.rooms.storage.read() as transaction:
        (row,) = transaction.rows(sa.select(QUERY_QUESTIONS.c.question, QUERY_QUESTIONS.c.content))
    assert NIK not in f"{row.question} {row.content}"
    assert "Rekaan" not in row.content


async def test_a_participant_has_only_so_many_jobs(desk: Bus, http: httpx.AsyncClient):
    desk.apply(a_query_document())
    for _ in range(3):
        await start(http, some(1))
    answer = await http.post(BATCH, json={"questions": some(1)})
    assert problem(answer) == (429, "too-many-jobs")
    assert answer.headers["retry-after"] == "60"


async def test_long_jobs_do_not_hold_up_the_short_job_of_somebody_else(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document(a_grant("dinkes"), a_grant("bapenda"), a_grant("dukcapil")))
    long = [await start(one, some(200)) for one in (http, desk.reader("bapenda", "queries.call")) for _ in range(3)]
    last = desk.reader("dukcapil", "queries.call")
    short = await start(last, some(1))
    rooms = desk.rooms
    runner = asyncio.create_task(JobRunner(rooms.jobs, rooms.queries, rooms.participants, slice_seconds=0.05).follow())
    await finished(last, short)
    states = [desk.rooms.jobs.read(one.rpartition("/")[2], who).done_at for one, who in zip(long, OWNERS, strict=True)]
    runner.cancel()
    await asyncio.wait([runner])
    assert states == [None] * 6


async def test_one_question_is_a_job_if_its_asker_prefers_that(
    desk: Bus, http: httpx.AsyncClient, running: asyncio.Task[None]
):
    desk.apply(a_query_document())
    answer = await http.post(URL, json={"nik": NIK}, headers={"prefer": "wait=1, Respond-Async"})
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")
    page = await finished(http, answer.headers["location"])
    assert page["answers"] == [{"index": 0, "answer": ANSWER}]


async def test_other_preferences_are_answered_at_once(desk: Bus, http: httpx.AsyncClient):
    desk.apply(a_query_document())
    assert (await http.post(URL, json={"nik": NIK}, headers={"prefer": "return=minimal"})).json() == ANSWER
    assert (await ask(http)).json() == ANSWER


async def test_answers_are_kept_for_an_hour(desk: Bus, http: httpx.AsyncClient, running: asyncio.Task[None]):
    desk.apply(a_query_document())
    job = await start(http, some(1))
    page = await finished(http, job)
    done, until = (datetime.fromisoformat(page[name]) for name in ("done_at", "kept_until"))
    assert until - done == timedelta(hours=1)
    rooms = desk.rooms
    Jobs(rooms.storage, rooms.keys, lambda: datetime.now(UTC) + timedelta(minutes=59)).delete_old()
    assert (await http.get(job)).status_code == 200
    Jobs(rooms.storage, rooms.keys, lambda: datetime.now(UTC) + timedelta(minutes=61)).delete_old()
    assert problem(await http.get(job)) == (404, "no-such-job")
    with rooms.storage.read() as transaction:
        assert transaction.rows(sa.select(QUERY_QUESTIONS.c.job)) == []


async def test_questions_are_not_asked_whose_answers_the_bus_would_not_keep(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter, monkeypatch: pytest.MonkeyPatch
):
    desk.apply(a_query_document())
    job = await start(http, some(6))
    monkeypatch.setattr("bus.agencies.jobs.MOST_KEPT_CHARACTERS", 1)
    runner = asyncio.create_task(desk.rooms.job_runner.follow())
    page = await finished(http, job)
    runner.cancel()
    await asyncio.wait([runner])
    assert {one["problem"]["type"] for one in page["answers"]} == {"urn:bus:problem:too-many-answers"}
    assert adapter.questions == []
