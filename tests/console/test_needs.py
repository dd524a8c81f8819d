"""Needs: what stands still is told in people's words, in the language of the visitor."""

import ast
import inspect
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

import aiohttp
import pytest

from bus.agencies import KnownAgency, PollFailureKind
from bus.console.failures import explain_failure, explain_poll
from bus.console.findings import advise
from bus.console.needs import list_needs
from bus.console.rules import tell_rules
from bus.console.words import find_words
from bus.contracts.validation import _DETAILS
from bus.delivery import AgencySink, Health, Pull, Webhook
from bus.delivery.failure import UNLISTED, classify_error, classify_status
from bus.doctor import Finding, Urgency, checks
from bus.kit import Outcome
from bus.status import Status, SubscriberState
from bus.status.agency import AgencyState
from tests.builders import a_subscription

NOTHING = Status(datetime.now(UTC), "0.1.0", None, [], [], [], [])
ID, EN = find_words("id"), find_words("en")
SINK = Webhook("https://app.example/hook")
CODES_OF_STATUS = {"sink-fails", "subscription-disabled", "poll-fails"}
"""The status tells these itself."""
CODES_TO_KNOW = {"no-public-url", "nobody-told", "agencies-not-simulated", "adapters-unseen"}
"""The start page shows what needs somebody, and these do not."""


def explain(outcome: Outcome) -> str:
    return explain_failure(SINK, Health(status=outcome.status, detail=outcome.detail), ID)


def certificate_error(message: str) -> aiohttp.ClientConnectorCertificateError:
    reason = ssl.SSLCertVerificationError()
    reason.verify_message = message
    return aiohttp.ClientConnectorCertificateError(None, reason)


def test_an_adapter_that_is_off_is_told_in_both_languages() -> None:
    finding = Finding(Urgency.SOON, "adapter-off", "contoh", "It is off.", "Give the settings.")
    (said,) = list_needs(NOTHING, [finding], ID)
    assert (said.text.startswith("Adaptor contoh belum bekerja"), said.is_english) == (True, False)
    (said,) = list_needs(NOTHING, [finding], EN)
    assert said.text.startswith("The adapter contoh is off")


@pytest.mark.parametrize(
    ("pending", "dead", "told"),
    [
        (0, 0, ["bapenda tidak menerima data kependudukan.warga yang terakhir"]),
        (0, 3, ["3 pengiriman kependudukan.warga kepada bapenda gagal"]),
        (4, 0, ["bapenda belum menerima 4 data kependudukan.warga"]),
    ],
)
def test_a_failing_receiver_for_which_nothing_waits_is_not_said_to_lack_zero_events(
    pending: int, dead: int, told: list[str]
) -> None:
    health = Health(failing_since=datetime.now(UTC), status=422)
    state = SubscriberState(a_subscription(), pending, dead, None, health)
    found = [one.text for one in list_needs(replace(NOTHING, subscribers=[state]), [], ID)]
    assert len(found) == len(told)
    assert all(text.startswith(begin) for text, begin in zip(found, told, strict=True)), found


def test_every_finding_of_the_doctor_that_needs_somebody_has_words_of_the_console() -> None:
    calls = [one for one in ast.walk(ast.parse(inspect.getsource(checks))) if isinstance(one, ast.Call)]
    places = {"Finding": 1, "_make_durability": 0}
    named = [(one.func.id, one.args) for one in calls if isinstance(one.func, ast.Name) and one.func.id in places]
    codes = {args[places[name]].value for name, args in named if isinstance(args[places[name]], ast.Constant)}
    assert len(codes) > 10
    for code in codes - CODES_OF_STATUS - CODES_TO_KNOW:
        said = advise(Finding(Urgency.NOW, code, "sesuatu", "English", "English"), ID)
        assert not said.is_english, code


def test_what_a_finding_concerns_is_not_named_in_english() -> None:
    said = advise(Finding(Urgency.SOON, "clock-skew", "the database", "", ""), ID)
    assert said.what == "Jam basis data tidak sama dengan jam mesin ini."
    said = advise(Finding(Urgency.SOON, "wal-grows", "replication slot satu", "", ""), ID)
    assert "slot replikasi satu" in said.what


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (classify_error(certificate_error("certificate has expired")), "sertifikat kedaluwarsa"),
        (classify_error(certificate_error("self-signed certificate")), "sertifikat tidak sah"),
        (classify_error(TimeoutError()), "penerima tidak menjawab pada waktunya"),
        (classify_error(aiohttp.ConnectionTimeoutError()), "penerima tidak menjawab pada waktunya"),
        (classify_error(aiohttp.ServerDisconnectedError()), "penerima memutus sambungan tanpa menjawab"),
        (classify_error(aiohttp.InvalidURL("x")), "alamat penerima salah"),
        (UNLISTED, "host penerima tidak ada dalam daftar operator"),
        (classify_status(503), "aplikasi penerima sedang mati (HTTP 503)"),
        (classify_status(500), "aplikasi penerima mengalami galat (HTTP 500)"),
        (classify_status(422), "penerima menolak data ini (HTTP 422)"),
    ],
)
def test_a_failure_is_told_in_indonesian(outcome: Outcome, told: str) -> None:
    assert explain(outcome) == told


def test_no_failure_leaks_the_bus_s_english() -> None:
    for status in HTTPStatus:
        if status >= 300:
            assert "sink" not in explain(classify_status(status))
    assert explain(Outcome(detail="something new that nobody translated")) == "penerima tidak menjawab"
    assert "returned" not in explain_failure(Pull(), Health(detail="returned by hand"), ID)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "instansi menolak akun bus; periksa akunnya pada pengaturan bus (HTTP 401)"),
        (503, "sistem instansi sedang bermasalah (HTTP 503)"),
        (422, "instansi menolak data ini (HTTP 422)"),
    ],
)
def test_an_agency_that_refuses_the_account_is_not_told_as_an_app_that_asks_for_a_password(status: int, told: str):
    assert explain_failure(AgencySink("pupr", "ruas-jalan"), Health(status=status), ID) == told


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (KnownAgency("kemendagri", is_left_in_peace=True), "Instansi kemendagri tidak menjawab pertanyaan."),
        (KnownAgency("kemendagri", quota_daily=9, quota_left=0), "Kuota pertanyaan ke kemendagri"),
    ],
)
def test_an_agency_that_answers_no_questions_is_on_the_start_page(known: KnownAgency, told: str):
    (need,) = list_needs(replace(NOTHING, agencies=[AgencyState(known, None, [], [])]), [], ID)
    assert need.text.startswith(told)
    assert need.path == "/konsol/instansi"
    assert list_needs(replace(NOTHING, agencies=[AgencyState(KnownAgency("pupr"), None, [], [])]), [], ID) == []


def test_every_rule_of_a_schema_that_refuses_data_has_words_of_the_console():
    assert _DETAILS.keys() - tell_rules(ID).keys() == set()


@pytest.mark.parametrize("kind", PollFailureKind)
def test_a_poll_that_fails_is_told_in_the_visitor_s_language(kind: PollFailureKind):
    assert explain_poll(kind, ID) != explain_poll(kind, EN)
