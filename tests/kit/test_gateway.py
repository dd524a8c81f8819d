import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
import respx

from bus.kit import AgencyFault, Failure
from bus.kit.gateway import Gateway, SplpSettings, make_gateway_fault
from bus.kit.waiting import read_next_access
from tests import no_tls

BASE = "https://splp.example"
AT = datetime(2026, 11, 24, 5, 42, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def settings(**changes):
    return SplpSettings(base_url=BASE, **{"consumer_key": "kunci", "consumer_secret": "rahasia", **changes})


def a_gateway(*, clock=None, token_header="authorization", **changes):
    http = no_tls.AsyncClient(base_url=BASE)
    return Gateway(http, settings(**changes), token_header=token_header, clock=clock or Clock())


@pytest.fixture
def splp():
    with respx.mock(base_url=BASE, assert_all_called=False) as mock:
        yield mock


def tokens(splp, *names, lifetime=3600):
    left = iter(names)

    async def issue(request):
        await asyncio.sleep(0)  # as on a real wire, other tasks run meanwhile
        return httpx.Response(200, json={"access_token": next(left), "expires_in": lifetime})

    return splp.post("/oauth2/token").mock(side_effect=issue)


def an_api(splp, *answers):
    return splp.get("/api/1.0/daftar").mock(side_effect=answers or [httpx.Response(200, json={})] * 50)


def refused(code="900901"):
    return httpx.Response(401, json={"code": code, "message": "Invalid Credentials", "description": "…"})


def bearers(route, header="authorization"):
    return [call.request.headers[header] for call in route.calls]


async def test_a_call_carries_the_applications_token(splp):
    token = tokens(splp, "t1")
    api = an_api(splp)
    await a_gateway().call("GET", "api/1.0/daftar")
    assert bearers(token) == ["Basic a3VuY2k6cmFoYXNpYQ=="]
    assert bearers(api) == ["Bearer t1"]


async def test_a_tenants_api_is_called_below_the_tenant(splp):
    tokens(splp, "t1")
    api = splp.get("/t/lamongankab.go.id/api/1.0/daftar").respond(json={})
    await a_gateway(tenant="lamongankab.go.id").call("GET", "api/1.0/daftar")
    assert api.called


async def test_an_api_may_want_the_token_in_a_header_of_its_own(splp):
    tokens(splp, "t1")
    api = an_api(splp)
    await a_gateway(token_header="auth").call("GET", "api/1.0/daftar")
    assert bearers(api, "auth") == ["Bearer t1"]


async def test_calls_share_a_token(splp):
    token = tokens(splp, "t1")
    an_api(splp)
    gateway = a_gateway()
    for _ in range(3):
        await gateway.call("GET", "api/1.0/daftar")
    assert token.call_count == 1


async def test_calls_at_once_fetch_one_token(splp):
    token = tokens(splp, *(f"t{number}" for number in range(20)))
    an_api(splp)
    gateway = a_gateway()
    await asyncio.gather(*(gateway.call("GET", "api/1.0/daftar") for _ in range(20)))
    assert token.call_count == 1


async def test_a_token_is_renewed_before_its_end(splp):
    clock = Clock()
    tokens(splp, "t1", "t2", lifetime=100)
    api = an_api(splp)
    gateway = a_gateway(clock=clock)
    for clock.seconds in (0, 69, 70):
        await gateway.call("GET", "api/1.0/daftar")
    assert bearers(api) == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_a_revoked_token_is_renewed_and_the_call_made_again(splp):
    tokens(splp, "t1", "t2")
    api = an_api(splp, refused(), httpx.Response(200, json={"ok": 1}))
    response = await a_gateway().call("GET", "api/1.0/daftar")
    assert response.json() == {"ok": 1}
    assert bearers(api) == ["Bearer t1", "Bearer t2"]


async def test_many_calls_with_a_revoked_token_renew_it_once(splp):
    token = tokens(splp, "t1", "t2", "t3")

    def api(request):
        return refused() if request.headers["authorization"] == "Bearer t1" else httpx.Response(200, json={})

    splp.get("/api/1.0/daftar").mock(side_effect=api)
    gateway = a_gateway()
    await asyncio.gather(*(gateway.call("GET", "api/1.0/daftar") for _ in range(20)))
    assert token.call_count == 2


async def test_a_fresh_token_that_is_refused_too_ends_the_tries(splp):
    tokens(splp, "t1", "t2")
    api = an_api(splp, refused(), refused())
    with pytest.raises(AgencyFault) as caught:
        await a_gateway().call("GET", "api/1.0/daftar")
    assert caught.value.failure is Failure.SINK_DOWN
    assert api.call_count == 2


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), Failure.SINK_DOWN),
        (httpx.Response(400, json={"error": "invalid_request"}), Failure.SINK_DOWN),
        (httpx.Response(503), Failure.TRANSIENT),
        (httpx.Response(200, text="<html>"), Failure.TRANSIENT),
        (httpx.Response(200, json={"token": "x"}), Failure.TRANSIENT),
        (httpx.Response(200, json={"access_token": "x", "expires_in": "soon"}), Failure.TRANSIENT),
        (httpx.ConnectTimeout("…"), Failure.TRANSIENT),
        (httpx.ConnectError("…"), Failure.TRANSIENT),
    ],
)
async def test_a_token_endpoint_that_gives_no_token_is_a_fault(splp, answer, failure):
    splp.post("/oauth2/token").mock(side_effect=[answer])
    with pytest.raises(AgencyFault) as caught:
        await a_gateway().call("GET", "api/1.0/daftar")
    assert caught.value.failure is failure
    assert "rahasia" not in caught.value.detail


async def test_after_a_fault_the_next_call_asks_for_a_token_again(splp):
    good = httpx.Response(200, json={"access_token": "t1", "expires_in": "3600 "})
    splp.post("/oauth2/token").mock(side_effect=[httpx.Response(503), good])
    api = an_api(splp)
    gateway = a_gateway()
    with pytest.raises(AgencyFault):
        await gateway.call("GET", "api/1.0/daftar")
    await gateway.call("GET", "api/1.0/daftar")
    assert bearers(api) == ["Bearer t1"]


@pytest.mark.parametrize("error", [httpx.ReadTimeout("…"), httpx.RemoteProtocolError("…"), httpx.ConnectError("…")])
async def test_a_call_without_an_answer_is_transient(splp, error):
    tokens(splp, "t1")
    an_api(splp, error)
    with pytest.raises(AgencyFault) as caught:
        await a_gateway().call("GET", "api/1.0/daftar")
    assert caught.value.failure is Failure.TRANSIENT
    assert "t1" not in caught.value.detail


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (401, "900901", Failure.SINK_DOWN),
        (401, "900902", Failure.SINK_DOWN),
        (403, "900908", Failure.SINK_DOWN),
        (500, "900900", Failure.TRANSIENT),
        (429, "900800", Failure.TRANSIENT),
        (429, "900802", Failure.TRANSIENT),
        (503, "303001", Failure.SINK_DOWN),
        (503, "101503", Failure.TRANSIENT),
        (504, "101504", Failure.TRANSIENT),
        (500, "999999", Failure.TRANSIENT),
        (422, "999999", Failure.PERMANENT),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        '{{"code":"{0}","message":"m","description":"d"}}',
        '{{"fault": {{"code": {0}, "message": "m"}}}}',
        '<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>{0}</ams:code></ams:fault>',
    ],
)
def test_the_gateways_code_says_what_kind_of_fault_it_is(status, code, failure, form):
    fault = make_gateway_fault(httpx.Response(status, text=form.format(code)), AT)
    assert (fault.failure, fault.status) == (failure, status)


@pytest.mark.parametrize(
    ("next_access", "seconds"),
    [
        ("2026-Nov-24 05:43:00+0000 UTC", 60.0),
        ("2026-Nov-24 12:43:00+0700 WIB", None),
        ("2026-Nov-24 05:41:00+0000 UTC", 0.0),
        (str(int((AT + timedelta(minutes=2)).timestamp() * 1000)), 120.0),
        ("2036-Nov-24 05:43:00+0000 UTC", 86400.0),
        ("", None),
        ("besok", None),
    ],
)
def test_the_next_access_time_is_read_in_both_forms(next_access, seconds):
    assert read_next_access(next_access, AT) == seconds


def test_a_throttled_call_says_how_long_to_wait():
    body = {"code": "900802", "message": "throttled out", "nextAccessTime": "2026-Nov-24 05:43:30+0000 UTC"}
    assert make_gateway_fault(httpx.Response(429, json=body), AT).retry_after == 90.0


def test_retry_after_is_believed_first():
    fault = make_gateway_fault(httpx.Response(429, headers={"retry-after": "7"}, json={"code": "900802"}), AT)
    assert fault.retry_after == 7.0


def test_the_settings_hide_the_secret():
    assert "rahasia" not in repr(settings())


@pytest.mark.parametrize("lifetime", [1e300, 10**15, "1e300"])
async def test_a_token_that_is_said_to_live_for_ever_is_renewed_after_a_day(splp, lifetime):
    clock = Clock()
    tokens(splp, "t1", "t2", lifetime=lifetime)
    api = an_api(splp)
    gateway = a_gateway(clock=clock)
    for clock.seconds in (0, 86_369, 86_370):
        await gateway.call("GET", "api/1.0/daftar")
    assert bearers(api) == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_a_token_with_which_a_call_could_not_be_sent_is_not_used_again(splp):
    tokens(splp, "t1", "t2")
    api = an_api(splp, httpx.LocalProtocolError("Illegal header value"), httpx.Response(200, json={}))
    gateway = a_gateway()
    with pytest.raises(AgencyFault):
        await gateway.call("GET", "api/1.0/daftar")
    await gateway.call("GET", "api/1.0/daftar")
    assert bearers(api) == ["Bearer t1", "Bearer t2"]


AT_200 = [
    {"json": {"fault": {"code": 303001, "message": "Suspended"}}},
    {"json": {"code": "303001", "message": "Suspended", "description": "…"}},
    {"text": '<?xml version="1.0"?><am:fault xmlns:am="x"><am:code>303001</am:code></am:fault>'},
]


@pytest.mark.parametrize("body", AT_200)
@pytest.mark.parametrize("status", [200, 202])
async def test_a_fault_of_the_gateway_at_http_200_is_a_fault(splp, body, status):
    tokens(splp, "t1")
    an_api(splp, httpx.Response(status, **body))
    with pytest.raises(AgencyFault) as caught:
        await a_gateway().call("GET", "api/1.0/daftar")
    assert (caught.value.failure, caught.value.status) == (Failure.SINK_DOWN, status)


async def test_a_fault_without_a_known_code_at_http_200_is_tried_again(splp):
    tokens(splp, "t1")
    an_api(splp, httpx.Response(200, json={"fault": {"message": "?"}}))
    with pytest.raises(AgencyFault) as caught:
        await a_gateway().call("GET", "api/1.0/daftar")
    assert caught.value.failure is Failure.TRANSIENT


async def test_a_token_that_is_refused_at_http_200_is_renewed(splp):
    tokens(splp, "t1", "t2")
    api = an_api(splp, httpx.Response(200, json={"fault": {"code": 900901, "message": "x"}}), httpx.Response(200))
    await a_gateway().call("GET", "api/1.0/daftar")
    assert bearers(api) == ["Bearer t1", "Bearer t2"]


@pytest.mark.parametrize(
    "answer",
    [
        {"data": [{"code": "303001", "message": "kode wilayah"}]},
        {"code": "352401", "message": "kode wilayah"},
        {"fault": "tidak ada"},
        {"message": "900901"},
        {"data": [], "code": "303001"},
    ],
)
async def test_an_answer_of_the_api_that_only_looks_like_a_fault_is_an_answer(splp, answer):
    tokens(splp, "t1")
    an_api(splp, httpx.Response(200, json=answer))
    assert (await a_gateway().call("GET", "api/1.0/daftar")).json() == answer


async def test_a_status_that_the_caller_reads_itself_is_returned_unless_the_gateway_says_it(splp):
    tokens(splp, "t1")
    own = {"code": "404", "type": "Status report", "message": "Not Found", "description": "not available"}
    an_api(splp, httpx.Response(404, json={"pesan": "tidak ada"}), httpx.Response(404, json=own))
    gateway = a_gateway()
    assert (await gateway.call("GET", "api/1.0/daftar", also=(404,))).status_code == 404
    with pytest.raises(AgencyFault) as caught:
        await gateway.call("GET", "api/1.0/daftar", also=(404,))
    assert caught.value.failure is Failure.SINK_DOWN


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
async def test_a_refused_secret_at_http_200_stops_the_queue(splp, error):
    splp.post("/oauth2/token").respond(json={"error": error})
    with pytest.raises(AgencyFault) as caught:
        await a_gateway().call("GET", "api/1.0/daftar")
    assert caught.value.failure is Failure.SINK_DOWN


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("700700", Failure.SINK_DOWN),
        ("900803", Failure.TRANSIENT),
        ("900805", Failure.SINK_DOWN),
        ("900807", Failure.TRANSIENT),
        ("900906", Failure.SINK_DOWN),
        ("900909", Failure.SINK_DOWN),
        ("101500", Failure.TRANSIENT),
        ("101510", Failure.TRANSIENT),
        ("303100", Failure.SINK_DOWN),
    ],
)
def test_each_documented_code_has_its_class(code, failure):
    assert make_gateway_fault(httpx.Response(200, json={"code": code}), AT).failure is failure


def test_a_throttled_call_is_told_when_by_an_http_date():
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    fault = make_gateway_fault(httpx.Response(503, headers={"retry-after": date}), AT)
    assert 3000 < fault.retry_after <= 3600
