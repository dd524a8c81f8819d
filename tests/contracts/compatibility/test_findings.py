"""What a finding says: where in both schemas, about which data, and with an example that people recognise."""

import pytest

from bus.contracts.compatibility import Rule, Side, Verdict, compare_versions
from tests.contracts.compatibility.versions import an_event_contract, reported, the_only

TEXT = {"type": "string"}


def closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def test_a_finding_points_into_both_documents() -> None:
    old = {"$defs": {"kode": {"type": "string", "maxLength": 13}}, "properties": {"a": {"$ref": "#/$defs/kode"}}}
    new = {"properties": {"a": {"type": "string", "maxLength": 10}}}
    finding = the_only(reported(old, new))
    assert (finding.pointer, finding.pointer_before) == (
        "/schema/properties/a/maxLength",
        "/schema/$defs/kode/maxLength",
    )


def test_a_finding_points_into_the_data() -> None:
    old = closed(keluarga={"type": "array", "items": closed(nama=TEXT)})
    new = closed(keluarga={"type": "array", "items": closed(nama={"type": "string", "maxLength": 3})})
    assert the_only(reported(old, new)).field == "/keluarga/*/nama"


def test_forward_the_demand_is_the_old_ones() -> None:
    finding = the_only(reported({"maxLength": 5}, {"maxLength": 9}, compatibility="forward"))
    assert (finding.side, finding.pointer, finding.pointer_before) == (
        Side.OLD_REFUSES_NEW,
        "/schema/maxLength",
        "/schema/maxLength",
    )


def test_every_broken_demand_is_named() -> None:
    old = closed(a=TEXT, b={"type": "integer"}, c=TEXT)
    new = {**closed(a={"type": "string", "minLength": 2}, b=TEXT), "required": ["a"]}
    found = {(finding.rule, finding.field) for finding in reported(old, new).findings}
    assert found == {(Rule.MIN_LENGTH, "/a"), (Rule.TYPE, "/b"), (Rule.CLOSED, "/c"), (Rule.REQUIRED, "")}


def test_only_the_demand_that_is_broken_is_named() -> None:
    old = {"properties": {"a": {"type": "string", "maxLength": 9}}, "additionalProperties": {"type": "integer"}}
    new = {"properties": {"a": {"type": "string", "maxLength": 5}}, "additionalProperties": {"type": "integer"}}
    assert the_only(reported(old, new)).pointer == "/schema/properties/a/maxLength"


def test_what_no_branch_names_is_not_blamed_for_another_demand() -> None:
    old = {"properties": {"a": TEXT}, "unevaluatedProperties": False}
    assert the_only(reported(old, {**old, "required": ["a"]})).rule is Rule.REQUIRED


def test_a_changed_branch_is_looked_into() -> None:
    old = {"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]}
    new = {"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 5}]}
    finding = the_only(reported(old, new))
    assert (finding.rule, finding.pointer, finding.pointer_before) == (
        Rule.MAX_LENGTH,
        "/schema/anyOf/1/maxLength",
        "/schema/anyOf/0/maxLength",
    )


def test_a_demand_deep_in_recursive_data_is_named_once() -> None:
    def tree(limit: int) -> dict[str, object]:
        return {**closed(isi={"type": "string", "maxLength": limit}, anak={"type": "array", "items": {"$ref": "#"}})}

    assert [finding.pointer for finding in reported(tree(9), tree(5)).findings] == ["/schema/properties/isi/maxLength"]


def test_an_example_of_the_contract_is_shown_rather_than_a_made_up_one() -> None:
    resident = {"nama": "Siti Rekaan", "anak": 2}
    old = an_event_contract(closed(nama=TEXT, anak={"type": "integer"}), examples=[resident])
    new = an_event_contract(closed(nama={"type": "string", "maxLength": 5}, anak={"type": "integer"}), version="2.0.0")
    example = the_only(compare_versions(new, [old])).example
    assert example is not None
    assert example.value == resident


def test_a_made_up_example_takes_its_texts_from_the_contracts_examples() -> None:
    nik = {"type": "string", "pattern": "^[0-9]{16}$"}
    old = an_event_contract(
        {**closed(nik=nik, jumlah={"type": "integer"}), "required": ["nik"]}, examples=[{"nik": "3524010101909001"}]
    )
    new = an_event_contract(
        {**closed(nik=nik, jumlah={"type": "integer", "maximum": 5}), "required": ["nik"]}, version="2.0.0"
    )
    example = the_only(compare_versions(new, [old])).example
    assert example is not None
    assert example.value == {"nik": "3524010101909001", "jumlah": 6}


def test_null_is_an_example_like_any_other() -> None:
    example = the_only(reported({"type": ["null", "string"]}, TEXT)).example
    assert example is not None
    assert example.value is None


def test_an_example_that_is_too_large_is_left_out() -> None:
    finding = the_only(reported({"maxLength": 20_000, "minLength": 18_000, "type": "string"}, {"maxLength": 17_000}))
    assert (finding.verdict, finding.example) == (Verdict.INCOMPATIBLE, None)


@pytest.mark.parametrize("mode", ["backward", "full", "none"])
def test_a_finding_names_the_version_it_was_compared_with(mode: str) -> None:
    olds = [
        an_event_contract({"maxLength": limit}, version=version)
        for limit, version in ((9, "1.0.0"), (8, "1.1.0"), (4, "1.2.0"))
    ]
    report = compare_versions(an_event_contract({"maxLength": 5}, version="2.0.0", compatibility=mode), olds)
    refused = [finding.against for finding in report.findings if finding.side is Side.NEW_REFUSES_OLD]
    assert refused == ["1.0.0", "1.1.0"]
