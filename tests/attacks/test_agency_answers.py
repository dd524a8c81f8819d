"""An agency whose API an attacker plays: its answers hold up neither the event loop nor an adapter."""

import asyncio
import gzip
import json as python_json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bus import json
from bus.kit import AgencyFault, AgencyUnavailable, Failure, Row, send_request
from tests.attacks.an_attacked_agency import ACTS, FOLLOWUP, Attacker, a_delivered_event, kominfo, ksp, outcome_of, says

_HELD_SECONDS = 0.1
"""The agreed bound of the loop's delay, see `beside`."""
_ROUNDS = 5
"""Until one round holds: other work on the machine spoils some of them, and an attack that works spoils each."""


async def longest_hold(work: Callable[[], Awaitable[Any]]) -> float:
    """The longest time for which the event loop did nothing else while the work went on."""
    task = asyncio.ensure_future(work())
    longest, last = 0.0, time.perf_counter()
    while not task.done():
        await asyncio.sleep(0.001)
        longest, last = max(longest, (now := time.perf_counter()) - last), now
    task.result()
    return longest


async def assert_loop_goes_on(work: Callable[[], Awaitable[Any]]) -> None:
    """Work until a round shows that the event loop is not held."""
    holds: list[float] = []
    while not (holds and holds[-1] < _HELD_SECONDS):
        assert len(holds) < _ROUNDS, holds
        holds.append(await longest_hold(work))


def a_complaint(**changes: Any) -> dict[str, Any]:
    return {"tracking_id": "9000001", "title": "Jalan rusak", "content": "Lubang", "created_at": "2026-03-03"} | changes


LONG_NAME = json.dumps([a_complaint(reporter={"name": "a " * 10_000}, content="a " * 250_000)])
MANY_NAMES = json.dumps([a_complaint(reporter={f"name{n}": "a" * 195 for n in range(1000)}, content="a" * 190_000)])
HOSTILE = {
    "a name as long as a book": LONG_NAME,
    "a thousand names": MANY_NAMES,
    "an integer without end": b'{"data": ' + b"9" * 2_000_000 + b"}",
    "a code of many digits": b'{"error": {"code": "' + b"9" * 5000 + b'"}}',
    "objects without end": b'{"data": [' + b"{}," * 2_000_000 + b"{}]}",
    "names without end": b'{"data": {' + b",".join(b'"k%d":1' % n for n in range(500_000)) + b"}}",
    "brackets without end": b"[" * 100_000,
    "objects in objects": b'{"a":' * 100_000,
    "a thousand levels": b'{"data": ' + b"[" * 1000 + b"]" * 1000 + b"}",
    "a hundred levels": b'{"data": ' + b"[" * 100 + b"]" * 100 + b"}",
    "blanks without end": b'{"data": "' + b" " * 7_000_000 + b'"}',
    "many rows": b'{"api_status": 1, "data": ['
    + b",".join(b'{"id":%d,"nilai":"1"}' % n for n in range(30_000))
    + b"]}",
    "many complaints": json.dumps([a_complaint(tracking_id=str(n)) for n in range(10_000)]),
    "long wordings": json.dumps({"content": [{"RESPON": "a " * 1_000_000, "AGAMA": "a " * 1_000_000}]}),
    "many features": json.dumps(
        {"features": [{"attributes": {"no_ruas": "R-1", "objectid": n}} for n in range(25_000)]}
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("act", ACTS)
async def test_an_answer_that_takes_long_to_read_does_not_hold_the_loop(act: str, what: str):
    await assert_loop_goes_on(lambda: outcome_of(ACTS[act], says(HOSTILE[what])))


@pytest.mark.parametrize("charset", ["punycode", "idna", "zlib_codec", "no-such-charset"])
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("status", [400, 503])
async def test_no_text_is_read_in_the_charset_that_an_agency_names(act: str, status: int, charset: str):
    text = b"abcdefg-" * 150_000
    attacker = says(text, status, {"content-type": f"text/plain; charset={charset}"})
    await assert_loop_goes_on(lambda: outcome_of(ACTS[act], attacker))


UNREADABLE = ["an integer without end", "brackets without end", "objects in objects", "a thousand levels"]


@pytest.mark.parametrize("what", UNREADABLE)
@pytest.mark.parametrize("act", sorted(set(ACTS) - {"kemendagri data-balikan"}))
async def test_an_answer_that_cannot_be_read_is_the_agencys_fault(act: str, what: str):
    outcome = await outcome_of(ACTS[act], says(HOSTILE[what]))
    assert outcome is Failure.TRANSIENT or isinstance(outcome, AgencyUnavailable)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6) | st.just("9" * 5000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = [
    "data",
    "content",
    "CONTENT",
    "RESPON",
    "RESPONSE_CODE",
    "quotaLimiter",
    "features",
    "attributes",
    "no_ruas",
    "objectid",
    "objectIdFieldName",
    "exceededTransferLimit",
    "error",
    "code",
    "success",
    "__type",
    "addResults",
    "updateResults",
    "api_status",
    "api_message",
    "results",
    "status",
    "title",
    "tracking_id",
    "reporter",
    "NIK",
    "NAMA_LGKP",
    "TGL_LHR",
    "id",
    "tahun",
    "nilai",
    "volume_rk",
    "nilai_usulan",
    "pelaksana",
    "jenis",
    "id_detail_rincian",
    "longitude",
    "latitude",
    "attachments",
    "created_at",
    "is_anonymous",
]
EXAMPLES = hypothesis_settings().max_examples
ODD = st.recursive(
    ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5),
    max_leaves=12,
)


@pytest.mark.parametrize("act", ACTS)
@hypothesis_settings(
    max_examples=EXAMPLES * 3 // 5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(answer=st.dictionaries(st.sampled_from(MEMBERS), ODD, max_size=6) | ODD, status=st.sampled_from([200, 400]))
async def test_no_answer_however_odd_is_a_defect_of_an_adapter(act: str, answer: Any, status: int):
    # Python's writer also writes what is no JSON, such as NaN and half a surrogate pair.
    await outcome_of(ACTS[act], says(python_json.dumps(answer).encode(), status))


async def test_half_a_surrogate_pair_in_one_complaint_keeps_no_other_from_being_read():
    body = json.dumps([a_complaint(content="potong@"), a_complaint(tracking_id="9000002")]).replace(b"@", b"\\ud83d")
    rows = await complaints(body)
    assert [row.data["isi"] for row in rows] == ["potong\ud83d", "Lubang"]


async def complaints(body: bytes) -> Sequence[Row]:
    polled = await ksp(says(body)).poll("laporan", None)
    return polled.rows.rows if polled.rows else []


@pytest.mark.parametrize("odd", [b"potong\xe9", b"potong\xed\xa0\xbd", b"baris\nbaru", b"tab\t", b"kendali\x01"])
async def test_bytes_that_no_json_has_in_one_complaint_keep_no_other_from_being_read(odd: bytes):
    body = json.dumps([a_complaint(content="@"), a_complaint(tracking_id="9000002")]).replace(b"@", odd)
    assert [row.key for row in await complaints(body)] == ["9000001", "9000002"]


async def test_a_number_without_end_in_one_complaint_keeps_no_other_from_being_read():
    body = json.dumps([a_complaint(kecamatan=0), a_complaint(tracking_id="9000002")]).replace(
        b":0}", b":" + b"9" * 5000 + b"}"
    )
    assert b"9" * 5000 in body
    assert [row.key for row in await complaints(body)] == ["9000001", "9000002"]


async def test_a_byte_order_mark_before_an_answer_is_read_over():
    assert len(await complaints(b"\xef\xbb\xbf" + json.dumps([a_complaint()]))) == 1


@pytest.mark.parametrize(
    "reporter", [{"name": "Sutarjo Rekaan", "alamat": "x" * 20_000}, {f"nama{n}": f"Sutarjo {n}" for n in range(30)}]
)
async def test_a_reporter_of_whom_too_much_is_said_is_not_exposed(reporter: dict[str, str]):
    body = json.dumps([a_complaint(reporter=reporter, title="Dari Sutarjo", content="Saya Sutarjo Rekaan.")])
    (row,) = await complaints(body)
    assert "utarjo" not in repr(row)


async def test_a_complaint_that_is_too_long_to_search_exposes_nobody():
    body = json.dumps([a_complaint(reporter={"name": "Sutarjo"}, content="Sutarjo " * 50_000)])
    (row,) = await complaints(body)
    assert "utarjo" not in repr(row)


async def test_pages_of_followups_are_not_kept_until_the_last_one():
    number = iter(range(1000))

    def answers(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[{"content": f"{next(number)}" + "x" * 3_000_000, "status": "Diproses"}])

    attacker = Attacker(answers)
    (outcome,) = await ksp(attacker).deliver("tindak-lanjut", [a_delivered_event(FOLLOWUP)])
    assert (outcome.failure, attacker.asked < 10) == (Failure.TRANSIENT, True)


async def test_pages_of_features_have_a_bound_together():
    def answers(request: httpx.Request) -> httpx.Response:
        features = [{"attributes": {"no_ruas": "R-1", "objectid": n, "x": "y" * 300}} for n in range(10_000)]
        return httpx.Response(200, json={"features": features, "exceededTransferLimit": True})

    attacker = Attacker(answers)
    assert await outcome_of(ACTS["pupr ruas-jalan"], attacker) is Failure.TRANSIENT
    assert attacker.asked < 10


async def test_a_list_of_more_rows_than_the_cursor_may_remember_is_a_fault():
    rows = b",".join(b'{"id":%d}' % n for n in range(30_000))
    with pytest.raises(AgencyFault, match="rows"):
        await kominfo(says(b'{"api_status": 1, "data": [' + rows + b"]}")).poll("indikator", None)


async def test_an_answer_that_is_packed_twice_is_not_unpacked():
    packed = gzip.compress(gzip.compress(b"0" * 200_000_000, 9), 9)
    attacker = says(packed, headers={"content-encoding": "gzip, gzip"})
    async with attacker.http() as http:
        with pytest.raises(AgencyFault, match="packed"):
            await send_request(http, "Badan", http.build_request("GET", "/data"))


TOKENS = {
    "a line break": '"t\\r\\nx: y"',
    "no ASCII": '"t\\u00e9"',
    "a blank": '"t t"',
    "nothing": '""',
    "null": "null",
    "an object": "{}",
    "a megabyte": f'"{"t" * 60_000}"',
}
LIFETIMES = ['"soon"', "-5", "0", '"NaN"', '"inf"', "null", "true", "[]", "9" * 400, f'"{"9" * 5000}"', "1e999"]


@pytest.mark.parametrize("token", TOKENS)
async def test_a_token_that_no_header_takes_stops_an_adapter_no_longer_than_it_is_issued(token: str):
    attacker = Attacker(lambda _: httpx.Response(200, json=[]), b'{"access_token": %b}' % TOKENS[token].encode())
    adapter = ksp(attacker)
    with pytest.raises(AgencyFault):
        await adapter.poll("laporan", None)
    attacker.token = b'{"access_token": "t", "expires_in": 3600}'
    assert (await adapter.poll("laporan", None)).rows is None


@pytest.mark.parametrize("lifetime", LIFETIMES)
async def test_a_token_whose_end_nobody_can_tell_is_refused(lifetime: str):
    attacker = Attacker(
        lambda _: httpx.Response(200, json=[]), b'{"access_token": "t", "expires_in": %b}' % lifetime.encode()
    )
    with pytest.raises(AgencyFault):
        await ksp(attacker).poll("laporan", None)
