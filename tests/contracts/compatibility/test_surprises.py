"""What surprised the users of other registries, with the answer that the data give."""

from typing import Any

import pytest

from bus.contracts.compatibility import Rule, Verdict
from tests.contracts.compatibility.versions import reported, the_only

TEXT, NUMBER, INTEGER = {"type": "string"}, {"type": "number"}, {"type": "integer"}
TEXT_OR_INTEGER = {"anyOf": [TEXT, INTEGER]}


def an_object(properties: Any, additional: Any = True, required: Any = ()) -> Any:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": additional,
        "required": list(required),
    }


def test_an_optional_property_added_to_an_open_object_is_shown_to_break() -> None:
    # confluentinc/schema-registry#1458: refused, and nobody could see why.
    finding = the_only(reported(an_object({"harga": NUMBER}), an_object({"harga": NUMBER, "pajak": NUMBER})))
    assert (finding.rule, finding.pointer) == (Rule.OPEN_MODEL, "/schema/properties/pajak")
    assert finding.example is not None
    assert finding.example.value == {"pajak": "lain"}
    assert '"additionalProperties": false' in finding.message


def test_an_optional_property_added_to_a_closed_object_is_backward_compatible() -> None:
    old, new = an_object({"nama": TEXT}, False), an_object({"nama": TEXT, "baru": TEXT}, False)
    assert reported(old, new).verdict is Verdict.COMPATIBLE


def test_it_is_not_fully_compatible() -> None:
    # confluentinc/schema-registry#1490, #1778: consumers of the old version blow up on the new property.
    old, new = an_object({"nama": TEXT}, False), an_object({"nama": TEXT, "baru": TEXT}, False)
    finding = the_only(reported(old, new, compatibility="full"))
    assert finding.example is not None
    assert finding.example.value == {"baru": "lain"}


def test_an_optional_property_removed_from_an_open_object_is_not_forward_compatible() -> None:
    # confluentinc/schema-registry#2121: the new version lets anything in under the old name.
    finding = the_only(reported(an_object({"a": TEXT}), an_object({}), compatibility="forward"))
    assert (finding.rule, finding.pointer_before) == (Rule.OPEN_MODEL, "/schema/properties/a")


def test_an_optional_property_removed_from_a_closed_object_is_forward_compatible() -> None:
    report = reported(an_object({"a": TEXT}, False), an_object({}, False), compatibility="forward")
    assert report.verdict is Verdict.COMPATIBLE


PARTLY_OPEN = an_object({"foo": TEXT}, {"anyOf": [TEXT]})


@pytest.mark.parametrize(
    ("new", "verdict"),
    [
        (an_object({"foo": TEXT, "bar": TEXT}, {"anyOf": [TEXT]}), Verdict.COMPATIBLE),
        (an_object({"bar": TEXT}, {"anyOf": [TEXT]}), Verdict.COMPATIBLE),
        (an_object({"foo": TEXT}, TEXT_OR_INTEGER), Verdict.COMPATIBLE),
        (an_object({"foo": TEXT, "bar": TEXT}, TEXT_OR_INTEGER), Verdict.COMPATIBLE),
        (an_object({"foo": TEXT, "bar": INTEGER}, TEXT_OR_INTEGER), Verdict.INCOMPATIBLE),
    ],
)
def test_a_partly_open_object_takes_new_properties_of_the_form_it_left_open(new: Any, verdict: Verdict) -> None:
    # confluentinc/schema-registry#2671
    assert reported(PARTLY_OPEN, new).verdict is verdict


OPENNESS = {"open": True, "closed": False}
# confluentinc/schema-registry#4292: of 24 combinations of opening, adding and removing two gave the wrong answer.
ADDED_AND_REMOVED = [
    ("open", "add", "optional", False),
    ("open", "add", "required", False),
    ("open", "remove", "optional", True),
    ("open", "remove", "required", True),
    ("closed", "add", "optional", True),
    ("closed", "add", "required", False),
    ("closed", "remove", "optional", False),
    ("closed", "remove", "required", False),
]


@pytest.mark.parametrize(("openness", "change", "need", "is_compatible"), ADDED_AND_REMOVED)
def test_adding_and_removing_a_property(openness: str, change: str, need: str, is_compatible: bool) -> None:
    without = an_object({"a": TEXT}, OPENNESS[openness])
    with_it = an_object({"a": TEXT, "b": TEXT}, OPENNESS[openness], ["b"] if need == "required" else [])
    old, new = (without, with_it) if change == "add" else (with_it, without)
    assert (reported(old, new).verdict is Verdict.COMPATIBLE) is is_compatible


@pytest.mark.parametrize(("openness", "change", "need", "_"), ADDED_AND_REMOVED)
def test_a_default_makes_no_difference(openness: str, change: str, need: str, _: bool) -> None:
    # Nothing fills a default in: the gate and the readers see the data as they are.
    plain, default = TEXT, {**TEXT, "default": "x"}
    required = ["b"] if need == "required" else []
    verdicts = set()
    for kind in (plain, default):
        without = an_object({"a": TEXT}, OPENNESS[openness])
        with_it = an_object({"a": TEXT, "b": kind}, OPENNESS[openness], required)
        old, new = (without, with_it) if change == "add" else (with_it, without)
        verdicts.add(reported(old, new).verdict)
    assert len(verdicts) == 1


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ({"type": "array"}, {"type": "array", "uniqueItems": True}, Rule.UNIQUE_ITEMS),
        (INTEGER, {"type": "integer", "multipleOf": 2}, Rule.MULTIPLE_OF),
        ({"multipleOf": 2}, {"multipleOf": 4}, Rule.MULTIPLE_OF),
        (an_object({"a": TEXT}), an_object({"a": TEXT}, required=["a"]), Rule.REQUIRED),
        ({"enum": [1, None, {"a": 1}]}, {"enum": [1, None]}, Rule.VALUES),
    ],
)
def test_changes_that_a_checker_overlooked(old: Any, new: Any, rule: Rule) -> None:
    # Aiven-Open/karapace#1363: the keywords were looked up under the wrong names, so that the rules never fired.
    assert the_only(reported(old, new)).rule is rule


def test_an_unchanged_schema_with_overlapping_branches_is_compatible() -> None:
    # Apicurio/apicurio-registry#1443
    homes = {
        "usaha": an_object({"jalan": NUMBER}),
        "rumah": an_object({"jalan": NUMBER, "rt": NUMBER}),
    }
    schema = {
        "$defs": homes,
        "properties": {"alamat": {"anyOf": [{"$ref": "#/$defs/usaha"}, {"$ref": "#/$defs/rumah"}]}},
    }
    assert reported(schema, {**schema, "title": "Alamat"}, compatibility="full").verdict is Verdict.COMPATIBLE


LIMITED, SIXES = {"type": "number", "maximum": 100}, {"type": "number", "multipleOf": 6}


@pytest.mark.parametrize(
    ("old", "new", "is_compatible"),
    [
        ({"allOf": [LIMITED, SIXES]}, {"anyOf": [LIMITED, SIXES]}, True),
        ({"oneOf": [LIMITED, SIXES]}, {"anyOf": [LIMITED, SIXES]}, True),
        (LIMITED, {"anyOf": [LIMITED, SIXES]}, True),
        ({"anyOf": [LIMITED, SIXES]}, {"oneOf": [LIMITED, SIXES]}, False),
        ({"anyOf": [LIMITED, SIXES]}, {"allOf": [LIMITED, SIXES]}, False),
    ],
)
def test_one_combination_for_another(old: Any, new: Any, is_compatible: bool) -> None:
    # Apicurio/apicurio-registry#1367
    assert (reported(old, new).verdict is Verdict.COMPATIBLE) is is_compatible


def test_branches_in_another_order_are_the_same() -> None:
    # Branches were compared by their place, so that a new one in front broke all the others.
    old = {"oneOf": [an_object({"a": TEXT}, False, ["a"]), an_object({"b": TEXT}, False, ["b"])]}
    new = {"oneOf": [TEXT, *reversed(old["oneOf"])]}
    assert reported(old, new).verdict is Verdict.COMPATIBLE


def test_a_change_inside_an_all_of_is_named_where_it_is() -> None:
    # Apicurio/apicurio-registry#1711: the whole allOf was named, and nobody found the property.
    old = {"type": "object", "allOf": [{"properties": {"id": TEXT}}]}
    new = {"type": "object", "allOf": [{"properties": {"id": {"type": "string", "maxLength": 5}}}]}
    assert the_only(reported(old, new)).pointer == "/schema/allOf/0/properties/id/maxLength"


def test_a_definition_under_another_name_is_the_same() -> None:
    old = {"$defs": {"kode": TEXT}, "properties": {"a": {"$ref": "#/$defs/kode"}}}
    new = {"$defs": {"kode_wilayah": TEXT}, "properties": {"a": {"$ref": "#/$defs/kode_wilayah"}}}
    assert reported(old, new, compatibility="full").verdict is Verdict.COMPATIBLE


def test_a_definition_under_the_same_name_with_another_meaning_is_not_the_same() -> None:
    old = {"$defs": {"kode": TEXT}, "properties": {"a": {"$ref": "#/$defs/kode"}}}
    new = {"$defs": {"kode": INTEGER}, "properties": {"a": {"$ref": "#/$defs/kode"}}}
    assert the_only(reported(old, new)).rule is Rule.TYPE
