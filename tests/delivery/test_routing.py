"""Routing: the relay asks the journal for the contracts that somebody subscribed to, and for none too few."""

from types import SimpleNamespace
from typing import cast

from bus.contracts.catalogue import Catalogue
from bus.contracts.document import parse
from bus.contracts.register import Actor
from bus.delivery.routing import Router
from bus.delivery.subscriptions import Subscription
from bus.storage import Storage
from tests.a_bus import WARGA, a_contract

KEY = b"k" * 32


def subscribed(*contracts: str) -> Subscription:
    return cast("Subscription", SimpleNamespace(contracts=contracts, filters=None))


def test_a_contract_that_another_process_registered_a_moment_ago_is_asked_for(storage: Storage):
    here, elsewhere = Catalogue(storage, KEY), Catalogue(storage, KEY)
    here.refresh()
    router = Router(here, [subscribed(WARGA)])
    assert router.contract_ids() == set()
    elsewhere.apply([parse(a_contract())], Actor("operator", is_operator=True))
    assert router.contract_ids() == {elsewhere.newest(WARGA).contract_id}


def test_a_contract_that_is_out_of_force_is_asked_for_still(storage: Storage):
    catalogue, operator = Catalogue(storage, KEY), Actor("operator", is_operator=True)
    catalogue.apply([parse(a_contract())], operator)
    number = catalogue.newest(WARGA).contract_id
    catalogue.retire(WARGA, "1.0.0", operator)
    assert Router(catalogue, [subscribed(WARGA)]).contract_ids() == {number}
    assert Router(catalogue, []).contract_ids() == set()
