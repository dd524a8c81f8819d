"""OSS-RBA as its interface document PIA 4.3.22 describes it: each quirk is a test of the document that ships."""

from typing import Any

import httpx
import pytest

from bus import clock, json, shipped
from bus.declared import load_document
from bus.declared.adapter import DeclaredAdapter
from bus.kit import AgencyRefused, AgencyUnavailable, Event, Failure, PushRequest, Question, Verdict
from bus.kit.rows import Row
from tests.declared.a_declared_agency import AnAgency
from tests.declared.an_oss import IZIN, NIB, PASSWORD, USER, send_nib

DOCUMENT = load_document(shipped.ADAPTERS / "oss.yaml")
SETTINGS = {
    "user_key": "kunci-rekaan",
    "user_key_hosts": "api-prd.oss.go.id",
    "push_user": USER,
    "push_password": PASSWORD,
}


def answering(body: Any, status: int = 200) -> tuple[AnAgency, DeclaredAdapter]:
    agency = AnAgency([httpx.Response(status, json=body)])
    return agency, agency.adapter(DOCUMENT, **SETTINGS)


def told(**changes: Any) -> dict[str, Any]:
    return {"responreceiveLicenseStatus": {"kode": 200, "keterangan": "", **changes}}


async def ask(body: Any, status: int = 200) -> Any:
    _, adapter = answering(body, status)
    return await adapter.query("cari-nib", Question("uji.nib", {"nib": NIB}, "bapenda"))


async def read_push(**data: Any) -> list[Row]:
    _, adapter = answering({})
    body = json.dumps({"dataNIB": {"nib": NIB, **data}})
    return list((await adapter.receive("nib", PushRequest("/", "", {}, {}, clock.now(), body))).rows)


async def test_the_user_key_is_a_header_of_its_own() -> None:
    agency, adapter = answering(told())
    await adapter.deliver("status-izin", [IZIN])
    assert agency.requests[0].headers["user_key"] == "kunci-rekaan"
    assert agency.requests[0].url.path == "/v1/kl/rba/receiveLicenseStatus"


@pytest.mark.parametrize("kode", [200, "200"], ids=["a number", "a text"])
async def test_kode_is_a_number_or_a_text(kode: Any) -> None:
    _, adapter = answering(told(kode=kode))
    assert [one.failure for one in await adapter.deliver("status-izin", [IZIN])] == [None]
    assert (await ask({"responinqueryNIB": {"kode": kode, "dataNIB": {"nib": NIB}}}))["ditemukan"] is True


@pytest.mark.parametrize("status", [200, 400])
async def test_not_found_is_kode_400_at_either_http_status(status: int) -> None:
    body = {"responinqueryNIB": {"kode": 400, "keterangan": "Data NIB tidak ditemukan"}}
    assert await ask(body, status) == {"ditemukan": False}


async def test_a_failure_at_http_200_is_no_success() -> None:
    for kode, failure in (
        (400, Failure.PERMANENT),
        (401, Failure.SINK_DOWN),
        (500, Failure.TRANSIENT),
        (7, Failure.TRANSIENT),
    ):
        _, adapter = answering(told(kode=kode, keterangan="Gagal"))
        assert [one.failure for one in await adapter.deliver("status-izin", [IZIN])] == [failure], kode


async def test_a_refused_user_key_refuses_a_question_as_the_operators_matter() -> None:
    with pytest.raises(AgencyRefused):
        await ask({"responinqueryNIB": {"kode": "401", "keterangan": "user_key tidak valid"}})
    with pytest.raises(AgencyUnavailable):
        await ask({"responinqueryNIB": {"kode": "503", "keterangan": "Sistem sibuk"}})


async def test_a_dash_means_empty() -> None:
    data = {"nib": NIB, "nama_perseroan": "-", "tgl_terbit_nib": "-", "perseroan_daerah_id": "-"}
    assert await ask({"responinqueryNIB": {"kode": 200, "dataNIB": data}}) == {"ditemukan": True, "nib": NIB}
    (row,) = await read_push(**data)
    assert row.data == {"nib": NIB}


@pytest.mark.parametrize(
    ("sent", "read"),
    [("3524000000", "35.24"), ("3524140000", "35.24.14"), ("3524142003", "35.24.14.2003")],
    ids=["a regency", "a kecamatan", "a desa"],
)
async def test_a_region_code_is_padded_to_ten_digits(sent: str, read: str) -> None:
    (row,) = await read_push(perseroan_daerah_id=sent)
    assert row.data["kode_wilayah"] == read


CODES = {
    "belum lengkap": "11",
    "verifikasi": "20",
    "terbit": "50",
    "peringatan": "60",
    "dibekukan": "70",
    "ditolak": "90",
}


@pytest.mark.parametrize(("status", "code"), CODES.items())
async def test_each_state_of_a_licence_has_its_code(status: str, code: str) -> None:
    agency, adapter = answering(told())
    event = Event("1", "/dpmptsp", "perizinan.izin", {**IZIN.data, "status": status}, subject=IZIN.subject)
    assert [one.failure for one in await adapter.deliver("status-izin", [event])] == [None]
    assert agency.bodies[0]["IZINSTATUS"]["kd_status"] == code


@pytest.mark.parametrize("status", ["dicabut", "habis masa"])
async def test_a_state_without_a_code_at_oss_is_not_sent_without_one(status: str) -> None:
    agency, adapter = answering(told())
    event = Event("1", "/dpmptsp", "perizinan.izin", {**IZIN.data, "status": status}, subject=IZIN.subject)
    assert [one.failure for one in await adapter.deliver("status-izin", [event])] == [Failure.PERMANENT]
    assert agency.requests == []


async def test_the_token_of_a_push_is_sha1_of_account_password_nib_and_day() -> None:
    _, adapter = answering({})
    request = send_nib(clock.now())
    assert adapter.verify("nib", request) is True
    other = request.body.replace(NIB.encode(), b"9120200099999") if request.body else b""
    assert adapter.verify("nib", PushRequest("/", "", {}, request.headers, request.at, other)) is False


def test_a_push_is_answered_with_1_or_2_and_http_200() -> None:
    _, adapter = answering({})
    answers = {verdict: adapter.answer("nib", verdict) for verdict in Verdict}
    assert all(answer is not None and answer.status == 200 for answer in answers.values())
    said = {verdict: answer.body["responreceiveNIB"]["status"] for verdict, answer in answers.items() if answer}
    assert said == {Verdict.ACCEPTED: "1", Verdict.REFUSED: "2", Verdict.DENIED: "2"}
