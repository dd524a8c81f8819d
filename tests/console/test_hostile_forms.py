"""Hostile fields: every form and every page gets values that break readers. None of them is a fault of the bus."""

from collections.abc import Iterator, Sequence
from typing import Final

import pytest

from bus.limits import Limit
from bus.staff import Role
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.console.a_console import Browser, token_in
from tests.console.test_who_sees_what import TABLE, Site, only_sqlite

_NAMES: Final = (
    "alamat alasan antrean atribut baru bentuk cara catatan dari dasar data diketahui diterima dokumen hari jawaban jenis kantor "
    "keadaan klien kode kontrak label lama mulai nama nama-lengkap nik nilai nomor objek peran peserta pks posisi sampai sandi "
    "saringan sebelum sejak setelah siapa tanda tujuan ulang urutan versi waktu yakin"
)
FIELDS: Final = (*_NAMES.split(" "), *map(str, Limit))
NUL: Final = "a\0b"
VALUES: Final = {
    "figures without end": "9" * 5_000,
    "figures of another script": "٣" * 12,
    "the first day": "0001-01-01",
    "the first moment": "0001-01-01T00:00",
    "the last moment": "9999-12-31T23:59:59+00:00",
    "markup": "<svg onload=alert(1)>{{7*7}}%(a)s",
    "a number that is none": "1e999",
    "depth": "[" * 3_000,
    "half a pair": "\\ud800",
}
_LONGEST_FORM: Final = 40_000
_LONGEST_QUERY: Final = 240
_TOGETHER: Final = (["sejak", "sampai"], ["klien", "diketahui"], list(FIELDS))
"""Parameters that come together; each of the others comes alone, since one wrong parameter hides the others."""


def members_for(site: Site, method: str) -> Iterator[tuple[str, str, Browser]]:
    """Each operation with its path and a member who may do it. Acts that end something come last."""
    known: dict[Role, Browser] = {}
    for operation in sorted(TABLE, key=lambda one: any(last in one for last in ("cabut", "tutup", "hapus", "akhiri"))):
        template = operation.partition(" ")[2]
        if not operation.startswith(method) or any(one in template for one in ("keluar", "langsung", "{digest}")):
            continue
        roles = TABLE[operation] or frozenset({Role.OPERATOR})
        role = Role.APP_OWNER if Role.APP_OWNER in roles else sorted(roles)[0]
        if role not in known:
            known[role] = site.console.member(role, name=f"uji-{method.lower()}-{len(known)}")
        named = template.replace("{secret}", "x").replace("{language}", "id").replace("{rest:path}", "x")
        yield operation, site.fill(named), known[role]


def split(value: str) -> list[Sequence[str]]:
    """The fields in forms that are not too large."""
    each = max(1, _LONGEST_FORM // (3 * len(value)))
    return [FIELDS[begin : begin + each] for begin in range(0, len(FIELDS), each)]


async def send_everywhere(site: Site, value: str) -> None:
    tokens: dict[int, str] = {}
    for operation, path, member in members_for(site, "POST"):
        if id(member) not in tokens:
            tokens[id(member)] = token_in(await member.look("/konsol/sesi"))
        for names in split(value):
            answer = await member.http.post(path, data={"token": tokens[id(member)]} | dict.fromkeys(names, value))
            assert answer.status_code < 500, (operation, answer.text)
            assert answer.status_code != 413, operation
            assert "<svg onload" not in answer.text, operation


async def look_everywhere(site: Site, value: str) -> None:
    window = {"klien": "client_x", "sejak": "2026-01-01T00:00", "sampai": "2026-01-02T00:00"}
    for operation, path, member in members_for(site, "GET"):
        for names in (*_TOGETHER, ["hari"], ["sebelum"], ["setelah"], ["kontrak"]):
            asked = (window if "diketahui" in names else {}) | dict.fromkeys(names, value[:_LONGEST_QUERY])
            answer = await member.http.get(path, params=asked | ({"klien": "client_x"} if len(names) == 2 else {}))
            assert answer.status_code < 500, (operation, names, answer.text)
            assert "<svg onload" not in answer.text, (operation, names)


@only_sqlite
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
async def test_no_field_breaks_a_form_and_no_parameter_a_page(bus: Bus, value: str):
    site = Site(bus)
    await send_everywhere(site, value)
    await look_everywhere(site, value)


async def test_no_field_with_a_sign_that_a_database_refuses_breaks_a_form(bus: Bus):
    site = Site(bus)
    await send_everywhere(site, NUL)
    await look_everywhere(site, NUL)


@only_sqlite
async def test_forms_without_end_are_counted_as_requests_of_the_participant(bus: Bus):
    site = Site(bus)
    bus.rooms.limits.register.put("bapenda", {"manage": "3/60s"}, OPERATOR)
    bus.rooms.limits.refresh()
    owner, operator = site.console.member(Role.APP_OWNER), site.console.member(Role.OPERATOR)
    token = token_in(await owner.look("/konsol/sesi"))
    pause = f"/konsol/penerima/{site.own}/jeda"
    told = [(await owner.http.post(pause, data={"token": token})).status_code for _ in range(5)]
    assert told == [303, 303, 303, 429, 429]
    assert (await operator.send(pause)).status_code == 303
    assert (await owner.look("/konsol/penerima")).status_code == 200
