"""The verdict and the version step, by what the contract promises and by what has changed."""

import time
from typing import Any

import pytest

from bus.contracts.compatibility import Rule, Side, Step, Verdict, compare_versions, find_step
from tests.builders import a_grant, a_strict_contract
from tests.contracts.compatibility.versions import a_query_contract, an_event_contract, reported, the_only

NARROW, WIDE = {"type": "integer"}, {"type": "number"}


@pytest.mark.parametrize(
    ("mode", "old", "new", "verdict"),
    [
        ("backward", NARROW, WIDE, Verdict.COMPATIBLE),
        ("backward", WIDE, NARROW, Verdict.INCOMPATIBLE),
        ("forward", NARROW, WIDE, Verdict.INCOMPATIBLE),
        ("forward", WIDE, NARROW, Verdict.COMPATIBLE),
        ("full", NARROW, WIDE, Verdict.INCOMPATIBLE),
        ("full", WIDE, NARROW, Verdict.INCOMPATIBLE),
        ("full", WIDE, {"type": "number", "title": "Angka"}, Verdict.COMPATIBLE),
        ("none", NARROW, {"type": "string"}, Verdict.COMPATIBLE),
    ],
)
def test_the_mode_says_what_is_owed(mode: str, old: Any, new: Any, verdict: Verdict) -> None:
    assert reported(old, new, compatibility=mode).verdict is verdict


def test_without_a_mode_backward_is_owed() -> None:
    old, new = an_event_contract(NARROW), an_event_contract(WIDE, version="1.1.0", compatibility=None)
    assert compare_versions(new, [old]).verdict is Verdict.COMPATIBLE


def test_a_contract_that_promises_nothing_still_hears_what_breaks() -> None:
    report = reported(WIDE, NARROW, compatibility="none")
    assert [(finding.rule, finding.verdict) for finding in report.findings] == [(Rule.TYPE, Verdict.COMPATIBLE)]


def test_the_first_version_is_compatible_with_nothing_to_compare_with() -> None:
    assert compare_versions(an_event_contract(NARROW), []) == compare_versions(
        an_event_contract(NARROW), [an_event_contract(NARROW)]
    )
    assert compare_versions(an_event_contract(NARROW), []).verdict is Verdict.COMPATIBLE


ASK, ANSWER = {"properties": {"nik": {"type": "string"}}, "additionalProperties": False}, {"required": ["ditemukan"]}
ASK_MORE = {"properties": {"nik": {"type": "string"}, "nama": {"type": "string"}}, "additionalProperties": False}
ANSWER_MORE = {"required": ["ditemukan", "keterangan"]}


@pytest.mark.parametrize(
    ("mode", "request_", "answer", "broken"),
    [
        ("backward", ASK_MORE, ANSWER_MORE, set()),
        ("backward", {"properties": {}, "additionalProperties": False}, ANSWER, {("/request", Side.NEW_REFUSES_OLD)}),
        ("backward", ASK, {"required": []}, {("/answer", Side.OLD_REFUSES_NEW)}),
        ("forward", ASK_MORE, ANSWER_MORE, {("/request", Side.OLD_REFUSES_NEW), ("/answer", Side.NEW_REFUSES_OLD)}),
    ],
)
def test_a_query_takes_old_questions_and_gives_answers_that_old_askers_read(
    mode: str, request_: Any, answer: Any, broken: set[Any]
) -> None:
    old, new = a_query_contract(ASK, ANSWER), a_query_contract(request_, answer, version="2.0.0", compatibility=mode)
    findings = compare_versions(new, [old]).findings
    assert {("/" + finding.pointer.split("/")[1], finding.side) for finding in findings} == broken


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"kind": "event", "key": None, "subject": "/nik"}, Rule.KIND),
        ({"key": "/nama", "subject": "/nik"}, Rule.KEY),
        ({"subject": "/nama"}, Rule.SUBJECT),
        ({"classification": "internal"}, Rule.CLASSIFICATION),
        ({"producers": ["dinkes"]}, Rule.PRODUCER),
        ({"delivery": {"ordered_by": "/nik", "max_bytes": 500}}, Rule.MAX_BYTES),
        ({"delivery": {"ordered_by": "/nama", "max_bytes": 1000}}, Rule.ORDERED_BY),
        ({"delivery": {"max_bytes": 1000}}, Rule.ORDERED_BY),
    ],
)
def test_the_rest_of_the_contract_is_owed_too(changes: dict[str, Any], rule: Rule) -> None:
    old = a_strict_contract(delivery={"ordered_by": "/nik", "max_bytes": 1000})
    new = a_strict_contract(**{"delivery": {"ordered_by": "/nik", "max_bytes": 1000}, "version": "2.0.0", **changes})
    report = compare_versions(new, [old])
    assert (the_only(report).rule, report.verdict, report.step) == (rule, Verdict.INCOMPATIBLE, Step.MAJOR)


@pytest.mark.parametrize(
    "changes",
    [
        {"classification": "sensitive"},
        {"producers": ["dukcapil-lamongan", "dinkes"]},
        {"delivery": {"ordered_by": "/nik", "max_bytes": 2000}},
        {"consumers": [a_grant(), a_grant(participant="dinkes")]},
    ],
)
def test_what_gives_more_is_a_minor_step(changes: dict[str, Any]) -> None:
    old = a_strict_contract(delivery={"max_bytes": 1000})
    new = a_strict_contract(**{"delivery": {"max_bytes": 1000}, "version": "1.1.0", **changes})
    report = compare_versions(new, [old])
    assert (report.verdict, report.step) == (Verdict.COMPATIBLE, Step.MINOR)


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        (NARROW, {"type": "integer", "title": "Jumlah", "description": "Jumlah anak."}, Step.PATCH),
        ({"enum": [1, 2]}, {"type": "integer", "minimum": 1, "maximum": 2}, Step.PATCH),
        (NARROW, WIDE, Step.MINOR),
        (WIDE, NARROW, Step.MAJOR),
    ],
)
def test_the_step_follows_from_what_data_are_taken(old: Any, new: Any, step: Step) -> None:
    assert reported(old, new).step is step


@pytest.mark.parametrize("mode", ["backward", "forward", "none"])
def test_what_hurts_old_data_is_a_major_step_whatever_is_promised(mode: str) -> None:
    assert reported(WIDE, NARROW, compatibility=mode).step is Step.MAJOR


def test_other_words_and_examples_are_a_patch() -> None:
    new = a_strict_contract(version="1.0.1", title="Penduduk", description="Rekaan.", examples=[])
    report = compare_versions(new, [a_strict_contract()])
    assert (report.verdict, report.step) == (Verdict.COMPATIBLE, Step.PATCH)


@pytest.mark.parametrize(
    ("version", "is_enough"), [("1.0.0", False), ("1.0.1", False), ("1.1.0", True), ("1.2.5", True), ("2.0.0", True)]
)
def test_a_version_goes_up_by_what_the_change_calls_for(version: str, is_enough: bool) -> None:
    report = compare_versions(an_event_contract(WIDE, version=version), [an_event_contract(NARROW)])
    assert (report.verdict is Verdict.COMPATIBLE) is is_enough
    assert is_enough or the_only(report).rule is Rule.VERSION_STEP


def test_an_older_line_owes_no_step_to_a_newer_one() -> None:
    report = compare_versions(
        an_event_contract(WIDE, version="1.1.0"), [an_event_contract(NARROW), an_event_contract(WIDE, version="2.0.0")]
    )
    assert (report.verdict, report.step) == (Verdict.COMPATIBLE, Step.MINOR)


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ("1.2.3", "2.0.0", Step.MAJOR),
        ("1.2.3", "1.3.0", Step.MINOR),
        ("1.2.3", "1.2.4", Step.PATCH),
        ("1.9.0", "1.10.0", Step.MINOR),
        ("1.2.3", "1.2.3", None),
        ("1.2.3", "1.1.9", None),
    ],
)
def test_the_step_between_two_numbers(old: str, new: str, step: Step | None) -> None:
    assert find_step(old, new) is step


def _nested(depth: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(depth):
        schema = {"properties": {"a": schema}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    return schema


HOSTILE = [
    ("deep", _nested(60), _nested(61)),
    (
        "wide",
        {"properties": {f"p{n}": {"maxLength": n + 1} for n in range(2_000)}},
        {"properties": {f"p{n}": {"maxLength": n + 2} for n in range(2_000)}},
    ),
    ("a large enumeration", {"enum": list(range(20_000))}, {"enum": list(range(1, 20_001))}),
    (
        "entangled",
        {"allOf": [{"anyOf": [{"minimum": n}, {"required": [f"p{n}"]}, {"minItems": n}]} for n in range(40)]},
        {"oneOf": [{"required": [f"p{n}", f"q{n}"]} for n in range(60)]},
    ),
    ("a pattern that explodes", {"pattern": "^(a|b)*a(a|b){15}$"}, {"pattern": "^(a|b)*b(a|b){15}$"}),
    (
        "patterns for names",
        {"patternProperties": {f"^{n}": {"maximum": n} for n in range(30)}},
        {"patternProperties": {f"{n}$": {"maximum": n} for n in range(30)}},
    ),
    (
        "branches without end",
        {"anyOf": [{"properties": {f"p{n}": True}} for n in range(40)], "unevaluatedProperties": False},
        {"maxProperties": 3},
    ),
    ("very long texts", {"minLength": 10**9}, {"maxLength": 10**8}),
    ("very long arrays", {"minItems": 10**9}, {"items": {"type": "string"}}),
    ("very large objects", {"minProperties": 10**9}, {"propertyNames": {"maxLength": 5}}),
    ("very large numbers", {"minimum": 1e300, "multipleOf": 1e-300}, {"multipleOf": 7}),
]


@pytest.mark.heavy
@pytest.mark.parametrize(("_", "old", "new"), HOSTILE, ids=[row[0] for row in HOSTILE])
def test_a_hostile_schema_gets_its_verdict_in_bounded_time(_: str, old: Any, new: Any) -> None:
    started = time.process_time()
    reported(old, new, compatibility="full", steps=30_000)
    assert time.process_time() - started < 5


def test_what_takes_too_long_is_undecided_and_says_so() -> None:
    entangled = HOSTILE[3]
    report = reported(entangled[1], entangled[2], steps=100)
    assert report.verdict is Verdict.UNDECIDED
    assert "too entangled" in report.findings[0].message


def test_an_undecided_change_is_a_major_step() -> None:
    entangled = HOSTILE[3]
    assert reported(entangled[1], entangled[2], steps=100).step is Step.MAJOR
