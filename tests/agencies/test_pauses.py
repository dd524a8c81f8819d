"""An agency that the operator paused is left in peace, and what waited for it goes afterwards."""

import httpx
import pytest

from bus.agencies.pauses import AgencyPaused, NotPaused, PauseReasonInvalid, Pauses
from bus.kit import Does
from bus.storage import Storage
from tests.a_bus import Bus
from tests.agencies.a_polled_agency import CLOSED, POLL, APolledAgency, APolledBus, a_row
from tests.an_actor import OPERATOR
from tests.an_agency import AGENCY, ASK, TAKE, AnAdapter, agencies_with, join
from tests.http.api.queries.a_query import a_query_document, ask, problem

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def pauses(storage: Storage) -> Pauses:
    return Pauses(storage)


def test_a_pause_of_an_agency_covers_all_its_operations(pauses: Pauses) -> None:
    pauses.pause(AGENCY, None, "pemeliharaan", OPERATOR)
    found = pauses.find(AGENCY, ASK)
    assert found is not None
    assert (found.reason, found.by) == ("pemeliharaan", OPERATOR.participant)
    assert pauses.find("lain", ASK) is None


def test_a_pause_of_one_operation_leaves_the_others(pauses: Pauses) -> None:
    pauses.pause(AGENCY, TAKE, "pemeliharaan", OPERATOR)
    assert [pauses.find(AGENCY, name) is None for name in (TAKE, ASK)] == [False, True]


def test_another_process_follows_after_a_refresh(pauses: Pauses, storage: Storage) -> None:
    other = Pauses(storage)
    pauses.pause(AGENCY, None, "pemeliharaan", OPERATOR)
    assert other.find(AGENCY, ASK) is None
    other.refresh()
    assert other.find(AGENCY, ASK) is not None
    pauses.resume(AGENCY, None, OPERATOR)
    other.refresh()
    assert other.find(AGENCY, ASK) is None


def test_a_second_pause_gives_another_reason(pauses: Pauses) -> None:
    pauses.pause(AGENCY, None, "pemeliharaan", OPERATOR)
    pauses.pause(AGENCY, None, "gangguan", OPERATOR)
    assert [one.reason for one in pauses.list()] == ["gangguan"]


def test_what_is_not_paused_so_is_not_resumed(pauses: Pauses) -> None:
    pauses.pause(AGENCY, TAKE, "pemeliharaan", OPERATOR)
    with pytest.raises(NotPaused):
        pauses.resume(AGENCY, None, OPERATOR)


@pytest.mark.parametrize("reason", ["", "  ", "satu\ndua", "x" * 501])
def test_a_reason_is_a_line_that_others_can_read(pauses: Pauses, reason: str) -> None:
    with pytest.raises(PauseReasonInvalid):
        pauses.pause(AGENCY, None, reason, OPERATOR)


@on_sqlite
async def test_a_paused_agency_is_not_polled_and_afterwards_nothing_is_missing(bus: Bus) -> None:
    polled = APolledBus(bus, APolledAgency())
    polled.agree(schema=CLOSED)
    bus.rooms.pauses.pause(AGENCY, POLL.name, "pemeliharaan", OPERATOR)
    with pytest.raises(AgencyPaused):
        await polled.step(a_row(1))
    assert polled.agency.polls == 0
    bus.rooms.pauses.resume(AGENCY, POLL.name, OPERATOR)
    assert len(await polled.step(a_row(1))) == 1


@on_sqlite
async def test_a_paused_agency_is_asked_nothing_and_the_asker_reads_the_reason(bus: Bus) -> None:
    adapter = AnAdapter()
    join(bus, adapter)
    bus.apply(a_query_document())
    bus.rooms.pauses.pause(AGENCY, None, "pemeliharaan SPLP", OPERATOR)
    http = bus.reader("dinkes", "queries.call")
    answer = await ask(http)
    assert problem(answer) == (503, "agency-paused")
    assert "pemeliharaan SPLP" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "60"
    assert adapter.questions == []
    bus.rooms.pauses.resume(AGENCY, None, OPERATOR)
    assert (await ask(http)).status_code == 200


@on_sqlite
async def test_the_operator_pauses_and_resumes_over_http(bus: Bus) -> None:
    join(bus, AnAdapter())
    http = bus.reader("operator", "admin")
    answer = await http.post(f"/v1/agencies/{AGENCY}/pause", params={"operation": ASK}, json={"reason": "pemeliharaan"})
    assert answer.status_code == 200, answer.text
    assert [(one["operation"], one["reason"]) for one in answer.json()["pauses"]] == [(ASK, "pemeliharaan")]
    listed = (await http.get("/v1/agencies")).json()["agencies"]
    assert [(one["agency"], one["quota"], len(one["pauses"])) for one in listed] == [(AGENCY, None, 1)]
    told = (await http.get("/v1/status")).json()["pauses"]
    assert [(one["agency"], one["operation"], one["reason"]) for one in told] == [(AGENCY, ASK, "pemeliharaan")]
    answer = await http.post(f"/v1/agencies/{AGENCY}/resume", params={"operation": ASK})
    assert (answer.status_code, answer.json()["pauses"]) == (200, [])
    assert problem(await http.post(f"/v1/agencies/{AGENCY}/resume")) == (409, "agency-not-paused")


@on_sqlite
@pytest.mark.parametrize(("path", "operation"), [("lain", None), (AGENCY, "lain")])
async def test_a_pause_of_something_unknown_is_refused(bus: Bus, path: str, operation: str | None) -> None:
    join(bus, AnAdapter())
    params = {} if operation is None else {"operation": operation}
    http: httpx.AsyncClient = bus.reader("operator", "admin")
    answer = await http.post(f"/v1/agencies/{path}/pause", params=params, json={"reason": "pemeliharaan"})
    assert problem(answer) == (404, "no-such-agency")


def test_the_registry_knows_what_is_paused(pauses: Pauses) -> None:
    agencies = agencies_with(AnAdapter(), pauses)
    pauses.pause(AGENCY, TAKE, "pemeliharaan", OPERATOR)
    assert agencies.find_operation(AGENCY, TAKE, Does.DELIVER) is not None
    assert agencies.find_pause(AGENCY, TAKE) is not None
    agencies.check_not_paused(AGENCY, ASK)
    with pytest.raises(AgencyPaused):
        agencies.check_not_paused(AGENCY, TAKE)
