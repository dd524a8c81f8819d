"""Routing: the contracts that the relay asks the journal for, and the subscriptions that an event goes to."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from bus.contracts.catalogue import Catalogue
from bus.contracts.document import parse_contract
from bus.delivery.routing import Router
from bus.delivery.subscription import Subscription
from bus.journal import Entry
from bus.storage import Storage
from tests.an_actor import OPERATOR
from tests.builders import WARGA, a_document, a_grant, a_nik, a_person, a_subscription, an_entry, an_event

KEY = b"k" * 32


TODAY = date(2026, 7, 1)


def subscribed(
    *contracts: str, participant: str = "bapenda", live: bool = True, after: int = 0, **changes: Any
) -> Subscription:
    """A subscription to contracts; one that is not live has still to catch up."""
    begins = after if live else None
    return a_subscription(participant, contracts=contracts or (WARGA,), from_position=begins, **changes)


def for_subject(text: str) -> Mapping[str, Any]:
    return {"exact": {"subject": text}}


def found_nowhere(position: int) -> Entry | None:
    return None


@pytest.fixture
def catalogue(storage: Storage) -> Catalogue:
    """Three consumers: of all, of one village, and of masked keys."""
    made = Catalogue(storage, KEY)
    contract = a_document(
        a_grant("bapenda"),
        a_grant("dinsos", rows=[{"exact": {"desa": "sembung"}}]),
        a_grant("bappeda", mask={"/nik": "pseudonym"}),
    )
    made.registrar.apply([parse_contract(contract)], OPERATOR)
    return made


def a_person_at(catalogue: Catalogue, position: int = 1, **changes: Any) -> Entry:
    """The event about a person under the catalogue's version."""
    data = a_person(**changes)
    version = catalogue.newest(WARGA)
    event = an_event(subject=data["nik"], data=data)
    return an_entry(position, event, contract_id=version.contract_id, version_id=version.id)


def reached(catalogue: Catalogue, entry: Entry, *subscriptions: Subscription) -> list[int]:
    """The numbers of the subscriptions that get an event; each by itself gets it in a replay as well."""
    router = Router(catalogue, subscriptions)
    numbers = sorted(made.subscription for made in router.make_deliveries(entry, TODAY, found_nowhere))
    again = [router.make_replayed(entry, one, TODAY, found_nowhere) for one in subscriptions]
    assert sorted(made.subscription for made in again if made is not None) == numbers
    return numbers


def test_a_contract_that_another_process_registered_a_moment_ago_is_asked_for(storage: Storage):
    here, elsewhere = Catalogue(storage, KEY), Catalogue(storage, KEY)
    here.refresh()
    router = Router(here, [subscribed(WARGA)])
    assert router.find_contract_ids() == set()
    elsewhere.registrar.apply([parse_contract(a_document())], OPERATOR)
    assert router.find_contract_ids() == {elsewhere.newest(WARGA).contract_id}


def test_a_contract_that_is_out_of_force_is_asked_for_still(storage: Storage):
    catalogue, operator = Catalogue(storage, KEY), OPERATOR
    catalogue.registrar.apply([parse_contract(a_document())], operator)
    number = catalogue.newest(WARGA).contract_id
    catalogue.registrar.retire(WARGA, "1.0.0", operator)
    assert Router(catalogue, [subscribed(WARGA)]).find_contract_ids() == {number}
    assert Router(catalogue, []).find_contract_ids() == set()


def test_an_event_goes_to_those_whose_filters_it_passes(catalogue: Catalogue):
    subscriptions = [
        subscribed(number=1),
        subscribed(number=2, filters=(for_subject(a_nik(1)),)),
        subscribed(number=3, filters=(for_subject(a_nik(2)),)),
        subscribed(number=4, filters=(for_subject(a_nik(1)), {"prefix": {"source": "/lain"}})),
    ]
    assert reached(catalogue, a_person_at(catalogue), *subscriptions) == [1, 2]


def test_filters_judge_what_the_consumer_sees(catalogue: Catalogue):
    subscriptions = [
        subscribed(number=1, participant="bapenda", filters=(for_subject(a_nik(1)),)),
        subscribed(number=2, participant="bappeda", filters=(for_subject(a_nik(1)),)),
        subscribed(number=3, participant="bappeda", filters=({"not": for_subject(a_nik(1))},)),
    ]
    assert reached(catalogue, a_person_at(catalogue), *subscriptions) == [1, 3]


def test_an_event_outside_of_a_consumers_rows_goes_to_none_of_its_subscriptions(catalogue: Catalogue):
    subscriptions = [
        subscribed(number=1, participant="dinsos"),
        subscribed(number=2, participant="dinsos", filters=(for_subject(a_nik(1)),)),
        subscribed(number=3, participant="bapenda"),
    ]
    assert reached(catalogue, a_person_at(catalogue, desa="sembung"), *subscriptions) == [1, 2, 3]
    assert reached(catalogue, a_person_at(catalogue, desa="paciran"), *subscriptions) == [3]


def test_who_has_no_grant_gets_nothing(catalogue: Catalogue):
    assert reached(catalogue, a_person_at(catalogue), subscribed(participant="dinkes")) == []


def test_an_event_goes_to_subscriptions_that_are_live_before_it(catalogue: Catalogue):
    subscriptions = [
        subscribed(number=1, live=False),
        subscribed(number=2, after=7, filters=(for_subject(a_nik(1)),)),
        subscribed(number=3, after=6, filters=(for_subject(a_nik(1)),)),
        subscribed("perizinan.izin", number=4),
    ]
    made = Router(catalogue, subscriptions).make_deliveries(a_person_at(catalogue, position=7), TODAY, found_nowhere)
    assert [one.subscription for one in made] == [3]


def test_a_router_that_follows_changes_routes_as_one_that_is_made_anew(catalogue: Catalogue) -> None:
    followed = Router(catalogue, ())
    all_of_them = [
        subscribed(WARGA, number=1),
        subscribed(WARGA, number=2, filters=({"prefix": {"subject": "3524"}},)),
        subscribed(WARGA, number=3, filters=({"exact": {"subject": "x"}},)),
    ]
    for chosen in ([0], [0, 1], [0, 1, 2], [1, 2], [2], [], [0, 1, 2]):
        now = {all_of_them[place].number: all_of_them[place] for place in chosen}
        followed.update(now)
        anew = Router(catalogue, now.values())
        entry = a_person_at(catalogue, position=7)
        routed = [
            sorted(one.subscription for one in router.make_deliveries(entry, TODAY, found_nowhere))
            for router in (followed, anew)
        ]
        assert routed[0] == routed[1]
        assert followed.count_audience(entry) == anew.count_audience(entry) == len(chosen)
        assert followed.find_contract_ids() == anew.find_contract_ids()


def test_a_subscription_that_changed_is_routed_as_it_is_now(catalogue: Catalogue) -> None:
    router = Router(catalogue, [subscribed(WARGA, number=1, filters=(for_subject("x"),))])
    router.update({1: subscribed(WARGA, number=1)})
    assert [
        one.subscription for one in router.make_deliveries(a_person_at(catalogue, position=7), TODAY, found_nowhere)
    ] == [1]
