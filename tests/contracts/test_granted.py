"""What a version newly grants: named for who approves it, and never taken for nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bus.contracts.approval import check_grants_seen
from bus.contracts.compatibility import Step, compare_versions
from bus.contracts.document import Contract
from bus.contracts.errors import GrantsUnseen
from bus.contracts.granted import find_granted
from tests.builders import a_grant, a_strict_contract

TEXT = {"type": "string", "maxLength": 20}


def a_schema(*, closed: bool = True, **properties: Any) -> dict[str, Any]:
    """A schema of persons with two properties, and those that a test adds."""
    schema = {"type": "object", "required": ["nik"], "properties": {"nik": TEXT, "nama": TEXT, **properties}}
    return schema | ({"additionalProperties": False} if closed else {})


def version(*grants: Any, number: str = "1.1.0", **changes: Any) -> Contract:
    return a_strict_contract(**{"version": number, "consumers": list(grants), "schema": a_schema(), **changes})


def additions(new: Any, old: Any, **changes: Any) -> list[tuple[str, str]]:
    """What the one grant adds to the other."""
    before = version(old, number="1.0.0")
    return [
        (one.added.value, one.pointer)
        for granted in find_granted(version(new, **changes), [before])
        for one in granted.additions
    ]


def test_a_new_consumer_is_named_with_its_reason_and_each_field() -> None:
    new = version(a_grant("bapenda", fields=["/nik", "/nama"], mask={"/nama": "last4"}, until="2099-01-01"))
    (granted,) = find_granted(new, [version(number="1.0.0")])
    assert (granted.participant, str(granted.until)) == ("bapenda", "2099-01-01")
    assert (granted.purpose, granted.legal_basis) == ("uji", "PKS 1/2026")
    told = {(one.added.value, one.pointer): one.text for one in granted.additions}
    assert set(told) == {("consumer", ""), ("field", "/nik"), ("field", "/nama")}
    assert "last4" in told["field", "/nama"]


@pytest.mark.parametrize(
    ("new", "old", "found"),
    [
        pytest.param({"fields": ["/nik", "/nama"]}, {"fields": ["/nik"]}, [("field", "/nama")], id="a field"),
        pytest.param({"fields": ["/nik"]}, {"fields": ["/nik", "/nama"]}, [], id="less"),
        pytest.param({}, {"mask": {"/nik": "redact"}}, [("mask", "/nik")], id="a mask lifted"),
        pytest.param(
            {"mask": {"/nama": "last4"}}, {"mask": {"/nama": "redact"}}, [("mask", "/nama")], id="a weaker mask"
        ),
        pytest.param({"mask": {"/nama": "redact"}}, {"mask": {"/nama": "last4"}}, [], id="a stronger mask"),
        pytest.param({"until": "2099-12-31"}, {"until": "2099-01-01"}, [("end", "")], id="a later end"),
        pytest.param({"until": "2099-01-01"}, {"until": "2099-12-31"}, [], id="an earlier end"),
        pytest.param({}, {"rows": [{"exact": {"nama": "a"}}]}, [("rows", "")], id="no filter any more"),
        pytest.param({"rows": [{"exact": {"nama": "a"}}]}, {}, [], id="a filter"),
        pytest.param(
            {"rows": [{"prefix": {"nik": "35.24"}}]},
            {"rows": [{"prefix": {"nik": "35.24.01"}}]},
            [("rows", "")],
            id="wider",
        ),
        pytest.param({"rows": [{"prefix": {"nik": "3524"}}]}, {"rows": [{"prefix": {"nik": "35"}}]}, [], id="narrower"),
        pytest.param(
            {"rows": [{"any": [{"exact": {"nama": "a"}}, {"exact": {"nama": "b"}}]}]},
            {"rows": [{"exact": {"nama": "a"}}]},
            [("rows", "")],
            id="one value more",
        ),
        pytest.param(
            {}, {"until": "2020-01-01"}, [("consumer", ""), ("field", "/nik"), ("field", "/nama")], id="ended"
        ),
        pytest.param({"until": "2020-01-01"}, {}, [], id="a grant that has ended"),
    ],
)
def test_each_way_to_show_more_is_found_and_nothing_else(
    new: Mapping[str, Any], old: Mapping[str, Any], found: Sequence[tuple[str, str]]
) -> None:
    assert additions(a_grant("bapenda", **new), a_grant("bapenda", **old)) == found


def test_a_property_that_the_schema_gains_is_granted_to_who_gets_everything() -> None:
    schema = a_schema(agama=TEXT)
    assert additions(a_grant("bapenda"), a_grant("bapenda"), schema=schema) == [("field", "/agama")]


def test_a_property_that_an_open_schema_begins_to_declare_is_a_minor_step() -> None:
    """Valid data stay the same; but from now on the consumer sees what passed unseen."""
    old = version(a_grant("bapenda"), number="1.0.0", schema=a_schema(closed=False))
    new = version(a_grant("bapenda"), number="1.0.1", schema=a_schema(closed=False, agama={}))
    assert compare_versions(new, [old]).step is Step.MINOR


def test_a_whole_object_in_place_of_its_parts_is_more() -> None:
    parts = {"type": "object", "properties": {"rt": TEXT}}
    old = version(a_grant("bapenda"), number="1.0.0", schema=a_schema(rumah=parts))
    new = version(a_grant("bapenda"), schema=a_schema(rumah={"type": "object"}))
    assert [one.pointer for one in find_granted(new, [old])[0].additions] == ["/rumah"]


def test_the_highest_lower_version_is_what_counts() -> None:
    less, more = version(number="1.0.0"), version(a_grant("bapenda"), number="2.0.0")
    assert find_granted(version(a_grant("bapenda"), number="2.1.0"), [less, more]) == []
    assert find_granted(version(a_grant("bapenda"), number="1.1.0"), [less, more]) != []


def test_more_personal_data_are_refused_until_somebody_saw_them() -> None:
    with pytest.raises(GrantsUnseen) as refused:
        check_grants_seen(version(a_grant("bapenda")), [])
    assert refused.value.members["grants"][0]["participant"] == "bapenda"


def test_data_about_nobody_ask_for_no_look() -> None:
    schema = {"type": "object", "properties": {"kode": {"type": "string"}}, "required": ["kode"]}
    document = {"classification": "internal", "schema": schema, "key": "/kode", "subject": "/kode"}
    check_grants_seen(version(a_grant("bapenda"), **document), [])
