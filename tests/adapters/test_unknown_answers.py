"""Unknown is not success: no adapter takes an answer that it does not know for the one that it waits for."""

import pytest

from bus.kit import AgencyUnavailable, Failure, Refused
from tests.attacks.an_attacked_agency import (
    ACTS,
    Act,
    a_delivered_event,
    bappenas,
    kominfo,
    outcome_of,
    pupr,
    says,
)

UNKNOWN = {
    "nothing": b"",
    "a blank": b" ",
    "null": b"null",
    "true": b"true",
    "a number": b"1",
    "a text": b'"Success"',
    "a list of texts": b'["Success"]',
    "a list of numbers": b"[1]",
    "an empty object": b"{}",
    "an object of something else": b'{"hasil": "ya"}',
    "a page in HTML": b"<html><body>Berhasil</body></html>",
    "a fault in XML": b"<fault><message>gagal</message></fault>",
    "a fault of the gateway": b'{"fault": {"code": 101503, "message": "Error connecting"}}',
    "a fault of the gateway without its wrapper": b'{"code": "303001", "message": "Suspended", "description": ""}',
    "a failure in words": b'{"status": "error", "message": "Gagal", "data": [], "content": [], "features": []}',
    "a failure as a flag": b'{"success": false, "data": [], "content": [], "features": [], "error": {"code": 0}}',
    "no access": b'{"api_status": 0, "api_message": "Akses ditolak", "message": "Akses ditolak", "error": "forbidden"}',
    "a status that no list has": b'{"api_status": 7, "status": "antre", "success": "antre", "RESPONSE_CODE": "02"}',
    "a code that no list has": b'{"content": [{"RESPONSE_CODE": "18"}]}',
    "words that no list has": b'{"content": [{"RESPON": "Sedang dalam proses"}]}',
    "an empty content": b'{"content": [{}]}',
    "no content": b'{"content": []}',
}


DELETIONS: dict[str, Act] = {
    "kominfo katalog": lambda attacker: kominfo(attacker).deliver("katalog", [a_delivered_event(None)]),
    "bappenas dataset": lambda attacker: bappenas(attacker).deliver("dataset", [a_delivered_event(None)]),
    "pupr ruas-jalan": lambda attacker: pupr(attacker).deliver("ruas-jalan", [a_delivered_event(None)]),
}


@pytest.mark.parametrize("what", UNKNOWN)
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("status", [200, 202])
async def test_an_answer_that_no_adapter_knows_is_not_taken_for_success(act: str, what: str, status: int) -> None:
    outcome = await outcome_of(ACTS[act], says(UNKNOWN[what], status))
    assert isinstance(outcome, Failure | Refused)
    # The event is as good as before: none is dead because the agency answers oddly.
    assert outcome is not Failure.PERMANENT


@pytest.mark.parametrize("what", UNKNOWN)
@pytest.mark.parametrize("act", sorted(DELETIONS))
@pytest.mark.parametrize("status", [200, 404])
async def test_a_deletion_whose_answer_no_adapter_knows_is_not_told_as_done(act: str, what: str, status: int) -> None:
    assert await outcome_of(DELETIONS[act], says(UNKNOWN[what], status)) in (Failure.TRANSIENT, Failure.SINK_DOWN)


@pytest.mark.parametrize("act", ["kemendagri cari-nik", "kemendagri verifikasi-nik"])
@pytest.mark.parametrize("what", UNKNOWN)
async def test_a_question_that_the_registry_answers_oddly_is_answered_503(act: str, what: str) -> None:
    assert type(await outcome_of(ACTS[act], says(UNKNOWN[what]))) is AgencyUnavailable
