"""The listing of contracts: what it says, and what it does not read."""

from collections.abc import Callable

import pytest

from bus import json
from bus.contracts import listing
from bus.contracts.catalogue import Catalogue
from bus.contracts.errors import NoSuchContract
from tests.builders import a_strict_contract
from tests.contracts.a_register import NAME, OWNER, put_in_force

Unpacked = list[int]


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> Unpacked:
    """The lengths of all JSON texts that were unpacked."""
    lengths: Unpacked = []
    loads: Callable[[bytes | str], object] = json.loads

    def counting(text: bytes | str) -> object:
        lengths.append(len(text))
        return loads(text)

    monkeypatch.setattr(json, "loads", counting)
    return lengths


def test_a_contract_is_headed_by_the_version_in_force(catalogue: Catalogue) -> None:
    put_in_force(catalogue, title="Satu")
    catalogue.registrar.add_draft(a_strict_contract(version="2.0.0", title="Dua"), OWNER)
    listed, document = catalogue.registrar.listing.read_contract(NAME)
    assert (listed.heading.title, json.loads(document)["title"]) == ("Satu", "Satu")
    assert [one.version for one in listed.versions] == ["1.0.0", "2.0.0"]
    assert listed.current == listed.versions[0]


def test_versions_are_in_the_order_of_their_numbers(catalogue: Catalogue) -> None:
    for version in ("1.10.0", "1.9.0"):
        catalogue.registrar.add_draft(a_strict_contract(version=version, title=f"Versi {version}"), OWNER)
    listed, _ = catalogue.registrar.listing.read_contract(NAME)
    assert [one.version for one in listed.versions] == ["1.9.0", "1.10.0"]
    assert (listed.current, listed.heading.title) == (None, "Versi 1.10.0")


def test_a_changed_draft_has_its_new_heading(catalogue: Catalogue) -> None:
    for title in ("Satu", "Dua "):
        catalogue.registrar.add_draft(a_strict_contract(title=title), OWNER)
        assert catalogue.registrar.listing.read_contract(NAME)[0].heading.title == title


def test_a_contract_that_is_not_there_is_not_found(catalogue: Catalogue) -> None:
    with pytest.raises(NoSuchContract):
        catalogue.registrar.listing.read_contract(NAME)


def test_of_each_contract_one_document_is_unpacked_and_that_once(catalogue: Catalogue, unpacked: Unpacked) -> None:
    for number in range(12):
        catalogue.registrar.add_draft(a_strict_contract(contract=f"uji.n{number % 2}", version=f"1.{number}.0"), OWNER)
    unpacked.clear()
    assert [len(one.versions) for one in catalogue.registrar.listing.page(10).contracts] == [6, 6]
    assert len(unpacked) == 2
    catalogue.registrar.listing.page(10)
    catalogue.registrar.listing.read_contract("uji.n0")
    assert len(unpacked) == 2


def test_a_page_ends_where_it_gets_costly_and_the_next_goes_on(
    catalogue: Catalogue, unpacked: Unpacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        catalogue.registrar.add_draft(a_strict_contract(contract=f"uji.n{number}"), OWNER)
    size = catalogue.registrar.listing.read_contract("uji.n0")[0].versions[0].bytes
    monkeypatch.setattr(listing, "_MOST_BYTES", 2 * size)
    unpacked.clear()
    pages, after = [], "uji.n0"
    while True:
        page = catalogue.registrar.listing.page(10, after)
        pages.append([one.name for one in page.contracts])
        if not page.has_more:
            break
        after = pages[-1][-1]
    assert pages == [["uji.n1"], ["uji.n2"], ["uji.n3"], ["uji.n4"]]
    assert [one.name for one in catalogue.registrar.listing.page(10).contracts] == [
        f"uji.n{number}" for number in range(5)
    ]


def test_headings_are_kept_for_so_many_and_no_more(
    catalogue: Catalogue, unpacked: Unpacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_MOST_HEADINGS", 2)
    for number in range(3):
        catalogue.registrar.add_draft(a_strict_contract(contract=f"uji.n{number}"), OWNER)
    catalogue.registrar.listing.page(10)
    unpacked.clear()
    catalogue.registrar.listing.read_contract("uji.n0")
    assert len(unpacked) == 1


def test_every_version_has_its_own_heading_in_order(catalogue: Catalogue) -> None:
    for noun, version in (("b", "1.10.0"), ("b", "1.9.0"), ("a", "1.0.0")):
        catalogue.registrar.add_draft(
            a_strict_contract(contract=f"uji.{noun}", version=version, title=f"Versi {version}"), OWNER
        )
    found = [
        (name, standing.version, heading.title)
        for name, standing, heading in catalogue.registrar.listing.read_versions()
    ]
    assert found == [
        ("uji.a", "1.0.0", "Versi 1.0.0"),
        ("uji.b", "1.9.0", "Versi 1.9.0"),
        ("uji.b", "1.10.0", "Versi 1.10.0"),
    ]


def test_contracts_of_several_pages_are_listed_once_each(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_MOST_NAMES", 2)
    for number in range(5):
        catalogue.registrar.add_draft(a_strict_contract(contract=f"uji.n{number}"), OWNER)
    assert [name for name, _, _ in catalogue.registrar.listing.read_versions()] == [
        f"uji.n{number}" for number in range(5)
    ]


def test_a_version_that_is_read_stays_packed(catalogue: Catalogue, unpacked: Unpacked) -> None:
    catalogue.registrar.listing.get_heading(catalogue.registrar.add_draft(a_strict_contract(), OWNER))
    unpacked.clear()
    version = catalogue.registrar.read_version(NAME, "1.0.0")
    assert (version.name, version.version, len(version.tag), len(unpacked)) == (NAME, "1.0.0", 24, 0)
    assert catalogue.registrar.listing.get_heading(version).owner == "dukcapil-lamongan"
    assert unpacked == []
    assert version.contract.title == json.loads(version.text)["title"]
