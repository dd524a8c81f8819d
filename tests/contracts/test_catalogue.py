"""The catalogue and the register: what is in force, and who changes it."""

import threading
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bus.contracts import register
from bus.contracts.binding import no_adapters
from bus.contracts.catalogue import Catalogue
from bus.contracts.document import load_contract
from bus.contracts.errors import (
    ChangedMeanwhile,
    GrantExpired,
    Incompatible,
    NoSuchContract,
    NotGranted,
    NotOwner,
    NotReady,
    SunsetPast,
    TransitionRefused,
    UnknownContract,
    UnknownVersion,
    VersionRetired,
    VersionTaken,
)
from bus.contracts.lifecycle import State
from bus.contracts.plan import Change, carry_out
from bus.storage import Storage
from tests.an_actor import an_actor
from tests.builders import NIK, SCHEMA, a_grant, a_strict_contract
from tests.contracts.a_register import APPROVER, NAME, OPERATOR, OWNER, SECRET, put_in_force
from tests.contracts.documents import SHIPPED

OTHER = an_actor("bapenda")
TODAY = date(2026, 11, 24)

WITHOUT_NAME = {**SCHEMA, "properties": {name: one for name, one in SCHEMA["properties"].items() if name != "nama"}}
BREAKING: dict[str, Any] = {"version": "2.0.0", "schema": WITHOUT_NAME, "examples": []}


def test_an_event_that_names_no_version_gets_the_newest_active_one(catalogue: Catalogue) -> None:
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        put_in_force(catalogue, version)
    assert catalogue.find_version(NAME, None).contract.version == "1.10.0"


def test_while_no_version_is_active_the_newest_deprecated_one_takes_events(catalogue: Catalogue) -> None:
    put_in_force(catalogue)
    catalogue.registrar.deprecate(NAME, "1.0.0", OWNER)
    assert catalogue.find_version(NAME, None).contract.version == "1.0.0"


@pytest.mark.parametrize(
    "dataschema",
    [
        "1.0.0",
        f"{NAME}/1.0.0",
        f"{NAME}:1.0.0",
        f"/v1/contracts/{NAME}/versions/1.0.0/schema",
        f"https://bus.lamongan.example/v1/contracts/{NAME}/versions/1.0.0/schema",
    ],
)
def test_a_version_may_be_named_in_several_ways(catalogue: Catalogue, dataschema: str) -> None:
    put_in_force(catalogue, "1.0.0")
    put_in_force(catalogue, "2.0.0")
    assert catalogue.find_version(NAME, dataschema).contract.version == "1.0.0"


@pytest.mark.parametrize(
    "dataschema",
    [
        "3.0.0",
        "1.0",
        "",
        "kependudukan.lain/1.0.0",
        "https://x/v1/contracts/kependudukan.lain/versions/1.0.0/schema",
        "1.0.0\n",
    ],
)
def test_a_dataschema_that_names_no_version_in_force_is_refused(catalogue: Catalogue, dataschema: str) -> None:
    put_in_force(catalogue)
    with pytest.raises(UnknownVersion) as refused:
        catalogue.find_version(NAME, dataschema)
    assert refused.value.errors[0].pointer == "/dataschema"


def test_spellings_without_end_do_not_fill_the_memory(catalogue: Catalogue) -> None:
    put_in_force(catalogue)
    for number in range(500):
        catalogue.find_version(NAME, f"https://h{number}/v1/contracts/{NAME}/versions/1.0.0/schema")
    assert len(catalogue._contracts[NAME].found) <= 64


def test_an_unknown_type_is_refused_with_its_place(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownContract) as refused:
        catalogue.find_version("kependudukan.tiada", None)
    assert (refused.value.status, refused.value.errors[0].pointer) == (422, "/type")


def test_a_draft_takes_no_event(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_strict_contract(), OWNER)
    with pytest.raises(UnknownVersion):
        catalogue.find_version(NAME, None)


def test_a_retired_version_is_refused_with_its_successor(catalogue: Catalogue) -> None:
    put_in_force(catalogue, "1.0.0")
    put_in_force(catalogue, "2.0.0")
    catalogue.registrar.retire(NAME, "1.0.0", OWNER)
    with pytest.raises(VersionRetired, match=r"2\.0\.0"):
        catalogue.find_version(NAME, "1.0.0")


def test_key_and_person_are_found_as_text(catalogue: Catalogue) -> None:
    alamat = {**SCHEMA["properties"]["alamat"], "required": ["jalan"]}
    schema = {**SCHEMA, "required": ["jumlah", "alamat"], "properties": {**SCHEMA["properties"], "alamat": alamat}}
    put_in_force(catalogue, key="/jumlah", subject="/alamat/jalan", schema=schema, examples=[])
    version = catalogue.find_version(NAME, None)
    data = {"jumlah": 7, "alamat": {"jalan": "x"}}
    assert (version.key_of(data), version.person_of(data), version.key_of(None)) == ("7", "x", None)


def test_public_data_are_about_nobody(catalogue: Catalogue) -> None:
    schema = {"type": "object", "required": ["kode"], "properties": {"kode": {"type": "string"}}}
    put_in_force(catalogue, classification="public", schema=schema, key="/kode", subject="/kode", examples=[])
    assert catalogue.find_version(NAME, None).person_of({"kode": NIK}) is None


def test_what_did_not_change_keeps_its_compiled_validator(catalogue: Catalogue) -> None:
    put_in_force(catalogue, "1.0.0")
    validator = catalogue.find_version(NAME, "1.0.0").validator
    put_in_force(catalogue, "2.0.0")
    catalogue.registrar.deprecate(NAME, "1.0.0", OWNER)
    assert catalogue.find_version(NAME, "1.0.0").validator is validator


def test_a_version_is_found_by_its_number_even_when_retired(storage: Storage, catalogue: Catalogue) -> None:
    number = put_in_force(catalogue)
    catalogue.registrar.retire(NAME, "1.0.0", OWNER)
    fresh = Catalogue(storage, SECRET)
    assert (fresh.version_numbered(number).state, fresh.version_numbered(number).contract) == (
        State.RETIRED,
        a_strict_contract(),
    )


def test_an_unknown_number_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(NoSuchContract):
        catalogue.version_numbered(99)


def test_a_view_is_made_from_the_version_that_the_event_was_published_under(catalogue: Catalogue) -> None:
    old = put_in_force(catalogue, "1.0.0", consumers=[a_grant(fields=["/nama"])])
    new = put_in_force(catalogue, "2.0.0", consumers=[a_grant(fields=["/nik"])])
    granted = [catalogue.view(NAME, "bapenda", number, TODAY).fields_granted for number in (old, new)]
    assert granted == [["/nama"], ["/nik"]]


def test_an_event_of_a_retired_version_is_seen_through_the_newest_grant(catalogue: Catalogue) -> None:
    old = put_in_force(catalogue, "1.0.0", consumers=[a_grant(fields=["/nama"])])
    put_in_force(catalogue, "2.0.0", consumers=[a_grant(fields=["/nik"])])
    assert catalogue.view(NAME, "bapenda", old, TODAY).fields_granted == ["/nama"]
    catalogue.registrar.retire(NAME, "1.0.0", OWNER)
    assert catalogue.view(NAME, "bapenda", old, TODAY).fields_granted == ["/nik"]


def test_who_has_no_grant_gets_nothing(catalogue: Catalogue) -> None:
    number = put_in_force(catalogue)
    with pytest.raises(NotGranted):
        catalogue.view(NAME, "dinkes", number, TODAY)


def test_nobody_gets_anything_of_a_contract_that_is_out_of_force(catalogue: Catalogue) -> None:
    number = put_in_force(catalogue)
    catalogue.view(NAME, "bapenda", number, TODAY)
    catalogue.registrar.retire(NAME, "1.0.0", OWNER)
    with pytest.raises(NoSuchContract):
        catalogue.view(NAME, "bapenda", number, TODAY)


def test_a_grant_stops_at_once_when_its_last_day_is_over(catalogue: Catalogue) -> None:
    number = put_in_force(catalogue, consumers=[a_grant(until="2026-12-31")])
    catalogue.view(NAME, "bapenda", number, date(2026, 12, 31))
    with pytest.raises(GrantExpired):
        catalogue.view(NAME, "bapenda", number, date(2027, 1, 1))


def test_a_view_is_made_once(catalogue: Catalogue) -> None:
    number = put_in_force(catalogue)
    assert catalogue.view(NAME, "bapenda", number, TODAY) is catalogue.view(NAME, "bapenda", number, TODAY)


def test_the_same_document_again_changes_nothing(catalogue: Catalogue) -> None:
    first = catalogue.registrar.apply([a_strict_contract()], OPERATOR)
    again = catalogue.registrar.apply([a_strict_contract()], OPERATOR)
    assert (first.steps[0].changes, again.steps[0].changes) == ((Change.ADD, Change.ACTIVATE), ())
    assert not again.changes_anything


def test_the_shipped_contracts_apply_together_and_again(catalogue: Catalogue) -> None:
    contracts = [load_contract(path) for path in SHIPPED]
    assert catalogue.registrar.apply(contracts, OPERATOR).changes_anything
    assert not catalogue.registrar.apply(contracts, OPERATOR).changes_anything


def test_an_active_version_never_changes(catalogue: Catalogue) -> None:
    put_in_force(catalogue)
    changed = a_strict_contract(title="Lain")
    for attempt in (
        lambda: catalogue.registrar.apply([changed], OPERATOR),
        lambda: catalogue.registrar.add_draft(changed, OPERATOR),
    ):
        with pytest.raises(VersionTaken, match="raise the version"):
            attempt()
    assert catalogue.find_version(NAME, None).contract.title == "Penduduk rekaan"


def test_documents_are_applied_all_or_none(catalogue: Catalogue) -> None:
    put_in_force(catalogue)
    with pytest.raises(VersionTaken):
        catalogue.registrar.apply(
            [a_strict_contract(contract="kependudukan.baru"), a_strict_contract(title="Lain")], OPERATOR
        )
    with pytest.raises(NoSuchContract):
        catalogue.registrar.read_versions("kependudukan.baru")


def test_a_plan_changes_nothing(catalogue: Catalogue) -> None:
    assert [str(step) for step in catalogue.registrar.plan([a_strict_contract()], OPERATOR).steps] == [
        f"{NAME} 1.0.0: add and activate"
    ]
    assert list(catalogue.registrar.listing.read_versions()) == []


def test_a_draft_may_be_replaced_until_it_isput_in_force(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_strict_contract(), OWNER)
    catalogue.registrar.add_draft(a_strict_contract(title="Lain"), OWNER)
    catalogue.registrar.activate(NAME, "1.0.0", APPROVER, grants_seen=True)
    assert catalogue.find_version(NAME, None).contract.title == "Lain"


def test_a_version_with_findings_does_not_becomeput_in_force(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_strict_contract(examples=[{"nik": "x"}]), OWNER)
    with pytest.raises(NotReady) as refused:
        catalogue.registrar.activate(NAME, "1.0.0", APPROVER, grants_seen=True)
    assert [error.pointer for error in refused.value.errors] == ["/examples/0/nik"]


def test_a_step_that_life_does_not_have_is_refused(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_strict_contract(), OWNER)
    with pytest.raises(TransitionRefused):
        catalogue.registrar.retire(NAME, "1.0.0", OWNER)


def test_nobody_moves_another_s_contract(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_strict_contract(), OWNER)
    with pytest.raises(NotOwner):
        catalogue.registrar.activate(NAME, "1.0.0", OTHER, grants_seen=True)


def test_nobody_registers_in_another_s_name(catalogue: Catalogue) -> None:
    with pytest.raises(NotOwner):
        catalogue.registrar.add_draft(a_strict_contract(), OTHER)


def test_nobody_takes_a_contract_over_with_a_new_version_of_it(catalogue: Catalogue) -> None:
    put_in_force(catalogue)
    with pytest.raises(NotOwner):
        catalogue.registrar.add_draft(a_strict_contract(version="9.0.0", owner="bapenda"), OTHER)


def test_the_operator_may_do_what_owners_may(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_strict_contract(), OPERATOR)
    assert catalogue.registrar.activate(NAME, "1.0.0", OPERATOR, grants_seen=True).state is State.ACTIVE


def test_a_version_remembers_who_made_and_who_moved_it(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_strict_contract(), OWNER)
    moved = catalogue.registrar.activate(NAME, "1.0.0", OPERATOR, grants_seen=True)
    assert (moved.created_by, moved.changed_by) == ("dukcapil-lamongan", "operator")


def test_every_step_of_a_version_s_life_is_remembered(catalogue: Catalogue) -> None:
    catalogue.registrar.add_draft(a_strict_contract(), OPERATOR)
    catalogue.registrar.propose(NAME, "1.0.0", OWNER)
    catalogue.registrar.activate(NAME, "1.0.0", OPERATOR, grants_seen=True)
    catalogue.registrar.retire(NAME, "1.0.0", OWNER)
    history = catalogue.registrar.read_version(NAME, "1.0.0").history
    assert [(move.state.value, move.by) for move in history] == [
        ("draft", "operator"),
        ("proposed", "dukcapil-lamongan"),
        ("active", "operator"),
        ("retired", "dukcapil-lamongan"),
    ]


def test_what_breaks_an_active_version_is_refused_with_the_report(catalogue: Catalogue) -> None:
    put_in_force(catalogue)
    catalogue.registrar.add_draft(a_strict_contract(**BREAKING), OWNER)
    with pytest.raises(Incompatible) as refused:
        catalogue.registrar.activate(NAME, "2.0.0", OPERATOR, grants_seen=True)
    assert refused.value.members["compatibility"]["findings"][0]["against"] == "1.0.0"


@pytest.mark.parametrize("state", [State.DRAFT, State.DEPRECATED, State.RETIRED])
def test_what_is_not_active_does_not_count(catalogue: Catalogue, state: State) -> None:
    catalogue.registrar.add_draft(a_strict_contract(), OWNER)
    if state is not State.DRAFT:
        catalogue.registrar.activate(NAME, "1.0.0", APPROVER, grants_seen=True)
        (catalogue.registrar.deprecate if state is State.DEPRECATED else catalogue.registrar.retire)(
            NAME, "1.0.0", OWNER
        )
    assert catalogue.registrar.apply([a_strict_contract(**BREAKING)], OPERATOR).changes_anything


def test_a_version_counts_against_every_active_one(catalogue: Catalogue) -> None:
    put_in_force(catalogue)
    put_in_force(catalogue, **BREAKING, compatibility="none")
    plan = catalogue.registrar.plan(
        [a_strict_contract(version="2.1.0", schema=SCHEMA), a_strict_contract(**{**BREAKING, "version": "2.2.0"})],
        OPERATOR,
    )
    refusals = [step.refusal for step in plan.steps]
    assert refusals[0] is None
    assert isinstance(refusals[1], Incompatible)
    findings = refusals[1].members["compatibility"]["findings"]
    assert {finding["against"] for finding in findings} == {"1.0.0", "2.1.0"}


def test_who_changes_a_contract_while_a_version_of_it_is_judged_is_noticed(
    catalogue: Catalogue, storage: Storage
) -> None:
    put_in_force(catalogue)
    catalogue.registrar.add_draft(a_strict_contract(version="1.1.0"), OWNER)
    with storage.read() as transaction:
        _, basis = register.read_candidate(transaction, NAME, "1.1.0", APPROVER)
    catalogue.registrar.retire(NAME, "1.0.0", OWNER)
    with pytest.raises(ChangedMeanwhile), storage.write() as transaction:
        register.activate(transaction, basis, APPROVER, no_adapters)


def test_a_plan_that_was_overtaken_is_not_carried_out(catalogue: Catalogue, storage: Storage) -> None:
    planned = catalogue.registrar.plan([a_strict_contract(title="Satu")], OPERATOR)
    put_in_force(catalogue, title="Dua")
    with pytest.raises(ChangedMeanwhile), storage.write() as transaction:
        carry_out(transaction, planned, OPERATOR, no_adapters)


def test_a_sunset_in_the_past_is_refused(catalogue: Catalogue) -> None:
    put_in_force(catalogue)
    with pytest.raises(SunsetPast):
        catalogue.registrar.deprecate(NAME, "1.0.0", OWNER, sunset=date(2020, 1, 1))


def test_a_version_has_another_tag_in_each_state_and_with_each_document(catalogue: Catalogue) -> None:
    steps = [
        catalogue.registrar.add_draft(a_strict_contract(), OWNER),
        catalogue.registrar.add_draft(a_strict_contract(title="Lain"), OWNER),
    ]
    steps += [
        catalogue.registrar.propose(NAME, "1.0.0", OWNER),
        catalogue.registrar.activate(NAME, "1.0.0", APPROVER, grants_seen=True),
    ]
    assert len({step.tag for step in steps}) == 4
    assert steps[-1].tag == catalogue.registrar.read_version(NAME, "1.0.0").tag


def test_one_of_two_who_register_the_same_at_once_is_told_so(storage: Storage) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def register(title: str) -> None:
        start.wait(10)
        try:
            Catalogue(storage, SECRET).registrar.apply([replace_title(title)], OPERATOR)
            outcomes.append("done")
        except (VersionTaken, ChangedMeanwhile):
            outcomes.append("taken")

    def replace_title(title: str) -> Any:
        contract = a_strict_contract()
        return replace(contract, title=title, document={**contract.document, "title": title})

    threads = [threading.Thread(target=register, args=(title,)) for title in ("satu", "dua")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["done", "taken"]
