"""The proofs by which an agency shows that it sent a push."""

import hashlib
import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bus import json
from bus.declared import AdapterInvalid, Mapper, lint_document
from bus.declared.document import Push
from bus.declared.proof import verify as check_proof
from bus.declared.vault import BoundSecret, Vault
from bus.heavy import Here
from bus.kit import PushRequest
from tests.agencies.a_pushing_agency import PASSWORD, SETTINGS, SIGNED, USER, a_push, a_push_body
from tests.builders import a_nik
from tests.declared.a_declared_agency import AnAgency, a_declaration

NOON = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
"""Twelve o'clock in Lamongan."""
BODY = b'{"warga":[{"nik":"1"}]}'
KEY = {"kind": "api_key", "secret": "password", "name": "kunci"}
HMAC = {**SIGNED, "algorithm": "hmac-sha256", "key": "password", "parts": [{"request": "body"}]}
TIMED = {**HMAC, "parts": [{"time": "epoch"}, {"request": "method"}], "time_header": "waktu", "separator": "\n"}


def verify(proof: dict[str, Any], **request: Any) -> bool | None:
    """What the adapter of a document with this proof says to a request."""
    return verify_push(a_push_body(verify=proof), **request)


def verify_push(document: dict[str, Any], **request: Any) -> bool | None:
    """What the adapter of a document says to a request."""
    settings = {name: value for name, value in SETTINGS.items() if not name.endswith("_hosts")}
    adapter = AnAgency().adapter(a_declaration(*document["operations"], secrets=SECRETS), **settings)
    given = {"path": "/x", "query_string": "", "query": {}, "headers": {}, "at": NOON, "body": BODY, **request}
    return adapter.verify("terima", PushRequest(**given))


SECRETS = a_push_body()["secrets"]


def sign(text: str) -> str:
    return hmac.new(PASSWORD.encode(), text.encode(), "sha256").hexdigest()


def a_day(at: datetime) -> dict[str, str]:
    text = f"{USER}{PASSWORD}1{at:%Y%m%d}"
    return {"token": hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()}


@pytest.mark.parametrize(
    ("proof", "request_", "is_right"),
    [
        (KEY, {"headers": {"kunci": PASSWORD}}, True),
        (KEY, {"headers": {"kunci": PASSWORD[:-1]}}, False),
        (KEY, {"query": {"kunci": PASSWORD}}, False),
        ({**KEY, "in": "query"}, {"query": {"kunci": PASSWORD}}, True),
        (
            {**KEY, "name": "authorization", "scheme": "Bearer"},
            {"headers": {"authorization": f"bearer {PASSWORD}"}},
            True,
        ),
        ({**KEY, "name": "authorization", "scheme": "Bearer"}, {"headers": {"authorization": PASSWORD}}, False),
        (
            {"kind": "basic", "user": "user", "password": "password"},
            {"headers": {"authorization": "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()}},
            True,
        ),
        ({"kind": "basic", "user": "user", "password": "password"}, {"headers": {"authorization": "Basic é"}}, False),
        (
            {"kind": "basic", "user": "user", "password": "password"},
            {"headers": {"authorization": "Basic /w=="}},
            False,
        ),
        (HMAC, {"headers": {"token": sign(BODY.decode()).upper()}}, True),
        (HMAC, {"headers": {"token": sign(BODY.decode())}, "body": BODY + b" "}, False),
        (HMAC, {"headers": {"token": sign(BODY.decode())}, "body": None}, None),
        (SIGNED, {"headers": a_day(NOON), "body": b"{"}, False),
        (SIGNED, {"headers": a_day(NOON), "body": b'{"warga":[{"nik":1}]}'}, False),
        (SIGNED, {"headers": a_day(NOON), "body": b'{"warga":' + b"[" * 900 + b"]" * 900 + b"}"}, False),
    ],
)
def test_a_proof_is_right_or_wrong(proof: dict[str, Any], request_: dict[str, Any], is_right: bool | None) -> None:
    assert verify(proof, **request_) is is_right


@pytest.mark.parametrize("blank", ["", "  ", "\u00a0\u200b", "\0"])
@pytest.mark.parametrize("given", [None, "", " ", "  ", "Bearer", "Bearer ", "\u00a0\u200b", "\0"])
@pytest.mark.parametrize("scheme", ["", "Bearer"])
def test_a_blank_secret_is_the_same_as_nothing(blank: str, given: str | None, scheme: str) -> None:
    document = a_declaration(a_push(verify={**KEY, "scheme": scheme}, values={}), secrets=SECRETS)
    (told,) = (one for one in document.operations if isinstance(one, Push))
    vault = Vault("badan", {"password": BoundSecret(SecretStr(blank), frozenset())})
    headers = {} if given is None else {"kunci": given}
    assert check_proof(told, PushRequest("/x", "", {}, headers, NOON, BODY), vault) is False


@pytest.mark.parametrize(("minutes", "is_right"), [(-10, False), (-4, True), (0, True), (4, True), (10, False)])
def test_around_midnight_both_days_are_right_for_minutes_alone(minutes: int, is_right: bool) -> None:
    midnight = datetime(2026, 3, 1, 17, 0, tzinfo=UTC)
    told = a_day(midnight + timedelta(hours=7) if minutes < 0 else midnight)
    assert verify(SIGNED, headers=told, at=midnight + timedelta(minutes=minutes)) is is_right


@pytest.mark.parametrize(("seconds", "is_right"), [(0, True), (-299, True), (299, True), (-301, False), (301, False)])
def test_a_signed_second_is_right_for_five_minutes(seconds: int, is_right: bool) -> None:
    told = str(int(NOON.timestamp()) + seconds)
    assert verify(TIMED, headers={"waktu": told, "token": sign(f"{told}\nPOST")}, body=None) is is_right


MINUTE = {**HMAC, "parts": [{"secret": "user"}, {"time": "%Y%m%d%H%M"}]}


@pytest.mark.parametrize(
    ("seconds", "is_right"),
    [(seconds, True) for seconds in range(-300, 301, 7)]
    + [(-420, False), (-361, False), (361, False), (86_400, False)],
)
def test_a_signed_minute_is_right_for_five_minutes_and_no_longer(seconds: int, is_right: bool) -> None:
    signed = (NOON + timedelta(hours=7, seconds=seconds)).strftime("%Y%m%d%H%M")
    assert verify(MINUTE, headers={"token": sign(f"{USER}{signed}")}, body=None) is is_right


def test_of_two_times_each_is_signed_as_it_is_written() -> None:
    proof = {**HMAC, "parts": [{"secret": "user"}, {"time": "%Y%m%d"}, {"text": "T"}, {"time": "%Y%m%d%H%M"}]}
    signed = (NOON + timedelta(hours=7, minutes=-3)).strftime("%Y%m%dT%Y%m%d%H%M")
    assert verify(proof, headers={"token": sign(f"{USER}{signed}")}, body=None) is True


SEVERAL = {"parts": [{"secret": "user"}, {"value": "nik"}, {"value": "nama"}], "separator": "|"}


@pytest.mark.parametrize(("nik", "nama", "is_right"), [("1", "2", True), ("1|2", "3", False), ("1", "2|3", False)])
def test_a_signature_over_two_values_fits_no_others(nik: str, nama: str, is_right: bool) -> None:
    push = a_push_body(verify={**HMAC, **SEVERAL}, values={"nik": "/warga/0/nik", "nama": "/warga/0/nama"})
    body = json.dumps({"warga": [{"nik": nik, "nama": nama}]})
    headers = {"token": sign(f"{USER}|{nik}|{nama}")}
    assert verify_push(push, headers=headers, body=body) is is_right


@pytest.mark.parametrize("told", ["", "x", "9" * 5000, "-1", "١"])
def test_a_second_that_is_none_is_wrong(told: str) -> None:
    assert verify(TIMED, headers={"waktu": told, "token": sign(f"{told}\nPOST")}) is False


@pytest.mark.parametrize(
    "proof",
    [
        {**SIGNED, "parts": [{"text": "a"}]},
        {**SIGNED, "parts": [{"secret": "lain"}]},
        {**SIGNED, "parts": [{"secret": "user"}, {"value": "lain"}]},
        {**SIGNED, "parts": [{"secret": "user"}, {"time": "epoch"}]},
        {**SIGNED, "parts": [{"secret": "user"}, {"time": "%Y%m%d%H%M%S"}]},
        {**TIMED, "parts": [{"time": "%s"}]},
        {**TIMED, "parts": [{"time": "%Y%m%d %X"}]},
        {**TIMED, "parts": [{"time": "%Y%m%d%f"}]},
        {**SIGNED, "parts": [{"secret": "user"}, {"time": "tetap"}]},
        {**SIGNED, "parts": [{"secret": "user"}, {"time": "%H%M"}]},
        {**SIGNED, "parts": [{"secret": "user"}, {"time": "%d%H%M"}]},
        {**SIGNED, "parts": [{"secret": "user"}, {"time": "%d%m"}]},
        {**SIGNED, "parts": [{"secret": "user"}, {"time": "%Y%-m%-d"}]},
        {**SIGNED, "parts": [{"secret": "user"}, {"time": "%Y-%-m-%-d"}]},
        {**SIGNED, "parts": [{"secret": "user"}, {"value": "nik"}, {"value": "nik"}]},
        {**SIGNED, "parts": [{"secret": "user"}, {"value": "nik"}, {"text": "-"}, {"request": "body"}]},
        {**SIGNED, "algorithm": "hmac-sha256"},
        {**KEY, "secret": "lain"},
    ],
    ids=[
        "no secret",
        "unknown secret",
        "unknown value",
        "unnamed second",
        "guessed second",
        "guessed epoch",
        "guessed clock",
        "guessed microsecond",
        "no time",
        "right again tomorrow",
        "right again next month",
        "right again next year",
        "two days in one text",
        "a length that changes",
        "values side by side",
        "value and body side by side",
        "no key",
        "unknown key",
    ],
)
def test_a_proof_that_cannot_work_is_refused(proof: dict[str, Any]) -> None:
    with pytest.raises(AdapterInvalid):
        a_declaration(a_push(verify=proof), secrets=SECRETS)


@pytest.mark.parametrize(("name", "codes"), [("Siti", []), ("Budi", ["example"])])
async def test_lint_runs_the_examples_of_a_push(name: str, codes: list[str]) -> None:
    nik = a_nik(1)
    example = {
        "title": "satu",
        "push": {"warga": [{"nik": nik, "nama": "Siti"}]},
        "result": [{"key": nik, "data": {"nik": nik, "nama": name}}],
    }
    document = a_declaration(a_push(examples=[example]), secrets=SECRETS)
    found = await lint_document(document, lambda _: None, Mapper("badan", Here(), explain=True))
    assert [one.code for one in found if one.code != "contract"] == codes
