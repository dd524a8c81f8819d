"""Several processes on one register: each notices a change, reads no more than what changed, and none overtakes another."""

import threading
from concurrent.futures import ThreadPoolExecutor

from bus.contracts.catalogue import Catalogue
from bus.contracts.errors import ChangedMeanwhile, Incompatible
from bus.storage import Changes, Storage
from tests.builders import SCHEMA, a_strict_contract
from tests.contracts.a_register import APPROVER, NAME, OPERATOR, OWNER, SECRET, put_in_force
from tests.storage.asked import asked


def test_another_process_notices_a_change(storage: Storage, catalogue: Catalogue) -> None:
    other, changes = Catalogue(storage, SECRET), Changes(storage)
    changes.on("contracts", other.refresh)
    put_in_force(catalogue)
    changes.look()
    assert other.find_version(NAME, None).contract == catalogue.find_version(NAME, None).contract


def test_a_change_of_one_contract_is_noticed_without_reading_the_others(storage: Storage, catalogue: Catalogue) -> None:
    catalogue.registrar.apply([a_strict_contract(contract=f"uji.c{number}") for number in range(50)], OPERATOR)
    other = Catalogue(storage, SECRET)
    other.refresh()
    put_in_force(catalogue, "1.1.0", contract="uji.c7")
    with asked(storage) as statements:
        other.refresh()
    assert [len(ids) for statement, ids in statements if "document" in statement] == [2]
    assert other.find_version("uji.c7", None).contract.version == "1.1.0"


def test_where_nothing_changed_no_document_is_read(storage: Storage, catalogue: Catalogue) -> None:
    put_in_force(catalogue)
    with asked(storage) as statements:
        catalogue.refresh()
    assert [statement for statement, _ in statements if "document" in statement] == []


def test_a_step_is_numbered_once_others_who_change_the_register_wait(storage: Storage, catalogue: Catalogue) -> None:
    # Otherwise two changes at the same time could become visible in the wrong order. A reader would miss the lower number.
    catalogue.registrar.add_draft(a_strict_contract(), OWNER)
    with asked(storage) as statements:
        catalogue.registrar.add_draft(a_strict_contract(version="2.0.0"), OWNER)
        catalogue.registrar.activate(NAME, "1.0.0", OPERATOR, grants_seen=True)
    tables = [statement.split()[2] for statement, _ in statements if statement.startswith("INSERT")]
    assert [table for table in tables if table in ("changes", "contract_moves")] == ["changes", "contract_moves"] * 2


def test_two_versions_that_break_each_other_do_not_both_become_active_at_once(storage: Storage) -> None:
    catalogue = Catalogue(storage, SECRET)
    catalogue.registrar.set_domain_owner("kependudukan", OWNER.participant, OPERATOR)
    put_in_force(catalogue)
    for version, kind in (("1.1.0", "string"), ("1.2.0", "integer")):
        schema = {**SCHEMA, "properties": {**SCHEMA["properties"], "agama": {"type": kind}}}
        catalogue.registrar.add_draft(a_strict_contract(version=version, schema=schema), OWNER)
    start = threading.Barrier(2)

    def activate(version: str) -> str:
        start.wait(10)
        try:
            Catalogue(storage, SECRET).registrar.activate(NAME, version, APPROVER, grants_seen=True)
        except (Incompatible, ChangedMeanwhile):
            return "refused"
        return "active"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(activate, ("1.1.0", "1.2.0"))) == ["active", "refused"]
