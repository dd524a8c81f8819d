"""Standing subscriptions: what contracts ask to be delivered to agencies."""

import pytest

from bus.agencies.registry import Agencies
from bus.contracts.catalogue import Catalogue
from bus.contracts.document import parse_contract
from bus.delivery.standing import ensure_standing_subscriptions, list_standing_subscriptions, make_standing_id
from bus.delivery.subscription import AgencySink
from bus.delivery.subscriptions import Subscriptions
from bus.identity.keys import Keys
from bus.storage import Storage
from tests.an_actor import OPERATOR
from tests.an_agency import AGENCY, ASK, TAKE, AnAdapter, agencies_with
from tests.builders import WARGA, Document, a_document, a_grant
from tests.storage.asked import asked

SINK = AgencySink(AGENCY, TAKE)
ID = "sub_badan_terima_kependudukan_warga"


def to_the_agency(operation: str = TAKE, **changes: object) -> Document:
    """A contract that names the agency's adapter, and grants it the data."""
    uses = [{"adapter": AGENCY, "operation": operation}]
    return a_document(a_grant(AGENCY), **{"adapters": uses, **changes})


@pytest.fixture
async def agencies() -> Agencies:
    return agencies_with(AnAdapter())


@pytest.fixture
def catalogue(storage: Storage, bus_keys: Keys) -> Catalogue:
    return Catalogue(storage, bus_keys.pseudonym)


@pytest.fixture
def subscriptions(storage: Storage, bus_keys: Keys) -> Subscriptions:
    return Subscriptions(storage, bus_keys)


def apply(catalogue: Catalogue, *contracts: Document) -> None:
    catalogue.registrar.apply([parse_contract(contract) for contract in contracts], OPERATOR)


async def test_a_contract_that_names_a_delivery_is_subscribed_to(catalogue: Catalogue, agencies: Agencies):
    apply(catalogue, to_the_agency())
    assert list_standing_subscriptions(catalogue, agencies) == [(AGENCY, WARGA, SINK)]


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(a_document(a_grant(AGENCY)), id="no adapter"),
        pytest.param(to_the_agency(ASK), id="no delivery"),
        pytest.param(to_the_agency("kirim"), id="no such operation"),
        pytest.param(to_the_agency(adapters=[{"adapter": "lain", "operation": TAKE}]), id="not set up"),
        pytest.param(to_the_agency(consumers=[a_grant("dinkes")]), id="no grant"),
    ],
)
async def test_other_contracts_are_not(catalogue: Catalogue, agencies: Agencies, contract: Document):
    apply(catalogue, contract)
    assert list_standing_subscriptions(catalogue, agencies) == []


async def test_a_retired_contract_is_not(catalogue: Catalogue, agencies: Agencies):
    apply(catalogue, to_the_agency())
    catalogue.registrar.deprecate(WARGA, "1.0.0", OPERATOR)
    catalogue.registrar.retire(WARGA, "1.0.0", OPERATOR)
    assert list_standing_subscriptions(catalogue, agencies) == []


async def test_the_newest_version_decides(catalogue: Catalogue, agencies: Agencies):
    apply(catalogue, a_document(a_grant(AGENCY)), to_the_agency(version="1.1.0"))
    assert list_standing_subscriptions(catalogue, agencies) == [(AGENCY, WARGA, SINK)]


async def test_many_contracts_are_looked_through(catalogue: Catalogue, agencies: Agencies):
    apply(catalogue, *[to_the_agency(contract=f"uji.c{number:03}") for number in range(205)])
    assert len(list_standing_subscriptions(catalogue, agencies)) == 205


async def test_looking_through_them_asks_nothing_of_the_database(
    storage: Storage, catalogue: Catalogue, agencies: Agencies
):
    apply(catalogue, to_the_agency(), a_document(a_grant(AGENCY), contract="uji.tanpa"))
    with asked(storage) as statements:
        assert len(list_standing_subscriptions(catalogue, agencies)) == 1
    assert statements == []


async def test_it_is_made_once_from_the_beginning(
    catalogue: Catalogue, agencies: Agencies, subscriptions: Subscriptions
):
    apply(catalogue, to_the_agency())
    ensure_standing_subscriptions(catalogue, agencies, subscriptions)
    ensure_standing_subscriptions(catalogue, agencies, subscriptions)
    (made,) = subscriptions.listed(None)
    assert (made.id, made.participant, made.contracts, made.sink) == (ID, AGENCY, (WARGA,), SINK)
    assert made.replay_position == 0


async def test_a_contract_that_comes_later_is_taken_up(
    catalogue: Catalogue, agencies: Agencies, subscriptions: Subscriptions
):
    ensure_standing_subscriptions(catalogue, agencies, subscriptions)
    apply(catalogue, to_the_agency())
    ensure_standing_subscriptions(catalogue, agencies, subscriptions)
    assert [one.id for one in subscriptions.listed(None)] == [ID]


def test_an_id_has_no_dot_since_a_deliverys_id_is_parted_by_one():
    assert make_standing_id(AgencySink("ksp", "tindak-lanjut"), "pengaduan.tindak-lanjut") == (
        "sub_ksp_tindak-lanjut_pengaduan_tindak-lanjut"
    )
