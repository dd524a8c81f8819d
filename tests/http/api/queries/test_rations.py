"""Queries over HTTP: which questions count in a participant's share of the agency's quota."""

import asyncio
import threading

import httpx
import pytest
import sqlalchemy as sa

from bus.kit import AgencyUnavailable
from bus.limits import Policy, Ration
from bus.limits.tables import QUESTIONS_ASKED
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.an_agency import AnAdapter
from tests.builders import a_grant, a_nik
from tests.http.api.queries.a_query import a_query_document, ask, problem, until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The edge is the same on both databases; their statements have tests of their own in the rooms."""


def counted(desk: Bus) -> int:
    """The questions of today that count."""
    with desk.rooms.storage.read() as transaction:
        return transaction.value(sa.select(sa.func.sum(QUESTIONS_ASKED.c.asked))) or 0


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


async def test_a_question_that_waited_in_vain_for_its_turn_does_not_count(
    desk: Bus, http: httpx.AsyncClient, adapter: AnAdapter
):
    desk.apply(a_query_document())
    adapter.open.clear()
    answers = await asyncio.gather(*(ask(http, {"nik": a_nik(number)}) for number in range(1, 9)))
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
