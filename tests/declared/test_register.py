"""The register of adapter documents on both databases: one version in force at most, whatever comes at the same time."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa

from bus.contracts import State
from bus.declared import AdapterCatalogue, Judgement, RegisteredAdapter, make_draft
from bus.declared.register.errors import AdapterChangedMeanwhile, AdapterTransition, AdapterVersionChanged
from bus.declared.register.tables import VERSIONS
from bus.problem import Conflict
from bus.storage import RowConflict, Storage, announce
from tests.an_actor import OPERATOR
from tests.declared.a_declared_agency import UNCHECKED, a_body


@pytest.fixture
def catalogue(storage: Storage) -> AdapterCatalogue:
    return AdapterCatalogue(storage)


def draft(catalogue: AdapterCatalogue, version: str, **changes: Any) -> tuple[RegisteredAdapter, int]:
    """A draft that may be put in force."""
    made = make_draft(a_body(version=version, **changes))
    catalogue.registrar.add_draft(made, UNCHECKED, OPERATOR)
    return catalogue.registrar.read_candidate(made.name, version, OPERATOR)


def put_in_force(catalogue: AdapterCatalogue, version: str, **changes: Any) -> None:
    catalogue.registrar.activate(draft(catalogue, version, **changes), UNCHECKED, OPERATOR)


def list_states(catalogue: AdapterCatalogue) -> dict[str, State]:
    return {one.version: one.state for one in catalogue.registrar.read_versions("badan")}


def test_activations_at_the_same_time_leave_one_version_in_force(catalogue: AdapterCatalogue) -> None:
    candidates = [draft(catalogue, f"1.{number}.0") for number in range(4)]

    def activate(candidate: tuple[RegisteredAdapter, int]) -> None:
        with suppress(Conflict):
            catalogue.registrar.activate(candidate, UNCHECKED, OPERATOR)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(activate, candidates))
    states = list(list_states(catalogue).values())
    assert sorted(state.value for state in states) == ["active", "deprecated", "deprecated", "deprecated"]
    assert catalogue.in_force["badan"].version == next(
        v for v, s in list_states(catalogue).items() if s is State.ACTIVE
    )


def test_the_database_itself_refuses_a_second_active_version(catalogue: AdapterCatalogue, storage: Storage) -> None:
    put_in_force(catalogue, "1.0.0")
    draft(catalogue, "1.1.0")
    with pytest.raises(RowConflict), storage.write() as transaction:
        transaction.execute(sa.update(VERSIONS).values(state="active"))


def test_another_process_follows_with_its_next_look(catalogue: AdapterCatalogue, storage: Storage) -> None:
    other, told = AdapterCatalogue(storage), list[str | None]()
    other.listen(lambda: told.append(other.in_force["badan"].version))
    for version in ("1.0.0", "1.1.0"):
        put_in_force(catalogue, version)
        other.refresh()
        other.refresh()
    catalogue.registrar.deprecate("badan", "1.1.0", OPERATOR)
    other.refresh()
    assert told == ["1.0.0", "1.1.0", None]


def test_what_was_judged_under_other_contracts_is_judged_again(catalogue: AdapterCatalogue, storage: Storage) -> None:
    candidate = draft(catalogue, "1.0.0")
    with storage.write() as transaction:
        announce(transaction, "contracts")
    with pytest.raises(AdapterChangedMeanwhile):
        catalogue.registrar.activate(candidate, UNCHECKED, OPERATOR)
    assert list_states(catalogue) == {"1.0.0": State.DRAFT}


def test_what_changed_after_its_judgement_comes_not_in_force(catalogue: AdapterCatalogue) -> None:
    candidate = draft(catalogue, "1.0.0")
    draft(catalogue, "1.0.0", title="Lain")
    with pytest.raises(AdapterVersionChanged):
        catalogue.registrar.activate(candidate, UNCHECKED, OPERATOR)
    assert catalogue.in_force == {}


def test_a_retired_version_stays_retired(catalogue: AdapterCatalogue) -> None:
    put_in_force(catalogue, "1.0.0")
    catalogue.registrar.retire("badan", "1.0.0", OPERATOR)
    with pytest.raises(AdapterTransition):
        catalogue.registrar.read_candidate("badan", "1.0.0", OPERATOR)
    assert catalogue.in_force["badan"].version is None


def test_one_unreadable_document_leaves_the_others_in_force(catalogue: AdapterCatalogue, storage: Storage) -> None:
    put_in_force(catalogue, "1.0.0")
    put_in_force(catalogue, "1.0.0", adapter="lain")
    with storage.write() as transaction:
        statement = sa.update(VERSIONS).where(VERSIONS.c.name == "badan")
        transaction.execute(statement.values(document=b'{"kind": "adapter", "rusak": true}'))
    fresh = AdapterCatalogue(storage)
    fresh.refresh()
    assert fresh.in_force["badan"].factory is None
    assert fresh.in_force["lain"].factory is not None


def test_the_history_keeps_what_the_last_check_found(catalogue: AdapterCatalogue) -> None:
    present = draft(catalogue, "1.0.0")
    catalogue.registrar.activate(present, Judgement(b'[{"code":"example"}]', (), ()), OPERATOR)
    found = catalogue.registrar.read_version("badan", "1.0.0")
    assert (found.findings, [move.state for move in found.history]) == (
        b'[{"code":"example"}]',
        [State.DRAFT, State.ACTIVE],
    )
