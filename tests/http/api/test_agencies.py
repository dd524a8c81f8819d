"""Agencies over HTTP: the operator sees held deletions and rows set aside, and lets deletions go on."""

import httpx
import pytest

from bus import clock
from bus.agencies import PollFailureKind
from bus.agencies.poll_failure import note_failure
from bus.refusals import Poll
from tests.a_bus import Bus
from tests.agencies.a_polled_agency import CLOSED, POLL, SOURCE, APolledAgency, APolledBus, a_row
from tests.an_actor import OPERATOR
from tests.an_agency import AGENCY
from tests.builders import OWNER, WARGA, a_nik

AGENCIES, REFUSALS = "/v1/agencies", "/v1/refusals"
HUNDRED = [a_row(number) for number in range(1, 101)]


@pytest.fixture
def polled(bus: Bus) -> APolledBus:
    made = APolledBus(bus, APolledAgency())
    made.agree(schema=CLOSED)
    return made


@pytest.fixture
def operator(bus: Bus) -> httpx.AsyncClient:
    return bus.reader("operator", "admin", "contracts.read")


async def test_the_operator_sees_what_is_held_and_lets_it_go_on(
    polled: APolledBus, operator: httpx.AsyncClient
) -> None:
    await polled.step(*HUNDRED)
    await polled.step(*HUNDRED[:3])
    (agency,) = (await operator.get(AGENCIES)).json()["agencies"]
    (poll,) = agency["polls"]
    (held,) = poll["held"]
    assert (agency["agency"], poll["operation"], poll["set_aside"]) == (AGENCY, POLL.name, 0)
    assert (held["source"], held["deletions"], held["known"], held["released"]) == (SOURCE, 97, 100, None)
    answer = await operator.post(f"{AGENCIES}/{AGENCY}/release", params={"operation": POLL.name})
    assert (answer.status_code, answer.json()["released"][0]["deletions"]) == (200, 97)
    assert len(await polled.step()) == 97


async def test_the_status_says_how_an_agency_stands_as_a_whole(polled: APolledBus, operator: httpx.AsyncClient) -> None:
    await polled.step(*HUNDRED)
    await polled.step(*HUNDRED[:3])
    (state,) = (await operator.get("/v1/status")).json()["agency_states"]
    assert (state["agency"], state["state"], state["why"], state["troubled"]) == (AGENCY, "serving", None, True)
    assert (state["held_polls"], state["set_aside"], state["last_failure"]) == (1, 0, None)
    assert state["last_success"]
    rooms = polled.bus.rooms
    rooms.pauses.pause(AGENCY, None, "pemeliharaan", OPERATOR)
    (state,) = (await operator.get("/v1/status")).json()["agency_states"]
    assert (state["state"], state["why"], bool(state["since"])) == ("paused", "pemeliharaan", True)
    text = (await operator.get("/metrics")).text
    assert f'bus_agency_paused{{agency="{AGENCY}"}} 1.0' in text
    assert f'bus_agency_last_success_timestamp_seconds{{agency="{AGENCY}"}}' in text


async def test_a_poll_that_fails_is_told_in_the_list_the_status_and_the_metrics(
    polled: APolledBus, operator: httpx.AsyncClient
) -> None:
    with polled.bus.rooms.storage.write() as transaction:
        poll, detail = Poll(AGENCY, POLL.name), "Badan refuses the account"
        note_failure(transaction, poll, PollFailureKind.DOWN, detail, clock.now_micros())
    (agency,) = (await operator.get(AGENCIES)).json()["agencies"]
    failure = agency["polls"][0]["last_failure"]
    assert (failure["kind"], failure["detail"], failure["in_a_row"]) == ("agency down", "Badan refuses the account", 1)
    status = (await operator.get("/v1/status")).json()
    assert (status["agencies"][0]["troubled"], status["agencies"][0]["last_failure"]) == (True, failure)
    (state,) = status["agency_states"]
    assert (state["troubled"], state["last_failure"]["detail"]) == (True, "Badan refuses the account")
    text = (await operator.get("/metrics")).text
    assert f'bus_poll_failures_in_a_row{{adapter="{AGENCY}",operation="{POLL.name}"}} 1.0' in text


async def test_an_agency_is_told_to_its_own_participant_and_to_no_other(polled: APolledBus) -> None:
    await polled.step(a_row(1))
    (state,) = (await polled.bus.reader("operator", "admin").get("/v1/status")).json()["agency_states"]
    assert state["agency"] == AGENCY
    found = (await polled.bus.reader("bapenda", "events.read").get("/v1/status")).json()
    assert (found["agency_states"], found["agencies"]) == ([], [])


async def test_nothing_is_released_where_nothing_is_held(polled: APolledBus, operator: httpx.AsyncClient) -> None:
    await polled.step(a_row(1))
    for path, status, kind in ((AGENCY, 409, "nothing-held"), ("lain", 404, "no-such-agency")):
        answer = await operator.post(f"{AGENCIES}/{path}/release")
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:bus:problem:{kind}")


@pytest.mark.parametrize(("method", "path"), [("GET", AGENCIES), ("POST", f"{AGENCIES}/{AGENCY}/release")])
async def test_agencies_are_the_operators_alone(bus: Bus, method: str, path: str) -> None:
    answer = await bus.reader(OWNER, "contracts.approve", "contracts.read").request(method, path)
    assert answer.status_code == 403


async def test_rows_set_aside_are_listed_with_their_own_keys(polled: APolledBus, operator: httpx.AsyncClient) -> None:
    await polled.step(a_row(1, "potong\ud83d"), a_row(2, "x" * 30), a_row(3))
    answer = await operator.get(REFUSALS, params={"contract": WARGA})
    rows = answer.json()["set_aside"]
    assert {row["key"]: [(one["rule"], one["pointer"]) for one in row["errors"]] for row in rows} == {
        a_nik(1): [("event-malformed", "/data")],
        a_nik(2): [("maxLength", "/data/nama")],
    }
    assert {(row["adapter"], row["operation"], row["contract"], row["source"]) for row in rows} == {
        (AGENCY, POLL.name, WARGA, SOURCE)
    }
    assert "potong" not in answer.text
    assert (await operator.get(REFUSALS, params={"contract": "lain.lain"})).json()["set_aside"] == []
    assert (await operator.get(REFUSALS, params={"since": "2199-01-01T00:00:00Z"})).json()["set_aside"] == []


@pytest.mark.parametrize(("reader", "sees"), [(AGENCY, True), (OWNER, True), ("bapenda", False)])
async def test_rows_set_aside_are_for_the_adapters_participant_and_the_owner(
    polled: APolledBus, reader: str, sees: bool
) -> None:
    await polled.step(a_row(1, "x" * 30))
    answer = await polled.bus.reader(reader, "contracts.read").get(REFUSALS)
    assert bool(answer.json()["set_aside"]) is sees


async def test_refusals_and_rows_set_aside_are_paged_together(polled: APolledBus, operator: httpx.AsyncClient) -> None:
    await polled.step(*(a_row(number, "x" * 30) for number in range(1, 8)))
    await polled.bus.rooms.recorder.flush()
    keys: list[str] = []
    rules: list[str] = []
    after, pages = "", 0
    while after is not None:
        page = (await operator.get(REFUSALS, params={"limit": 3, "after": after})).json()
        keys += [row["key"] for row in page["set_aside"]]
        rules += [row["rule"] for row in page["refusals"]]
        after, pages = page["next"], pages + 1
    assert (sorted(keys), rules, pages) == ([a_nik(number) for number in range(1, 8)], ["maxLength"], 3)


async def test_an_agency_is_paused_before_its_settings_are_there(operator: httpx.AsyncClient) -> None:
    for params in ({}, {"operation": "ruas-jalan"}):
        answer = await operator.post(
            f"{AGENCIES}/pupr/pause", params=params, json={"reason": "PKS belum ditandatangani"}
        )
        assert answer.status_code == 200, answer.text
    mistyped = await operator.post(f"{AGENCIES}/pupr/pause", params={"operation": "ruas"}, json={"reason": "x"})
    assert (mistyped.status_code, "it has ruas-jalan" in mistyped.text) == (404, True)
    assert (await operator.post(f"{AGENCIES}/puppr/pause", json={"reason": "x"})).status_code == 404
