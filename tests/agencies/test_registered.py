"""Registered adapters in the registry: beside installed ones, in the place of documents that ship, and off without settings."""

import pytest

from bus import json, shipped
from bus.agencies import Agencies, find_adapters, list_coded
from bus.contracts import read_yaml
from bus.declared import AdapterCatalogue, make_draft
from bus.kit import Does
from bus.settings import SettingsWrong
from bus.storage import Storage
from tests.an_actor import OPERATOR
from tests.declared.a_declared_agency import UNCHECKED, a_body, a_delivery

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SPLP = {
    name: value
    for secret in ("consumer_key", "consumer_secret")
    for name, value in {secret: "rahasia", f"{secret}_hosts": "splp.layanan.go.id"}.items()
}


@pytest.fixture
def catalogue(storage: Storage) -> AdapterCatalogue:
    return AdapterCatalogue(storage, list_coded())


def put_in_force(catalogue: AdapterCatalogue, body: dict[str, object]) -> None:
    draft = make_draft(body)
    catalogue.registrar.add_draft(draft, UNCHECKED, OPERATOR)
    candidate = catalogue.registrar.read_candidate(draft.name, draft.version, OPERATOR)
    catalogue.registrar.activate(candidate, UNCHECKED, OPERATOR)


def a_shipped(version: str) -> dict[str, object]:
    return json.loads(json.dumps(read_yaml((shipped.ADAPTERS / "splp.yaml").read_bytes()) | {"version": version}))


async def test_a_registered_version_takes_the_place_of_the_document_that_ships(catalogue: AdapterCatalogue) -> None:
    agencies = Agencies({"splp": SPLP}, find_adapters(()), catalogue)
    agencies.follow()
    before, _ = agencies.find_deliver("splp", "katalog")
    put_in_force(catalogue, a_shipped("1.1.0"))
    agencies.follow()
    after, _ = agencies.find_deliver("splp", "katalog")
    assert after is not before
    await agencies.close()


async def test_a_document_that_ships_is_off_without_settings(catalogue: AdapterCatalogue) -> None:
    put_in_force(catalogue, a_shipped("1.0.0"))
    put_in_force(catalogue, a_body())
    agencies = Agencies({}, find_adapters(()), catalogue)
    assert not agencies.is_serving("splp")
    assert "BUS_ADAPTERS__SPLP__" in agencies.explain_off("splp")
    assert agencies.find_operation("badan", "kirim", Does.DELIVER) is not None
    await agencies.close()


async def test_wrong_settings_of_a_registered_adapter_leave_the_others_at_work(catalogue: AdapterCatalogue) -> None:
    put_in_force(catalogue, a_body())
    put_in_force(catalogue, a_body(adapter="lain"))
    agencies = Agencies({"badan": {"base_url": "ftp://x"}}, find_adapters(()), catalogue)
    assert "BUS_ADAPTERS__BADAN__BASE_URL" in agencies.explain_off("badan")
    assert agencies.is_serving("lain")
    await agencies.close()


async def test_settings_of_an_adapter_that_may_come_do_not_stop_the_start(catalogue: AdapterCatalogue) -> None:
    agencies = Agencies({"badan": {"server": "uji"}}, find_adapters(()), catalogue)
    put_in_force(catalogue, a_body())
    agencies.follow()
    assert agencies.is_serving("badan")
    await agencies.close()
    with pytest.raises(SettingsWrong):
        Agencies({"badan": {"server": "uji"}}, find_adapters(()))


async def test_a_version_may_lack_the_settings_of_another(catalogue: AdapterCatalogue) -> None:
    put_in_force(catalogue, a_body(settings={"tahun": {"title": "Tahun"}}))
    agencies = Agencies({"badan": {"tahun": "2026"}}, find_adapters(()), catalogue)
    put_in_force(catalogue, a_body(a_delivery(), version="1.1.0"))
    agencies.follow()
    assert agencies.is_serving("badan")
    await agencies.close()
