"""Digests of ranges of keys: a consumer finds what differs in its copy, and learns nothing of what its grant hides."""

import asyncio
import json
from base64 import urlsafe_b64decode
from hashlib import sha256
from typing import Any

import httpx
import pytest

from bus.disclosures import Wanted
from bus.http.cursors import Listing, Place, write_place, write_position
from tests.a_bus import Bus
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person

RECORDS = f"/v1/records/{WARGA}"
DIGEST = f"{RECORDS}/digest"
SEMBUNG = [{"exact": {"desa": "sembung"}}]

only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def digests(client: httpx.AsyncClient, **params: Any) -> list[tuple[str, int, str]]:
    """All ranges, from as many answers as they take."""
    found, after = [], ""
    while after is not None:
        answer = await client.get(DIGEST, params=params | {"after": after})
        assert answer.status_code == 200, answer.text
        found += [(one["to"], one["count"], one["digest"]) for one in answer.json()["ranges"]]
        after = answer.json()["next"]
    return found


def expect(copy: dict[str, Any], size: int) -> list[tuple[str, int, str]]:
    """The ranges of a copy, as a consumer computes them with nothing of the bus."""
    keys = sorted(copy, key=str.encode)
    ranges = []
    for start in range(0, len(keys), size):
        some = keys[start : start + size]
        lines = [
            json.dumps([key, copy[key]], sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
            for key in some
        ]
        ranges.append((some[-1], len(some), sha256("".join(lines).encode()).hexdigest()))
    return ranges


async def test_a_copy_has_the_digests_of_its_state_though_the_bus_went_on(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    people = {
        key: a_person(nik=key, nama=f"Rekaan \u00e9 {key}")
        for key in ("b", "B", "a", "\u00e9", "z/1", "\U0001f600", "\uffdc")
    }
    await bus.publish_all([*people.values(), a_person(nik="gone"), a_person(nik="b", nama="Lama"), people["b"]])
    await bus.publish(None, subject="gone")
    client = bus.reader("dinkes")
    at = (await client.get(RECORDS)).json()["next"]
    await bus.publish_all([a_person(nik="a", nama="Baru"), a_person(nik="c"), a_person(nik="a", nama="Lagi")])
    await bus.publish(None, subject="B")
    for size in (1, 2, 100):
        assert await digests(client, at=at, size=size) == expect(people, size)
    assert await digests(client) != expect(people, 1000)


async def test_one_range_is_asked_again_record_by_record(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    people = {a_nik(n): a_person(n) for n in range(20)}
    await bus.publish_all([*people.values()])
    client = bus.reader("dinkes")
    some = {key: one for key, one in people.items() if a_nik(4) < key <= a_nik(9)}
    assert await digests(client, above=a_nik(4), to=a_nik(9), size=1) == expect(some, 1)


@only_once
async def test_long_work_comes_in_several_answers(bus: Bus, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bus.http.record_digest._MOST_RECORDS", 4)
    bus.apply(a_document(a_grant("desa-sembung", rows=SEMBUNG)))
    people = {a_nik(n): a_person(n) for n in (0, 1, 2, 11)}
    await bus.publish_all([*people.values(), *(a_person(n, desa="paciran") for n in range(3, 11))])
    client = bus.reader("desa-sembung")
    first = (await client.get(DIGEST)).json()
    second = (await client.get(DIGEST, params={"after": first["next"]})).json()
    assert [one["to"] for one in first["ranges"]] == [a_nik(2)]
    # Nothing here tells of the records that the reader may not see.
    assert second["ranges"] == []
    assert a_nik(7) not in json.dumps(second)
    assert await digests(client, size=1) == expect(people, 1)


@only_once
async def test_a_hidden_field_changes_no_digest(bus: Bus):
    bus.apply(a_document(a_grant("dinsos", fields=["/nik", "/desa"], mask={"/desa": "redact"})))
    seen = []
    for nama, desa in (("Lama", "sembung"), ("Baru", "paciran")):
        await bus.publish(a_person(1, nama=nama, desa=desa))
        seen.append(await digests(bus.reader("dinsos")))
    assert seen[0] == seen[1] == expect({a_nik(1): {"nik": a_nik(1), "desa": "***"}}, 1)


@only_once
async def test_a_copy_with_fewer_fields_is_compared_with_fewer(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish(a_person(1))
    assert await digests(bus.reader("dinkes"), fields="/nama") == expect({a_nik(1): {"nama": "Rekaan 1"}}, 1)


@only_once
async def test_digests_leave_a_disclosure_of_their_records(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    positions = await bus.publish_all([a_person(n) for n in range(3)])
    await digests(bus.reader("dinkes"), above=a_nik(0))
    (found,) = await asyncio.to_thread(bus.rooms.disclosures.search, Wanted(participant="dinkes"), None, 10)
    assert list(found.positions) == positions[1:]


@only_once
async def test_no_cursor_tells_between_which_keys_a_hidden_one_is(bus: Bus, monkeypatch: pytest.MonkeyPatch):
    """In a cursor that anybody reads or writes, a position would place the hidden record of that `sequence`."""
    monkeypatch.setattr("bus.http.record_digest._MOST_RECORDS", 2)
    bus.apply(a_document(a_grant("dinkes", rows=SEMBUNG), a_grant("bapenda", rows=SEMBUNG)))
    await bus.publish_all([a_person(n, desa="sembung" if n % 2 else "lain") for n in range(1, 7)])
    client = bus.reader("dinkes")
    cursor = (await client.get(DIGEST)).json()["next"]
    assert (await client.get(DIGEST, params={"after": cursor})).json()["ranges"][0]["to"] == a_nik(3)
    assert WARGA.encode() not in urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for tried in (write_position(Listing.FEED, WARGA, 4), cursor[:-1], f"{cursor}A", f"{cursor} ", "é"):
        assert (await client.get(DIGEST, params={"after": tried})).status_code == 400
    assert (await bus.reader("bapenda").get(DIGEST, params={"after": cursor})).status_code == 400


@only_once
async def test_who_sees_keys_masked_gets_no_digest_by_key(bus: Bus):
    bus.apply(a_document(a_grant("bapenda", mask={"/nik": "pseudonym"})))
    await bus.publish(a_person(1))
    answer = await bus.reader("bapenda").get(DIGEST)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:bus:problem:key-hidden")


@only_once
@pytest.mark.parametrize(
    ("place", "status", "slug"),
    [(Place(1, 0, 2), 400, "pass-unfinished"), (Place(9, 9), 410, "cursor-gone"), (Place(0, 0), 409, "state-too-old")],
)
async def test_a_state_that_no_copy_can_have_is_refused(
    bus: Bus, place: Place, status: int, slug: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bus.http.page._FAR", 1)
    bus.apply(a_document(a_grant("dinkes")))
    await bus.publish_all([a_person(1), a_person(2)])
    answer = await bus.reader("dinkes").get(DIGEST, params={"at": write_place(WARGA, place)})
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:bus:problem:{slug}")


@only_once
async def test_a_digest_needs_a_grant(bus: Bus):
    bus.apply(a_document(a_grant("dinkes")))
    assert (await bus.reader("bapenda").get(DIGEST)).status_code == 403
