"""Deliveries of a declared adapter: what is sent, and what answers mean."""

from typing import Any

import httpx
import pytest

from bus.kit import DELIVERED, AgencyFault, Failure
from tests.declared.a_declared_agency import AnAgency, a_declaration, a_delivery, an_event

OK = {"when": 'status = "ok"', "means": "success"}
BATCH = {
    "most": 10,
    "results": '$map(hasil, function($h) {$h.ok ? {"means": "success"} : {"means": "permanent", "says": $h.sebab}})',
}


def a_request(**changes: Any) -> dict[str, Any]:
    return {"method": "POST", "path": "/terima", "body": {"json": "data"}, **changes}


async def test_the_first_request_that_fits_is_sent():
    requests = [
        a_request(when="data = null", method="DELETE", path="/hapus/{kode}", values={"kode": "subject"}, body=None),
        a_request(query={"id": "id", "tidak_ada": "data.x"}, headers={"X-Ref": "reference"}),
    ]
    agency = AnAgency()
    adapter = agency.adapter(a_declaration(a_delivery(requests=requests)))
    event = an_event({"a": 1.5})
    assert await adapter.deliver("kirim", [event, an_event(None, subject="a b/ü")]) == [DELIVERED] * 2
    put, delete = agency.requests
    assert (put.method, put.url.raw_path, put.content) == ("POST", b"/api/terima?id=1", b'{"a":1.5}')
    assert put.headers["x-ref"] == event.reference
    assert (delete.method, delete.url.raw_path) == ("DELETE", b"/api/hapus/a%20b%2F%C3%BC")


async def test_a_form_has_texts_as_they_are_and_other_values_as_json():
    form = {"form": {"nama": "data.nama", "isi": "data", "kosong": "data.tiada"}}
    agency = AnAgency()
    await agency.adapter(a_declaration(a_delivery(requests=[a_request(body=form)]))).deliver(
        "kirim", [an_event({"nama": "Siti & Budi"})]
    )
    assert agency.requests[0].content == b"nama=Siti+%26+Budi&isi=%7B%22nama%22%3A%22Siti+%26+Budi%22%7D"
    assert agency.requests[0].headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("subject", ["..", ".", "", None])
async def test_a_value_that_would_change_the_path_is_not_sent(subject: str | None):
    agency = AnAgency()
    request = a_request(path="/hapus/{kode}/x", values={"kode": "subject"})
    (outcome,) = await agency.adapter(a_declaration(a_delivery(requests=[request]))).deliver(
        "kirim", [an_event({}, subject=subject)]
    )
    assert (outcome.failure, agency.requests) == (Failure.PERMANENT, [])


@pytest.mark.parametrize("value", ["a\r\nx: y", "ü", "a\0", " ", "x" * 5000])
async def test_a_value_that_no_header_carries_is_not_sent(value: str):
    agency = AnAgency()
    request = a_request(headers={"X-Nama": "data.nama"})
    (outcome,) = await agency.adapter(a_declaration(a_delivery(requests=[request]))).deliver(
        "kirim", [an_event({"nama": value})]
    )
    assert (outcome.failure, agency.requests) == (Failure.PERMANENT, [])


@pytest.mark.parametrize(
    ("data", "body", "detail"),
    [
        ({}, "tiada", "finds nothing"),
        ({"nik": 9124010101900001}, "data", "more than 15 digits"),
        ({"nik": "3524"}, "data.nik + 1", "fails with JSONata's error"),
    ],
)
async def test_an_event_that_the_mapping_cannot_write_is_dead_and_says_why(data: Any, body: str, detail: str):
    agency = AnAgency()
    request = a_request(body={"json": body})
    (outcome,) = await agency.adapter(a_declaration(a_delivery(requests=[request]))).deliver("kirim", [an_event(data)])
    assert (outcome.failure, agency.requests) == (Failure.PERMANENT, [])
    assert detail in outcome.detail
    assert "3524" not in outcome.detail


async def test_numbers_as_text_reach_the_agency_with_every_digit():
    agency = AnAgency()
    adapter = agency.adapter(a_declaration(a_delivery(numbers="text")))
    await adapter.deliver("kirim", [an_event({"nik": 9124010101900001})])
    assert agency.bodies == [{"nik": "9124010101900001"}]


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (200, '{"status": "ok"}', None),
        (200, '{"status": "lain"}', Failure.TRANSIENT),
        (200, "<html>", Failure.TRANSIENT),
        (200, "", Failure.TRANSIENT),
        (500, '{"status": "ok"}', None),
        (500, "", Failure.TRANSIENT),
        (403, "{}", Failure.SINK_DOWN),
        (422, "{}", Failure.PERMANENT),
    ],
)
async def test_what_no_rule_knows_is_no_success(status: int, body: str, failure: Failure | None):
    agency = AnAgency([httpx.Response(status, content=body)])
    (outcome,) = await agency.adapter(a_declaration(a_delivery(rules=[OK]))).deliver("kirim", [an_event({})])
    assert outcome.failure is failure


async def test_an_operation_s_rules_come_before_the_adapter_s():
    rules = [{"status": [409], "means": "success"}]
    document = a_declaration(a_delivery(rules=rules), rules=[{"status": ["4xx"], "means": "transient"}])
    agency = AnAgency([httpx.Response(409), httpx.Response(410)])
    first, second = await agency.adapter(document).deliver("kirim", [an_event({}), an_event({})])
    assert (first, second.failure) == (DELIVERED, Failure.TRANSIENT)


@pytest.mark.parametrize(
    ("headers", "body", "wait"),
    [
        ({"retry-after": "7"}, {}, 7.0),
        ({}, {"tunggu": 30}, 30.0),
        ({}, {"tunggu": "45"}, 45.0),
        ({"retry-after": "7"}, {"tunggu": -1}, 7.0),
        ({}, {"tunggu": 10**9}, 86_400.0),
        ({}, {"tunggu": "lusa"}, None),
        ({}, {}, None),
    ],
)
async def test_the_agency_says_how_long_to_wait(headers: dict[str, str], body: Any, wait: float | None):
    rules = [{"status": [429], "means": "transient", "says": "sibuk", "retry_after": "tunggu"}]
    agency = AnAgency([httpx.Response(429, headers=headers, json=body)])
    (outcome,) = await agency.adapter(a_declaration(a_delivery(rules=rules))).deliver("kirim", [an_event({})])
    assert (outcome.failure, outcome.detail, outcome.retry_after) == (Failure.TRANSIENT, "Badan: sibuk", wait)


async def test_a_batch_has_an_outcome_for_each_event():
    body = {"json": "$map($, function($e) {$e.data})"}
    answer = {"hasil": [{"ok": True}, {"ok": False, "sebab": "tidak lengkap"}, {"ok": True}]}
    agency = AnAgency([httpx.Response(200, json=answer)])
    document = a_declaration(a_delivery(batch=BATCH, requests=[a_request(body=body)]))
    outcomes = await agency.adapter(document).deliver("kirim", [an_event({"a": n}) for n in range(3)])
    assert [one.failure for one in outcomes] == [None, Failure.PERMANENT, None]
    assert outcomes[1].detail == "Badan: tidak lengkap"
    assert agency.bodies == [[{"a": 0}, {"a": 1}, {"a": 2}]]


@pytest.mark.parametrize("results", [[], [{"ok": True}], [{"ok": True}] * 3, None, "x", [7, 8]])
async def test_results_that_are_no_one_s_or_say_nothing_are_tried_again(results: Any):
    agency = AnAgency([httpx.Response(200, json={"hasil": results})])
    batch = {"most": 10, "results": "hasil"}
    outcomes = await agency.adapter(a_declaration(a_delivery(batch=batch))).deliver(
        "kirim", [an_event({}), an_event({})]
    )
    assert [one.failure for one in outcomes] == [Failure.TRANSIENT] * 2


async def test_a_batch_that_is_refused_whole_is_sent_again_event_by_event():
    def answer(request: httpx.Request) -> httpx.Response:
        if b"buruk" in request.content:
            return httpx.Response(422, json={})
        return httpx.Response(200, json={"hasil": [{"ok": True}] * request.content.count(b"data")})

    agency = AnAgency(answer)
    document = a_declaration(a_delivery(batch=BATCH, requests=[a_request(body={"json": "$"})]))
    outcomes = await agency.adapter(document).deliver("kirim", [an_event("baik"), an_event("buruk"), an_event("baik")])
    assert [one.failure for one in outcomes] == [None, Failure.PERMANENT, None]


async def test_a_batch_that_the_agency_cannot_take_now_waits_whole():
    agency = AnAgency([httpx.Response(503)])
    with pytest.raises(AgencyFault):
        await agency.adapter(a_declaration(a_delivery(batch=BATCH))).deliver("kirim", [an_event({}), an_event({})])
    assert len(agency.requests) == 1


async def test_a_day_s_requests_end():
    agency = AnAgency()
    adapter = agency.adapter(a_declaration(limits={"requests_per_day": 2}))
    outcomes = await adapter.deliver("kirim", [an_event({}) for _ in range(3)])
    assert [one.failure for one in outcomes] == [None, None, Failure.TRANSIENT]
    assert 0 < (outcomes[2].retry_after or 0) <= 86_401
    assert len(agency.requests) == 2
