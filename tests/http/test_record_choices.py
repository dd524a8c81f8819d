"""Records chosen by the index of their values: the same answers as without it, from less reading."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from bus.contracts import WantedRows
from bus.journal import Projection, ValueIndex, value_index
from bus.storage import Storage
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person
from tests.storage.a_plan import plans

RECORDS = f"/v1/records/{WARGA}"
OPEN = {
    "type": "object",
    "properties": {"nik": {"type": "string"}, "desa": {}, "lahir": {"type": "object", "properties": {"tempat": {}}}},
    "required": ["nik"],
}
DESA = ["35.24.01", "35.24.02", "35.24.02.2001", "35.25", 35.24, 35, 35.0, True, "true", None, "x" * 70, "x" * 69 + "y"]
PLACES = ["Babat", "Babatan", "Lamongan", 7]
CHOICES = [
    {"exact": "/desa=35.24.01"},
    {"exact": "/desa=35"},
    {"exact": "/desa=35.240"},
    {"exact": "/desa=true"},
    {"exact": f"/desa={'x' * 70}"},
    {"prefix": "/desa=35.24.0"},
    {"prefix": "/desa=35"},
    {"prefix": f"/desa={'x' * 69}"},
    {"prefix": "/lahir/tempat=Babat", "exact": "/desa=35.24.02"},
    {"exact": ["/lahir/tempat=Babat", "/desa=35.24.02"]},
]
VILLAGE = {"exact": {"/desa": "35.24.01"}}
ROUNDS = 15
ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def no_index() -> Iterator[None]:
    with patch("bus.journal.read.find_choice", return_value=None):
        yield


def a_choice(dialect: str, pointer: str, value: str) -> list[WantedRows]:
    return [WantedRows(dialect, pointer, value)]


class Course:
    """A random course of what happens to a bus, with an index that lags now more and now less."""

    def __init__(self, bus: Bus, storage: Storage, seed: int) -> None:
        self.random = Random(seed)
        self.bus = bus
        self.index = ValueIndex(storage, bus.rooms.catalogue)
        self._projection = Projection(storage)
        self._versions: list[str] = []
        self._number = 0

    def change_the_version(self) -> None:
        filterable = self.random.choice([["/desa"], ["/desa", "/lahir/tempat"], ["/lahir/tempat", "/desa"], []])
        mask = self.random.choice([None, None, {"/lahir/tempat": "redact"}])
        self._number += 1
        version = f"1.{self._number}.0"
        grant = a_grant("dinkes", mask=mask)
        # One version in force always lets the consumer choose by both.
        first = {"filterable": ["/desa", "/lahir/tempat"]} if not self._versions else {"filterable": filterable}
        village = a_grant("desa-sembung", rows=[VILLAGE])
        self.bus.apply(
            a_document(grant if self._versions else a_grant("dinkes"), village, schema=OPEN, version=version, **first)
        )
        self._versions.append(version)
        if len(self._versions) > 2:
            self.bus.rooms.catalogue.registrar.retire(WARGA, self._versions.pop(1), OPERATOR)

    async def write(self) -> None:
        version = self.random.choice(self._versions)
        people = [
            a_person(
                self.random.randrange(30), desa=self.random.choice(DESA), lahir={"tempat": self.random.choice(PLACES)}
            )
            for _ in range(self.random.randrange(1, 8))
        ]
        await self.bus.publish_all(people, dataschema=version)
        if self.random.random() < 0.5:
            await self.bus.publish(None, subject=a_nik(self.random.randrange(30)), dataschema=version)

    def index_some(self) -> None:
        if self.random.random() < 0.5:
            self._projection.reach_end()
        for _ in range(self.random.randrange(4)):
            self.index.take_step()


async def read_pass(client: httpx.AsyncClient, asked: dict[str, Any]) -> list[bytes]:
    """The pages of a pass, up to the one that brings nothing."""
    pages: list[bytes] = []
    after = asked["after"]
    while True:
        page = await client.get(RECORDS, params={**asked, "after": after})
        assert page.status_code == 200, page.text
        pages.append(page.content)
        if page.json()["next"] == after:
            return pages
        after = page.json()["next"]


@pytest.mark.parametrize(("seed", "consumer"), [(0, "dinkes"), (1, "dinkes"), (2, "desa-sembung")])
async def test_the_index_answers_as_reading_all_does(
    bus: Bus, storage: Storage, seed: int, consumer: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(value_index, "_MOST_VALUES", 3)
    monkeypatch.setattr(value_index, "_STEP", 5)
    monkeypatch.setattr(value_index, "_DELETED", 7)
    course = Course(bus, storage, seed)
    course.change_the_version()
    client, cursors = bus.reader(consumer), [""]
    for _ in range(ROUNDS):
        await course.write()
        course.index_some()
        if course.random.random() < 0.2:
            course.change_the_version()
        choice = course.random.choice(CHOICES)
        asked = {**choice, "after": course.random.choice(cursors), "limit": course.random.choice((1, 2, 5, 100))}
        first = await client.get(RECORDS, params=asked)
        await course.write()
        # A pass that others write beside: its state is behind the newest events.
        cursors.append(first.json()["next"])
        found = await read_pass(client, asked)
        with no_index():
            assert await read_pass(client, asked) == found


async def test_a_snapshot_goes_on_when_the_index_is_taken_away_and_built_anew_meanwhile(
    bus: Bus, storage: Storage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(value_index, "_STEP", 20)
    rooms = bus.rooms
    bus.apply(a_document(a_grant("dinkes"), filterable=["/desa"]))
    await bus.publish_all([a_person(number, desa="babat") for number in range(3)])
    await bus.publish_all([a_person(number, desa="paciran") for number in range(3, 50)])
    index = ValueIndex(storage, rooms.catalogue)
    Projection(storage).reach_end()
    index.catch_up()
    contract = rooms.catalogue.number_of(WARGA)
    assert contract is not None
    state = rooms.journal.records(contract)
    rows = a_choice("exact", "/desa", "babat")
    chosen = rooms.journal.choose_records(contract, state, rows, 0)
    assert len(chosen.read(0, 100).entries) == 3
    bus.apply(a_document(a_grant("dinkes"), version="1.1.0"))
    rooms.catalogue.registrar.retire(WARGA, "1.0.0", OPERATOR)
    index.catch_up()
    assert len(chosen.read(0, 100).entries) == 50
    bus.apply(a_document(a_grant("dinkes"), version="1.2.0", filterable=["/desa"]))
    index.take_step()
    assert len(chosen.read(0, 100).entries) == 50


@ONLY_SQLITE
async def test_of_many_records_only_those_are_read_that_may_match(bus: Bus, storage: Storage):
    bus.apply(a_document(a_grant("dinkes"), filterable=["/desa"]))
    await bus.publish_all([a_person(number, desa=f"desa-{number % 50:02}") for number in range(500)])
    await bus.publish(a_person(7, desa="desa-99"))
    Projection(storage).reach_end()
    ValueIndex(storage, bus.rooms.catalogue).catch_up()
    contract = bus.rooms.catalogue.number_of(WARGA)
    assert contract is not None
    state = bus.rooms.journal.records(contract)
    for dialect, text, count in (("exact", "desa-07", 10), ("prefix", "desa-0", 100), ("prefix", "desa-99", 1)):
        chosen = bus.rooms.journal.choose_records(contract, state, a_choice(dialect, "/desa", text), 0)
        assert len(chosen.read(0, 1000).entries) == count
        steps = plans(storage, lambda chosen=chosen: chosen.read(0, 1000))  # type: ignore[misc]
        assert any(step.startswith("SEARCH v USING PRIMARY KEY (field=? AND value") for step in steps)
        assert "SEARCH r USING COVERING INDEX ix_records_contract_id_position (contract_id=? AND position=?)" in steps
        assert not any(step.startswith(("SCAN v", "SCAN r", "SCAN journal")) for step in steps)
    # Later, few records changed: to look at them costs less than the range.
    assert bus.rooms.journal.choose_records(contract, state, a_choice("prefix", "/desa", "desa-0"), 499) is state


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([VILLAGE], [WantedRows("exact", "/desa", "35.24.01")]),
        ([{"any": [VILLAGE]}], []),
        ([], [WantedRows("exact", "/nik", a_nik(7))]),
    ],
    ids=["by the grant's rows", "rows that the index does not know", "no rows"],
)
async def test_no_filter_has_the_index_look_at_records_outside_the_grant_s_rows(
    bus: Bus, storage: Storage, rows: list[dict[str, Any]], found: list[WantedRows]
):
    bus.apply(a_document(a_grant("dinkes", rows=rows or None), schema=OPEN, filterable=["/nik", "/desa"]))
    await bus.publish_all([a_person(number, desa="35.24.01") for number in range(3)])
    Projection(storage).reach_end()
    ValueIndex(storage, bus.rooms.catalogue).catch_up()
    asked: list[WantedRows] = []

    def find(storage: Storage, contract_id: int, wanted: Any, after: int) -> None:
        asked.extend(wanted)

    with patch("bus.journal.read.find_choice", find):
        answer = await bus.reader("dinkes").get(RECORDS, params={"exact": f"/nik={a_nik(7)}"})
    assert (answer.status_code, asked) == (200, found)


@ONLY_SQLITE
async def test_no_filter_has_the_index_look_at_a_field_that_another_version_masks(bus: Bus, storage: Storage):
    masked = a_grant("dinkes", mask={"/desa": "redact"})
    bus.apply(
        a_document(masked, schema=OPEN, filterable=["/desa"]),
        a_document(a_grant("dinkes"), schema=OPEN, version="1.1.0", filterable=["/desa"]),
    )
    await bus.publish_all([a_person(number, desa="35.24.01") for number in range(3)], dataschema="1.0.0")
    Projection(storage).reach_end()
    ValueIndex(storage, bus.rooms.catalogue).catch_up()
    with patch("bus.journal.read.find_choice") as find:
        answer = await bus.reader("dinkes").get(RECORDS, params={"exact": "/desa=35.24.01"})
    assert (answer.status_code, answer.json()["records"]) == (200, [])
    find.assert_not_called()
