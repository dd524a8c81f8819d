"""Portfolios: the contracts that a participant answers for."""

from datetime import timedelta

import pytest

from bus import clock
from bus.contracts import Draft, NoSuchContract, Portfolio, parse_contract
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.builders import OWNER, a_grant, a_public_document, a_strict_document

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MINE, OTHERS = "kependudukan.uji", "uji.terbuka"


def portfolio(bus: Bus, holder: str | None) -> Portfolio:
    return Portfolio(bus.rooms.storage, bus.rooms.catalogue, holder)


def others_document(version: str = "1.0.0", owner: str = "dinkes") -> dict[str, object]:
    return a_public_document(OTHERS, owner, "bapenda", kind="event", schema={"type": "object"}, version=version)


def test_it_has_what_its_holder_owns_drafts_and_decides_on(bus: Bus):
    bus.apply(a_strict_document(), others_document())
    registrar = bus.rooms.catalogue.registrar
    registrar.add_draft(
        parse_contract(a_public_document("baru.data", "dinkes", kind="event", schema={"type": "object"})), OPERATOR
    )
    # `dinas-uji` owns the domain `uji`, and `dinkes` the contract in it.
    listed = {who: portfolio(bus, who).list_names() for who in (None, OWNER, "dinkes", "dinas-uji", "bapenda")}
    assert listed == {
        None: ["baru.data", MINE, OTHERS],
        OWNER: [MINE],
        "dinkes": ["baru.data", OTHERS],
        "dinas-uji": [OTHERS],
        "bapenda": [],
    }
    for who, names in listed.items():
        assert [one for one in ("baru.data", MINE, OTHERS) if portfolio(bus, who).holds(one)] == names, who
    assert portfolio(bus, None).list_names("kependudukan.") == [MINE]


def test_a_contract_that_does_not_exist_is_refused_as_one_of_others(bus: Bus):
    bus.apply(others_document())
    for name in (OTHERS, "uji.tidak-ada", ""):
        with pytest.raises(NoSuchContract):
            portfolio(bus, OWNER).check(name)
    with pytest.raises(NoSuchContract):
        portfolio(bus, None).check("uji.tidak-ada")


def test_a_draft_of_another_office_gives_it_no_contract_that_has_an_owner(bus: Bus):
    registrar = bus.rooms.catalogue.registrar
    registrar.add_draft(parse_contract(others_document("2.0.0", owner="dinsos")), OPERATOR)
    assert portfolio(bus, "dinsos").list_names() == [OTHERS]
    bus.apply(others_document())
    assert portfolio(bus, "dinsos").list_names() == []
    assert not portfolio(bus, "dinsos").holds(OTHERS)


def test_a_retired_contract_stays_with_its_owner(bus: Bus):
    bus.apply(others_document())
    bus.rooms.catalogue.registrar.retire(OTHERS, "1.0.0", OPERATOR)
    assert portfolio(bus, "dinkes").list_names() == [OTHERS]
    assert portfolio(bus, "dinkes").holds(OTHERS)


def test_its_drafts_are_those_that_nobody_proposed(bus: Bus):
    bus.apply(a_strict_document())
    registrar = bus.rooms.catalogue.registrar
    for version in ("1.1.0", "1.2.0"):
        registrar.add_draft(parse_contract(a_strict_document(version=version)), OPERATOR)
    registrar.propose(MINE, "1.1.0", OPERATOR)
    mine = portfolio(bus, OWNER)
    assert mine.list_drafts(mine.list_names()) == [Draft(MINE, "1.2.0")]


def test_a_renewed_grant_ends_with_its_last_version(bus: Bus):
    today = clock.local_date(clock.now())

    def ends_in(days: int) -> str:
        return (today + timedelta(days=days)).isoformat()

    grants = [a_grant("bapenda", until=ends_in(5)), a_grant("dinkes", until=ends_in(7))]
    bus.apply(a_strict_document(consumers=grants))
    mine, window = portfolio(bus, OWNER), (today, today + timedelta(days=30))
    assert [one.participant for one in mine.list_ending(*window)] == ["bapenda", "dinkes"]
    renewed = [a_grant("bapenda", until=ends_in(90)), a_grant("dinkes", until=ends_in(7))]
    bus.apply(a_strict_document(version="1.1.0", consumers=renewed))
    assert [one.participant for one in mine.list_ending(*window)] == ["dinkes"]
    assert portfolio(bus, "dinas-uji").list_ending(*window) == []
