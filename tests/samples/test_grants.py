"""The samples' own reading of the grants: right by itself, and the same as what the bus's views show."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import pytest

from bus.contracts.document import load_contract
from bus.contracts.view import View
from samples import traffic
from samples.grants import (
    PSEUDONYM,
    Contract,
    Grant,
    describe_content,
    find_identifiers,
    list_leaves,
    number_names,
    read_contracts,
)
from samples.offices import OFFICES

CONTRACTS = Path(__file__).parent.parent.parent / "contracts"
READ = read_contracts(CONTRACTS)
PUBLISHED = {
    output.contract: list(islice(traffic.make_items(office, output.contract), 150))
    for office, known in OFFICES.items()
    for output in known.outputs
}


def a_read_grant(
    fields: tuple[str, ...] | None = None,
    mask: dict[str, str] | None = None,
    rows: tuple[Mapping[str, object], ...] = (),
) -> Grant:
    return Grant(fields, mask or {}, rows)


def test_what_is_not_granted_is_not_shown() -> None:
    shown = a_read_grant(fields=("/a", "/b/c")).show({"a": {"x": 1}, "b": {"c": 2, "d": 3}, "e": 4})
    assert shown == {"/a/x": 1, "/b/c": 2}


def test_masks() -> None:
    grant = a_read_grant(mask={"/nik": "last4", "/lahir": "year", "/kk": "pseudonym"})
    shown = grant.show({"nik": "3524015203889002", "lahir": "1988-03-12", "kk": "3524011506159001"})
    assert shown == {"/nik": "************9002", "/lahir": "1988", "/kk": PSEUDONYM}
    assert shown["/kk"] == "abcdefghijklmnopqrstuvwx23"
    assert shown["/kk"] != "3524011506159001"


@pytest.mark.parametrize(("jenis", "given"), [("pindah", True), ("kematian", True), ("kelahiran", False)])
def test_a_row_filter_chooses(jenis: str, given: bool) -> None:
    rows = ({"any": [{"exact": {"jenis": "kematian"}}, {"prefix": {"/jenis": "pin"}}]},)
    assert a_read_grant(rows=rows).gives({"jenis": jenis}) is given


def test_a_deletion_passes_no_row_filter() -> None:
    assert not a_read_grant(rows=({"prefix": {"jenis": "pin"}},)).gives(None)


def test_identifiers_are_long_numbers_written_as_text() -> None:
    assert find_identifiers(["3524015203889002", "35.24.01", 3524015203889002, None, "9120200012345"]) == {
        "3524015203889002",
        "9120200012345",
    }


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_bus_shows_every_consumer_the_same(name: str) -> None:
    contract = load_contract(
        next(path for path in CONTRACTS.rglob("*.yaml") if f"contract: {name}\n" in path.read_text())
    )
    for grant in contract.grants:
        _compare(View(contract, grant, b"secret"), READ[name], grant.participant)


def _compare(view: View, read: Contract, consumer: str) -> None:
    ours = read.grants[consumer]
    for item in PUBLISHED[read.name]:
        if item.data is not None:
            assert view.shows(item.data) == ours.gives(item.data)
            assert dict(list_leaves(view.reduce_data(item.data))) == ours.show(item.data)


def test_what_a_consumer_sees_names_an_event_whatever_its_pseudonyms_are() -> None:
    wanted = a_read_grant(mask={"/kk": "pseudonym"}).show({"nama": "Siti", "kk": "3524011506159001"})
    seen = {"/nama": "Siti", "/kk": "abcdefghijklmnopqrstuvwx23"}
    assert (
        describe_content(wanted, None)
        == describe_content(seen, None)
        != describe_content(seen | {"/nama": "Budi"}, None)
    )


def test_two_events_that_look_alike_stay_two() -> None:
    assert list(number_names(["a", "b", "a"])) == ["a 1", "b 1", "a 2"]
