"""What an agency pushes goes through the gate as a poll's rows, and is acknowledged after the commit alone."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bus import shipped
from bus.agencies.poller import TooManySetAside
from bus.declared import load_document
from bus.limits import Rate
from bus.settings import SettingsWrong
from bus.storage import StorageFull
from tests.a_bus import Bus
from tests.agencies.a_polled_agency import CLOSED, OPEN, a_row
from tests.agencies.a_pushing_agency import (
    ACCEPTED,
    DENIED,
    KEYED,
    PASSWORD,
    PATH,
    REFUSED,
    SETTINGS,
    USER,
    APushedBus,
    sign,
)
from tests.an_actor import OPERATOR
from tests.builders import a_nik
from tests.contracts.documents import shipped as read_shipped

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LONG = "x" * 30


@pytest.fixture
def pushed(bus: Bus) -> APushedBus:
    """A bus whose contract takes what the agency pushes."""
    made = APushedBus(bus, SETTINGS, {})
    made.agree()
    return made


def keyed(bus: Bus, **changes: Any) -> APushedBus:
    """A bus to which the agency pushes with a key in a header."""
    made = APushedBus(bus, SETTINGS, {"verify": KEYED, "values": {}, **changes})
    made.agree()
    return made


async def test_a_push_is_in_the_journal_when_it_is_acknowledged(pushed: APushedBus) -> None:
    answer = await pushed.push(a_row(1), a_row(2))
    assert (answer.status_code, answer.json()) == (200, ACCEPTED)
    assert pushed.told() == [(a_nik(1), "Siti"), (a_nik(2), "Siti")]


async def test_a_push_that_comes_again_is_acknowledged_and_changes_nothing(pushed: APushedBus) -> None:
    answers = await asyncio.gather(*(pushed.push(a_row(1)) for _ in range(5)))
    assert [one.json() for one in answers] == [ACCEPTED] * 5
    assert pushed.told() == [(a_nik(1), "Siti")]


@on_sqlite
async def test_a_row_that_returns_to_an_earlier_state_is_news(pushed: APushedBus) -> None:
    for name in ("Siti", "Budi", "Siti"):
        assert (await pushed.push(a_row(1, name))).json() == ACCEPTED
    assert [name for _, name in pushed.told()] == ["Siti", "Budi", "Siti"]


@on_sqlite
@pytest.mark.parametrize(
    "headers",
    [{}, {"token": ""}, sign(a_nik(1), "lain"), sign(a_nik(2)), sign(a_nik(1), days=-2), {"token": "é"}],
    ids=["no proof", "empty", "wrong password", "of another row", "of another day", "no hex"],
)
async def test_a_wrong_proof_publishes_nothing(pushed: APushedBus, headers: dict[str, str]) -> None:
    told = {name: value.encode() for name, value in headers.items()}
    answer = await pushed.http.post(PATH, json={"warga": [a_row(1)]}, headers=told)
    assert (answer.status_code, answer.json()) == (200, DENIED)
    assert pushed.told() == []


@on_sqlite
@pytest.mark.parametrize(
    "row",
    [
        '"nik": "MINE", "nik": "{0}"',
        '"nik": "{0}", "NIK": "MINE"',
        '"Nik": "MINE", "nik": "{0}"',
        '"nik": "{0}", " nik ": "MINE"',
        '"nik": "{0}", "n_i_k": "MINE"',
        '"nik": "{0}", "ni-k": "MINE"',
        '"n\\u0069k": "MINE", "nik": "{0}"',
        '"nik": "{0}", "\uff4eik": "MINE"',
        '"nik": "{0}", "ni\u212a": "MINE"',
        '"nik": "{0}", "ni\u200bk": "MINE"',
        '"nik": "{0}"}], "WARGA": [{"nik": "MINE"',
    ],
)
async def test_a_signature_vouches_for_no_other_member_whose_name_folds_to_the_same(bus: Bus, row: str) -> None:
    pushed = APushedBus(bus, SETTINGS, {"fold": True})
    pushed.agree()
    text = '{"warga": [{' + row.replace("{0}", a_nik(1)).replace("MINE", a_nik(2)) + "}]}"
    answer = await pushed.http.post(PATH, content=text.encode(), headers=sign(a_nik(1)))
    assert (answer.json(), pushed.told()) == (REFUSED, [])


@on_sqlite
async def test_two_members_of_one_name_are_refused_of_an_agency_that_signs_nothing_too(bus: Bus) -> None:
    pushed = keyed(bus)
    text = f'{{"warga": [{{"nik": "{a_nik(1)}", "nama": "Siti", "nama": "Budi"}}]}}'
    answer = await pushed.http.post(PATH, content=text, headers={"x-api-key": PASSWORD})
    assert (answer.json(), pushed.told()) == (REFUSED, [])


@on_sqlite
async def test_names_that_differ_are_no_one_name(bus: Bus) -> None:
    pushed = APushedBus(bus, SETTINGS, {"fold": True})
    pushed.agree()
    assert (await pushed.push({**a_row(1), "kode_1": 1, "kode1": 2, "nama_lain": "x"})).json() == ACCEPTED
    assert pushed.told() == [(a_nik(1), "Siti")]


@on_sqlite
async def test_an_address_with_many_wrong_proofs_is_refused_before_its_proof_is_looked_at(bus: Bus) -> None:
    pushed = APushedBus(bus, SETTINGS, {}, Rate(3, 86_400))
    pushed.agree()
    assert (await pushed.push(a_row(9))).json() == ACCEPTED
    for _ in range(3):
        assert (await pushed.push(a_row(1), headers=sign(a_nik(1), "lain"))).json() == DENIED
    answer = await pushed.push(a_row(1))
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:bus:problem:logins-limited")
    assert pushed.told() == [(a_nik(9), "Siti")]


@on_sqlite
async def test_an_agency_without_a_form_for_it_gets_401_and_a_problem(bus: Bus) -> None:
    pushed = keyed(bus, denied=None)
    answer = await pushed.push(a_row(1), headers={"x-api-key": "salah"})
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:bus:problem:push-denied")
    assert answer.headers["www-authenticate"]
    assert (await pushed.push(a_row(1), headers={"x-api-key": PASSWORD})).json() == ACCEPTED


@on_sqlite
async def test_a_secret_that_nobody_gave_lets_nobody_in(bus: Bus) -> None:
    settings = {name: value for name, value in SETTINGS.items() if name != "password"}
    pushed = APushedBus(bus, settings, {"verify": KEYED, "values": {}})
    pushed.agree()
    assert (await pushed.push(a_row(1), headers={"x-api-key": ""})).json() == DENIED
    assert (await pushed.push(a_row(1), headers={})).json() == DENIED


@on_sqlite
@pytest.mark.parametrize("blank", ["", " ", "\t \n", "\u00a0", "\u200b", "\0"])
async def test_a_blank_secret_of_a_push_stops_the_start(bus: Bus, blank: str) -> None:
    with pytest.raises(SettingsWrong, match=r"BUS_ADAPTERS__BADAN__PASSWORD: .*blank"):
        APushedBus(bus, {**SETTINGS, "password": blank}, {"verify": KEYED, "values": {}})


async def test_a_bad_row_is_set_aside_and_the_agency_is_told(pushed: APushedBus) -> None:
    for _ in range(2):
        answer = await pushed.push(a_row(1), a_row(2, LONG))
        assert answer.json() == REFUSED
    assert pushed.told() == [(a_nik(1), "Siti")]
    assert list(pushed.aside()) == [a_nik(2)]


@on_sqlite
async def test_a_mended_row_leaves_the_list(pushed: APushedBus) -> None:
    assert (await pushed.push(a_row(1, LONG))).json() == REFUSED
    assert (await pushed.push(a_row(1))).json() == ACCEPTED
    assert pushed.aside() == {}


@on_sqlite
async def test_a_refused_row_is_taken_under_a_wider_contract(pushed: APushedBus) -> None:
    assert (await pushed.push(a_row(1, LONG))).json() == REFUSED
    pushed.agree("2.0.0", schema=OPEN)
    assert (await pushed.push(a_row(1, LONG))).json() == ACCEPTED
    assert pushed.aside() == {}


@on_sqlite
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"warga": []}', b'{"warga": 7}', b'{"lain": 1}', b"\xff" * 9])
async def test_a_body_without_rows_is_refused(bus: Bus, body: bytes) -> None:
    pushed = keyed(bus)
    answer = await pushed.http.post(PATH, content=body, headers={"x-api-key": PASSWORD})
    assert (answer.status_code, answer.json()) == (200, REFUSED)


@on_sqlite
async def test_nothing_is_acknowledged_that_was_not_committed(
    pushed: APushedBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> Sequence[Any]:
        raise StorageFull("the disk is full")

    monkeypatch.setattr(pushed.bus.rooms.appender, "append", fail)
    assert (await pushed.push(a_row(1))).status_code == 507
    monkeypatch.undo()
    assert (await pushed.push(a_row(1))).json() == ACCEPTED
    assert pushed.told() == [(a_nik(1), "Siti")]


@on_sqlite
async def test_the_answer_waits_for_the_commit(pushed: APushedBus, monkeypatch: pytest.MonkeyPatch) -> None:
    appender, may_commit, asked = pushed.bus.rooms.appender, asyncio.Event(), asyncio.Event()
    append = appender.append

    async def wait(*given: Any, **named: Any) -> Any:
        asked.set()
        await may_commit.wait()
        return await append(*given, **named)

    monkeypatch.setattr(appender, "append", wait)
    answering = asyncio.create_task(pushed.push(a_row(1)))
    await asked.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    assert not answering.done()
    may_commit.set()
    assert (await answering).json() == ACCEPTED


@on_sqlite
async def test_a_paused_agency_is_told_to_come_again(pushed: APushedBus) -> None:
    pushed.bus.rooms.pauses.pause("badan", "terima", "pemeliharaan", OPERATOR)
    answer = await pushed.push(a_row(1))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    # The operator's reason is for the agency, and for no stranger.
    assert "pemeliharaan" not in (await pushed.push(a_row(1), headers={})).text
    assert pushed.told() == []


@on_sqlite
async def test_a_push_without_a_contract_waits(bus: Bus) -> None:
    answer = await APushedBus(bus, SETTINGS, {}).push(a_row(1))
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


@on_sqlite
async def test_an_adapter_that_is_off_answers_later_and_an_unknown_one_never(bus: Bus) -> None:
    # `oss` ships with the bus, and has no settings here.
    http = bus.reader("dinkes")
    off = await http.post("/v1/agencies/oss/push/nib")
    assert (off.status_code, "retry-after" in off.headers) == (503, True)
    assert "BUS_ADAPTERS" not in off.text
    assert (await http.post("/v1/agencies/tidakada/push/nib")).status_code == 404


@on_sqlite
async def test_an_operation_that_is_no_push_takes_none(pushed: APushedBus) -> None:
    assert (await pushed.push(a_row(1), path="/v1/agencies/badan/push/lain")).status_code == 404


@on_sqlite
@pytest.mark.parametrize(("size", "status"), [(60, 200), (70, 413)])
async def test_a_body_is_bounded_before_its_proof_is_known(pushed: APushedBus, size: int, status: int) -> None:
    row = {**a_row(1, LONG), "catatan": "x" * size * 1024}
    assert (await pushed.push(row)).status_code == status


@on_sqlite
@pytest.mark.parametrize(("size", "status"), [(900, 200), (1030, 413), (3000, 413)])
async def test_a_body_is_bounded_behind_its_proof(bus: Bus, size: int, status: int) -> None:
    row = {**a_row(1, LONG), "catatan": "x" * size * 1024}
    assert (await keyed(bus).push(row, headers={"x-api-key": PASSWORD})).status_code == status


@on_sqlite
async def test_whoever_does_not_prove_himself_has_no_body_read(bus: Bus) -> None:
    pushed, read = keyed(bus), 0

    async def parts() -> Any:
        nonlocal read
        for _ in range(4):
            read += 1
            yield b"x" * 1024

    answer = await pushed.http.post(PATH, content=parts(), headers={"x-api-key": "salah"})
    assert (answer.json(), read) == (DENIED, 0)


@on_sqlite
async def test_a_push_is_refused_while_too_many_rows_are_set_aside(
    pushed: APushedBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bus.agencies.pushes.MOST_SET_ASIDE", 1)
    assert (await pushed.push(a_row(1, LONG))).json() == REFUSED
    answer = await pushed.push(a_row(2, LONG))
    assert answer.json()["type"].endswith(TooManySetAside.slug)


@on_sqlite
async def test_a_push_of_more_rows_than_a_list_may_have_is_refused(
    pushed: APushedBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bus.agencies.pushes.MOST_ROWS", 2)
    assert (await pushed.push(a_row(1), a_row(2), a_row(3))).json() == REFUSED
    assert pushed.told() == []
    assert (await pushed.push(a_row(1), a_row(2))).json() == ACCEPTED


def test_the_contract_of_these_tests_bounds_names() -> None:
    assert CLOSED["properties"]["nama"]["maxLength"] < len(LONG)  # type: ignore[index]


@on_sqlite
async def test_oss_sends_a_nib_as_its_interface_says(bus: Bus) -> None:
    document = load_document(shipped.ADAPTERS / "oss.yaml")
    settings = {"user_key": "x", "user_key_hosts": "api-prd.oss.go.id", "push_user": USER, "push_password": PASSWORD}
    pushed = APushedBus(bus, settings, {}, document=document)
    bus.rooms.catalogue.registrar.apply([read_shipped(shipped.CONTRACTS / "perizinan/data-nib.yaml")], OPERATOR)
    nib, path = "9120200012345", "/v1/agencies/oss/push/nib"
    body = {"dataNIB": {"nib": nib, "nama_perseroan": "-", "perseroan_daerah_id": "3524142003", "data_proyek": [{}]}}
    answers = [
        await pushed.http.post(path, json=body, headers=headers)
        for headers in (sign(nib), sign(nib), sign(nib, "lain"), {})
    ]
    assert [one.status_code for one in answers] == [200] * 4
    assert [one.json()["responreceiveNIB"]["status"] for one in answers] == ["1", "1", "2", "2"]
    (event,) = pushed.events()
    assert (event["type"], event["subject"]) == ("perizinan.data-nib", nib)
    assert event["data"] == {"nib": nib, "kode_wilayah": "35.24.14.2003"}
    body["dataNIB"]["nib"] = "912"
    refused = await pushed.http.post(path, json=body, headers=sign("912"))
    assert refused.json()["responreceiveNIB"]["status"] == "2"
    assert len(pushed.events()) == 1
