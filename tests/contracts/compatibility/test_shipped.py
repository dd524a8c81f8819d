"""The shipped contracts with the edits that their owners will make."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bus.contracts.compatibility import Report, Rule, Step, Verdict, compare_versions
from bus.contracts.document import Contract, restore_contract
from tests.contracts.documents import ROOT, SHIPPED, shipped

PENDUDUK = ROOT / "contracts" / "kependudukan" / "penduduk.yaml"
CARI_NIK = ROOT / "contracts" / "kependudukan" / "cari-nik.yaml"
PERISTIWA = ROOT / "contracts" / "kependudukan" / "peristiwa.yaml"
Edit = Callable[[dict[str, Any]], Any]


def edited(path: Path, edit: Edit, **changes: Any) -> Contract:
    """A shipped contract's next version."""
    document = copy.deepcopy(shipped(path).document)
    edit(document)
    return restore_contract({**document, "version": "3.0.0", **changes})


def report_on(path: Path, edit: Edit, **changes: Any) -> Report:
    return compare_versions(edited(path, edit, **changes), [shipped(path)])


def property_of(name: str, part: str = "schema") -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda document: document[part]["properties"][name]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_contract_is_compatible_with_itself(path: Path) -> None:
    report = report_on(path, lambda _: None, title="Judul lain", compatibility="full")
    assert (report.verdict, report.findings) == (Verdict.COMPATIBLE, ())


@pytest.mark.heavy
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_property_taken_away_from_what_is_sent_is_noticed(path: Path) -> None:
    part = "request" if shipped(path).request else "schema"
    for name in list(shipped(path).sent["properties"]):
        report = report_on(path, lambda document, name=name: document[part]["properties"].pop(name))  # type: ignore[misc]
        assert report.verdict is Verdict.INCOMPATIBLE
        assert any(finding.field == f"/{name}" or finding.rule is Rule.REQUIRED for finding in report.findings)


def test_a_new_optional_property_is_a_minor_step() -> None:
    report = report_on(PENDUDUK, lambda document: document["schema"]["properties"].update(email={"type": "string"}))
    assert (report.verdict, report.step) == (Verdict.COMPATIBLE, Step.MINOR)


def test_a_new_required_property_is_shown_with_a_resident_without_it() -> None:
    report = report_on(PENDUDUK, lambda document: document["schema"]["required"].append("pekerjaan"))
    (finding,) = report.findings
    assert (finding.rule, finding.pointer) == (Rule.REQUIRED, "/schema/required/10")
    assert finding.example is not None
    assert finding.example.value["nama"] == "Bagus Ujicoba"


def test_a_further_value_is_for_new_readers_only() -> None:
    def edit(document: dict[str, Any]) -> None:
        property_of("agama")(document)["enum"].append("lainnya")

    assert report_on(PENDUDUK, edit).verdict is Verdict.COMPATIBLE
    assert report_on(PENDUDUK, edit, compatibility="full").verdict is Verdict.INCOMPATIBLE


def test_a_looser_nik_is_compatible_though_its_pattern_is_another() -> None:
    report = report_on(PENDUDUK, lambda document: document["schema"]["$defs"]["nik"].update(pattern="^[0-9]{16}$"))
    assert report.verdict is Verdict.COMPATIBLE


def test_a_stricter_name_is_found_inside_the_shared_definitions() -> None:
    def edit(document: dict[str, Any]) -> None:
        document["schema"]["$defs"]["alamat"]["properties"]["rt"]["pattern"] = "^0[0-9]{2}$"

    (finding,) = report_on(PENDUDUK, edit).findings
    assert (finding.rule, finding.field) == (Rule.PATTERN, "/alamat/rt")
    assert finding.pointer == "/schema/$defs/alamat/properties/rt/pattern"


def test_a_new_kind_of_event_is_compatible() -> None:
    def edit(document: dict[str, Any]) -> None:
        property_of("jenis")(document)["enum"].append("pengangkatan anak")

    assert report_on(PERISTIWA, edit).verdict is Verdict.COMPATIBLE


def test_a_detail_that_one_kind_of_event_must_have_now_is_named_where_it_is_demanded() -> None:
    def edit(document: dict[str, Any]) -> None:
        document["schema"]["allOf"][0]["then"]["required"].append("nomor_akta")

    (finding,) = report_on(PERISTIWA, edit).findings
    assert (finding.rule, finding.pointer, finding.pointer_before) == (
        Rule.CONDITION,
        "/schema/allOf/0/then",
        "/schema/allOf/0/then",
    )


def test_a_question_may_ask_for_more() -> None:
    report = report_on(CARI_NIK, lambda document: document["request"]["properties"].update(nama={"type": "string"}))
    assert report.verdict is Verdict.COMPATIBLE


def test_an_answer_may_not_say_more_to_those_who_know_the_old_one() -> None:
    report = report_on(CARI_NIK, lambda document: document["answer"]["properties"].update(catatan={"type": "string"}))
    assert {finding.pointer_before for finding in report.findings} == {"/answer/additionalProperties"}
