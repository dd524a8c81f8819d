"""SATUSEHAT as the health ministry documents it: each quirk is a test of the document that ships."""

from typing import Any

import httpx
import pytest

from bus import json, shipped
from bus.declared import load_document
from bus.declared.adapter import DeclaredAdapter
from bus.kit import AgencyUnavailable, Event, Failure, Question
from tests.declared.a_declared_agency import AnAgency

DOCUMENT = load_document(shipped.ADAPTERS / "satusehat.yaml")
HOSTS = "api-satusehat.kemkes.go.id"
SETTINGS = {
    "organisasi": "10000000",
    "client_id": "klien-rekaan",
    "client_id_hosts": HOSTS,
    "client_secret": "rahasia-rekaan",
    "client_secret_hosts": HOSTS,
}
TOKEN = {"access_token": "t-1", "token_type": "BearerToken", "expires_in": "3599", "issued_at": "1772000000000"}
QUESTION = Question("uji.pasien", {"nik": "3524010101908001"}, "rsud")
REFERRAL = Event(
    "r-1",
    "/rsud",
    "kesehatan.rujukan",
    {
        "nomor_rujukan": "RJK-2026-0001",
        "id_pasien": "P00000000001",
        "id_kunjungan": "K-1",
        "id_faskes_asal": "10000001",
        "id_faskes_tujuan": "10000002",
        "kode_layanan": "306206005",
        "nama_layanan": "Referral to service",
        "dibuat": "2026-02-10T09:00:00+07:00",
    },
)


def saying(answer: httpx.Response, token: httpx.Response | None = None) -> tuple[AnAgency, DeclaredAdapter]:
    """An agency that gives a token, and answers everything else with `answer`."""

    def reply(request: httpx.Request) -> httpx.Response:
        given = answer
        if request.url.path.endswith("/accesstoken"):
            given = token or httpx.Response(200, json=TOKEN)
        return httpx.Response(given.status_code, headers=given.headers, content=given.content)

    agency = AnAgency(reply)
    return agency, agency.adapter(DOCUMENT, **SETTINGS)


def an_outcome(*codes: str, status: int = 400) -> httpx.Response:
    issues = [{"severity": "error", "code": code, "details": {"text": "teks"}, "expression": ["x"]} for code in codes]
    return httpx.Response(status, json={"resourceType": "OperationOutcome", "issue": issues})


async def send(answer: httpx.Response) -> Any:
    _, adapter = saying(answer)
    (outcome,) = await adapter.deliver("rujukan", [REFERRAL])
    return outcome.failure


async def test_the_numbers_of_a_token_are_texts_and_it_is_fetched_once() -> None:
    agency, adapter = saying(httpx.Response(200, json={"resourceType": "Bundle", "total": 0}))
    for _ in range(3):
        assert await adapter.query("cari-pasien", QUESTION) == {"ditemukan": False}
    fetched = [one for one in agency.requests if one.url.path == "/oauth2/v1/accesstoken"]
    assert len(fetched) == 1
    assert fetched[0].url.params["grant_type"] == "client_credentials"
    assert fetched[0].content == b"client_id=klien-rekaan&client_secret=rahasia-rekaan"
    assert agency.requests[-1].headers["authorization"] == "Bearer t-1"


async def test_after_a_wrong_attempt_no_token_is_asked_for_within_a_minute() -> None:
    agency, adapter = saying(httpx.Response(200), httpx.Response(401, json={}))
    outcomes = [(await adapter.deliver("rujukan", [REFERRAL]))[0] for _ in range(3)]
    assert [one.failure for one in outcomes] == [Failure.SINK_DOWN] * 3
    assert len(agency.requests) == 1
    assert 50 < (outcomes[-1].retry_after or 0) <= 60


async def test_a_patient_is_searched_by_the_system_and_the_nik() -> None:
    entry = [{"resource": {"resourceType": "Patient", "id": "P00000000001"}}]
    agency, adapter = saying(httpx.Response(200, json={"resourceType": "Bundle", "total": 1, "entry": entry}))
    assert await adapter.query("cari-pasien", QUESTION) == {"ditemukan": True, "id_satusehat": "P00000000001"}
    assert agency.requests[-1].url.params["identifier"] == "https://fhir.kemkes.go.id/id/nik|3524010101908001"


async def test_a_referral_refers_to_patient_encounter_and_organizations() -> None:
    agency, adapter = saying(httpx.Response(201, json={"resourceType": "ServiceRequest", "id": "s-1"}))
    assert [one.failure for one in await adapter.deliver("rujukan", [REFERRAL])] == [None]
    sent = json.loads(agency.requests[-1].content)
    assert (sent["subject"], sent["encounter"]) == (
        {"reference": "Patient/P00000000001"},
        {"reference": "Encounter/K-1"},
    )
    assert (sent["requester"], sent["performer"]) == (
        {"reference": "Organization/10000001"},
        [{"reference": "Organization/10000002"}],
    )


async def test_duplicate_means_that_it_is_there_already() -> None:
    assert await send(an_outcome("duplicate")) is None
    assert await send(an_outcome("informational", "duplicate")) is None


async def test_an_operation_outcome_is_about_this_referral_alone() -> None:
    assert await send(an_outcome("invalid", "value", status=422)) is Failure.PERMANENT


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_5xx_is_plain_text_and_is_waited_out(status: int) -> None:
    answer = httpx.Response(status, text="Gateway Timeout")
    assert await send(answer) is Failure.TRANSIENT
    _, adapter = saying(answer)
    with pytest.raises(AgencyUnavailable):
        await adapter.query("cari-pasien", QUESTION)


async def test_a_created_resource_needs_an_id_to_count() -> None:
    assert await send(httpx.Response(201, json={"resourceType": "ServiceRequest"})) is Failure.TRANSIENT


async def test_too_many_requests_are_paused_for_a_minute() -> None:
    _, adapter = saying(httpx.Response(429, json={}))
    (outcome,) = await adapter.deliver("rujukan", [REFERRAL])
    assert (outcome.failure, outcome.retry_after) == (Failure.TRANSIENT, 60)
