"""What every simulator has beside the agency's API: faults, a log of requests, its state, and a page."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import Request

from bus.kit import MOST_BYTES, OUTAGES, SimulatedFaults, make_simulator_app
from tests import no_tls
from tests.services.waiting import until


class Agency:
    """An agency that keeps texts, as an application and a client in this process."""

    def __init__(self, *faults: str) -> None:
        self.held: list[str] = []
        known = {**OUTAGES, "refused": "refuses each text", "quota": "the agency's own: at HTTP 200"}
        live = SimulatedFaults(known, faults)
        self.app = make_simulator_app("Uji", live, self.held, lambda: {"texts": self.held})
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://uji.test")

        @self.app.post("/texts")
        async def keep(request: Request) -> dict[str, Any]:
            """Keep a text."""
            if "refused" in live:
                return {"ok": False, "why": "ditolak"}
            if "quota" in live:
                return {"ok": False, "why": "kuota"}
            self.held.append((await request.body()).decode())
            return {"ok": True, "number": len(self.held)}

    async def post(self, text: str = "a", **more: Any) -> httpx.Response:
        return await self.http.post("/texts", content=text, **more)

    async def control(self, method: str, path: str, **more: Any) -> Any:
        answer = await self.http.request(method, f"/_simulator/{path}", **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


async def nothing(*message: Any) -> Any:
    """Neither a request nor an answer."""


async def test_a_fault_is_switched_on_and_off_while_it_runs() -> None:
    agency = Agency()
    await agency.control("POST", "faults", json={"name": "refused"})
    assert (await agency.post()).json()["ok"] is False
    await agency.control("DELETE", "faults", params={"name": "refused"})
    assert (await agency.post()).json()["ok"] is True


async def test_it_shows_which_faults_are_on_with_what_is_left_of_them() -> None:
    agency = Agency("down:count=3")
    await agency.post()
    shown = await agency.control("GET", "faults")
    assert [(fault["name"], fault["count"]) for fault in shown["on"]] == [("down", 2)]
    assert shown["known"]["refused"] == "refuses each text"


async def test_an_unknown_fault_is_refused_as_a_problem() -> None:
    answer = await Agency().http.post("/_simulator/faults", json={"name": "donw"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "did you mean 'down'" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("fault", "status"), [("down", 503), ("error", 500), ("expired-token", 401), ("garbage", 200), ("huge", 200)]
)
async def test_an_outage_answers_in_place_of_the_agency(fault: str, status: int) -> None:
    agency = Agency(fault)
    answer = await agency.post()
    assert (answer.status_code, agency.held) == (status, [])
    assert (len(answer.content) > MOST_BYTES) == (fault == "huge")


async def test_the_agency_s_own_fault_takes_the_place_of_the_outage_of_its_name() -> None:
    assert (await Agency("quota").post()).json() == {"ok": False, "why": "kuota"}


@pytest.mark.parametrize(("fault", "seconds"), [("down", "7"), ("down", None)])
async def test_an_outage_says_how_long_to_wait(fault: str, seconds: str | None) -> None:
    answer = await Agency(fault if seconds is None else f"{fault}:seconds={seconds}").post()
    assert answer.headers["retry-after"] == (seconds or "30")


async def test_an_answer_is_late_by_the_latency() -> None:
    begun = time.monotonic()
    assert (await Agency("latency:seconds=0.2").post()).is_success
    assert time.monotonic() - begun >= 0.2


async def test_a_cut_answer_is_half_of_what_the_agency_answers_and_the_agency_acted() -> None:
    agency = Agency("cut")
    answer = await agency.post()
    assert answer.text == '{"ok":true,'
    assert agency.held == ["a"]


async def test_the_log_has_each_request_with_its_status_and_its_body_only_if_asked() -> None:
    agency = Agency("down:count=1")
    await agency.post("satu")
    await agency.post("dua")
    logged = (await agency.control("GET", "requests"))["requests"]
    assert [(one["method"], one["path"], one["status"]) for one in logged] == [
        ("POST", "/texts", s) for s in (503, 200)
    ]
    assert "body" not in logged[0]
    logged = (await agency.control("GET", "requests", params={"bodies": "true"}))["requests"]
    assert logged[1]["body"] == "dua"


async def test_the_log_forgets_and_is_bounded() -> None:
    agency = Agency()
    await agency.post("x" * 100_000)
    (logged,) = (await agency.control("GET", "requests", params={"bodies": "true"}))["requests"]
    assert len(logged["body"]) == 4096
    await agency.control("DELETE", "requests")
    assert (await agency.control("GET", "requests"))["requests"] == []
    for number in range(1001):
        scope = {"query_string": b"", "method": "GET", "path": f"/{number}"}
        agency.app.requests.follow(scope, nothing, nothing)
    logged = (await agency.control("GET", "requests"))["requests"]
    assert (len(logged), logged[0]["path"]) == (1000, "/1")


@pytest.mark.parametrize(
    "body",
    [
        '{"nik": "terlihat", "PASSWORD": "rahasia-1", "apikey" : "rahasia-1"}',
        '{"nik": "terlihat", "token": "rahasia-1 yang terpotong',
        "nik=terlihat&token=rahasia-1&client_secret=rahasia-1",
        '<lapor token="rahasia-1"><isi>terlihat</isi></lapor>',
    ],
)
async def test_the_log_hides_secrets(body: str) -> None:
    agency = Agency()
    await agency.post(body, params={"token": "rahasia-1", "tahun": "2026"}, headers={"authorization": "rahasia-1"})
    (logged,) = (await agency.control("GET", "requests", params={"bodies": "true"}))["requests"]
    assert logged["query"]["tahun"] == "2026"
    assert "terlihat" in logged["body"]
    assert "rahasia-1" not in str(logged)


async def test_the_state_is_what_the_agency_holds_now() -> None:
    agency = Agency()
    await agency.post("satu")
    assert await agency.control("GET", "state") == {"state": {"texts": ["satu"]}}


async def test_its_page_and_openapi_name_its_operations_and_faults() -> None:
    agency = Agency("down")
    page = (await agency.http.get("/_simulator")).text
    assert "POST /texts" in page
    assert "GET /_simulator" not in page
    assert "refuses each text" in page
    described = await agency.control("GET", "openapi.json")
    assert "/texts" in described["paths"]
    settings = described["components"]["schemas"]["SimulatedFault"]["properties"]
    assert all(one["description"] for one in settings.values())


@pytest.fixture
def served() -> Iterator[tuple[Agency, str]]:
    """An agency behind a server, with its address."""
    agency = Agency()
    server = uvicorn.Server(uvicorn.Config(agency.app, log_config=None, access_log=False, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until(lambda: server.started)
        yield agency, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.mark.process
@pytest.mark.parametrize(
    ("fault", "held", "said"),
    [
        ("drop", [], "disconnected without sending a response"),
        ("drop-answer", ["a"], "disconnected without sending a response"),
        ("drop-midway", ["a"], "without sending complete message body"),
    ],
)
def test_a_dropped_connection_is_closed_before_or_within_the_answer(
    served: tuple[Agency, str], fault: str, held: list[str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    agency, address = served
    no_tls.post(f"{address}/_simulator/faults", json={"name": fault, "count": 1})
    caplog.set_level("WARNING")
    with pytest.raises(httpx.RemoteProtocolError, match=said):
        no_tls.post(f"{address}/texts", content="a")
    assert agency.held == held
    assert no_tls.post(f"{address}/texts", content="b").is_success
    # The server has nothing to complain about: the connection is gone before the application returns.
    assert caplog.records == []


@pytest.mark.process
def test_a_caller_that_gave_up_is_no_error(served: tuple[Agency, str], caplog: pytest.LogCaptureFixture) -> None:
    agency, address = served
    no_tls.post(f"{address}/_simulator/faults", json={"name": "latency", "seconds": 0.3, "count": 1})
    with pytest.raises(httpx.ReadTimeout):
        no_tls.post(f"{address}/texts", content="a", timeout=0.05)
    # The next request is answered after the first one, which the agency gave up.
    time.sleep(0.3)
    assert no_tls.post(f"{address}/texts", content="b").is_success
    assert (agency.held, caplog.records) == (["b"], [])


async def test_a_dropped_connection_looks_the_same_in_one_process() -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await Agency("drop").post()
