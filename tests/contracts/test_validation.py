"""The gate's validator: the same verdict as the reference, and messages that repeat no value."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bus import json
from bus.contracts.formats import FORMATS, NATIVE
from bus.contracts.validation import SchemaUnusable, Validator, make_reference_validator
from tests.builders import NIK, SCHEMA
from tests.contracts.documents import SHIPPED, shipped
from tests.contracts.generated import from_schema

EXAMPLES = settings().max_examples
"""Of one property, by the profile: `make quick` has a fifth."""
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["35.24.05.2001", NIK, "1990-02-30", "2026-01-01T00:00:60Z", "a@b.id", "http://x/ y", NIK + "\n", "٣٥٢٤"]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
CHANGES: st.SearchStrategy[Any] = VALUES | st.just(...)
SIDES = [(path, side) for path in SHIPPED for side in ("sent", "shown") if side == "sent" or shipped(path).answer]


def _examples(path: Path, side: str) -> list[Any]:
    contract = shipped(path)
    if contract.answer is None:
        return list(contract.examples)
    return [example["request" if side == "sent" else "answer"] for example in contract.examples]


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, inner in items for found in _paths(inner, (*path, key)))]


def _replaced(value: Any, path: tuple[str | int, ...], change: Any) -> Any:
    """`value` with what is at `path` replaced; a change of `...` takes it out."""
    if not path:
        return None if change is ... else change
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and change is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = _replaced(value[path[0]], path[1:], change)
    return copy


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """A valid value with one to three places changed, taken out or added to."""
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(_paths(value)))
        change: Any
        present = value
        for step in path:
            present = present[step]
        if isinstance(present, dict) and draw(st.booleans()):
            change = {**present, draw(st.sampled_from(["nik", "nama", "lain", "alamat", "jenis"])): draw(VALUES)}
        elif isinstance(present, str) and draw(st.booleans()):
            change = draw(
                st.sampled_from([present + "\n", present[:-1], present + " ", present.upper(), "０" + present[1:]])
            )
        else:
            change = draw(CHANGES)
        value = _replaced(value, path, change)
    return value


@pytest.mark.heavy
@pytest.mark.parametrize(("path", "side"), SIDES, ids=lambda at: at.stem if isinstance(at, Path) else str(at))
def test_a_payload_is_accepted_exactly_when_the_reference_accepts_it(path: Path, side: str) -> None:
    schema = getattr(shipped(path), side)
    fast, slow = Validator(schema), make_reference_validator(schema)
    verdicts: set[bool] = set()

    @settings(suppress_health_check=list(HealthCheck), deadline=None)
    @given((st.sampled_from(_examples(path, side)) | from_schema(schema, schema)).flatmap(mutated))
    def check(value: Any) -> None:
        verdicts.add(fast.is_valid(value))
        assert fast.is_valid(value) == slow.is_valid(value)
        assert bool(fast.errors(value)) == (not fast.is_valid(value))

    check()
    assert verdicts == {True, False}


NUMBERS = st.integers(-50, 50) | st.sampled_from([0.5, 0.01, 19.99, 1e300, -0.0, 1.0, 2**53 + 1])
TYPES = st.sampled_from(["string", "integer", "number", "object", "array", "null", "boolean"])


def _a_few(keywords: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """One to four of the keywords: a schema with more of them accepts nothing, and all validators agree on that."""
    names = st.lists(st.sampled_from(sorted(keywords)), min_size=1, max_size=4, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: keywords[name] for name in chosen}))


KEYWORDS = _a_few(
    {
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "enum": st.lists(SCALARS, min_size=1, max_size=3, unique_by=repr),
        "const": SCALARS,
        "minimum": NUMBERS,
        "exclusiveMinimum": NUMBERS,
        "maximum": NUMBERS,
        "exclusiveMaximum": NUMBERS,
        "multipleOf": st.integers(1, 7) | st.sampled_from([0.01, 0.1, 2.5]),
        "minLength": st.integers(0, 5),
        "maxLength": st.integers(0, 5),
        "format": st.sampled_from(sorted(FORMATS)),
        "pattern": st.sampled_from(
            [r"^[0-9]+$", r"^\d{2}$", r"\w\s\w", r"^.$", r"[^a]", r"(?:a|b)+$", r"^\S*$", r"\u0041\x42?"]
        ),
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 2),
        "uniqueItems": st.booleans(),
        "prefixItems": st.just([{"type": "string"}]),
        "items": st.sampled_from([True, False, {"type": "integer"}]),
        "contains": st.sampled_from([{"const": 1}, {"type": "string"}, True, False]),
        "minContains": st.integers(0, 2),
        "maxContains": st.integers(0, 2),
        "required": st.just(["a"]),
        "dependentRequired": st.just({"a": ["b"]}),
        "propertyNames": st.just({"maxLength": 3}),
        "patternProperties": st.just({"^[a-c]$": {"type": "integer"}}),
        "additionalProperties": st.sampled_from([True, False, {"type": "string"}]),
        "minProperties": st.integers(0, 2),
        "maxProperties": st.integers(0, 2),
    },
)
APPLICATORS = st.recursive(
    KEYWORDS | st.just({"$ref": "#/$defs/d"}),
    lambda inner: _a_few(
        {
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "dependentSchemas": st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=1),
            "properties": st.dictionaries(st.sampled_from(["a", "b"]), inner),
            "patternProperties": st.dictionaries(st.sampled_from(["^[a-c]$", "d|\u00e9"]), inner),
            "additionalProperties": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "items": inner,
            "contains": inner,
            "minContains": st.integers(0, 2),
            "unevaluatedProperties": st.booleans() | inner,
            "unevaluatedItems": st.booleans() | inner,
        },
    ),
    max_leaves=4,
)
DEFINITIONS = KEYWORDS.map(lambda schema: {**schema, "properties": {"a": {"$ref": "#/$defs/d"}}})
SCHEMAS = st.builds(lambda schema, d: {**schema, "$defs": {"d": d}}, APPLICATORS, DEFINITIONS)
SMALL = st.recursive(
    SCALARS | st.sampled_from([0, 1, "a", "ab"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.heavy
@settings(max_examples=5 * EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(SCHEMAS, SMALL)
@example({"multipleOf": 0.01}, 19.99)
@example({"pattern": r"^\d{2}$"}, "12\n")
@example({"pattern": r"^\d{2}$"}, "１２")
@example({"pattern": r"\s"}, "\ufeff")
@example({"const": 1}, True)
def test_the_verdicts_agree_on_generated_schemas(schema: Any, value: Any) -> None:
    assert Validator(schema).is_valid(value) == make_reference_validator(schema).is_valid(value)


NEAR_MISSES = {
    "date": [
        "+324-02-29",
        "2024-02-29",
        "2023-02-29",
        "0000-02-29",
        "2024-1-01",
        "2024-01-01\n",
        "２０２４-01-01",
        "20240101",
    ],
    "time": [
        "1*:00:00Z",
        "10:00:00Z",
        "23:59:60Z",
        "06:59:60+07:00",
        "10:00:60Z",
        "24:00:00Z",
        "10:00:00",
        "10:00:00+24:00",
    ],
    "date-time": [
        "2024-02-29T10:00:00Z",
        "2024-02-29 10:00:00Z",
        "2016-12-31T23:59:60Z",
        "2023-02-29T10:00:00Z",
        "2024-02-29T10:00:00Z\n",
    ],
    "email": ["a@b.id", "a@b", "A <a@b.id>", '"a b"@c.id', "a@b..id", "a@b.id\n", "@", "a@[127.0.0.1]"],
    "uri": ["http://a", "http://a/b c", "a/b", "urn:x:y", "http://a/%zz", "http://a\n"],
    "uri-reference": ["/a", "", "#f", "a b", "\n"],
    "uuid": ["2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2eb8aa08aa9811eab4aa73b441d16380", "{2eb8aa08-aa98-11ea-b4aa}"],
    "ipv4": ["127.0.0.1", "01.2.3.4", "256.0.0.1", "127.1", "１.2.3.4"],
    "hostname": ["desa.lamongankab.go.id", "a", "a.", "-a", "a" * 64, "a_b", "a..b", "a\n"],
    "duration": ["P1DT12H", "P4W", "PT1M", "P", "P1D4W", "PT", "P1YT", "1D", "P1Y2D", "PT1H2S", "P1D\n"],
    "regex": ["^[a-z]+$", "(a", "a{2,1}", "[", "(?=a)", "\\d+"],
    "json-pointer": ["", "/a/0", "/~0~1", "a", "/~2", "/a~", "#/a", "/\n"],
    "ipv6": ["::1", "::ffff:1.2.3.4", "fe80::1%eth0", "1::2::3", "12345::"],
}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_format_means_the_same_in_both_validators(name: str) -> None:
    schema = {"type": "string", "format": name}
    fast, slow = Validator(schema), make_reference_validator(schema)

    @settings(max_examples=2 * EXAMPLES, deadline=None)
    @given(
        st.sampled_from(NEAR_MISSES[name]).flatmap(
            lambda text: st.builds(
                lambda at, new, cut: text[: at % (len(text) + 1)] + new + text[at % (len(text) + 1) + cut :],
                st.integers(0, 50),
                st.text("0123456789-:.TZtz+@%[]/ aéfF\n", max_size=2),
                st.integers(0, 2),
            )
        )
    )
    def check(text: str) -> None:
        assert fast.is_valid(text) == slow.is_valid(text)

    check()
    assert [fast.is_valid(text) for text in NEAR_MISSES[name]] == [slow.is_valid(text) for text in NEAR_MISSES[name]]
    assert {fast.is_valid(text) for text in NEAR_MISSES[name]} == {True, False}


def test_formats_that_the_fast_library_checks_itself_are_the_bus_s_own() -> None:
    assert FORMATS.keys() >= NATIVE


def test_a_date_is_told_by_its_format_beside_whatever_else_must_hold() -> None:
    validator = Validator({"format": "date", "allOf": [{"minLength": 11}]})
    assert {(error.rule, error.detail) for error in validator.errors("2026-02-3")} == {
        ("format", "must be in the format date"),
        ("minLength", "must have at least 11 characters"),
    }
    assert [validator.is_valid(text) for text in ("2026-02-30", "2026-02-03", 3)] == [False, False, True]


def test_every_error_has_its_place_and_what_the_schema_wants() -> None:
    errors = Validator(SCHEMA).errors({"nama": 5, "lain": 1, "keluarga": [{"nik": 1}]}, "/data")
    assert {(error.pointer, error.detail) for error in errors} == {
        ("/data/nik", "is required"),
        ("/data/nama", "must be of type string"),
        ("/data/lain", "is not a property of this data"),
        ("/data/keluarga/0/nik", "must be of type string"),
    }


def test_the_closest_of_several_forms_is_explained() -> None:
    schema = {"oneOf": [{"type": "object", "required": ["a"]}, {"type": "object", "required": ["b", "c", "d"]}]}
    assert [error.pointer for error in Validator(schema).errors({})] == ["", "/a"]


SECRET = "Rahasia-Siti-3524"
WANTING = [
    {"type": "integer"},
    {"enum": ["a", 1]},
    {"const": "a"},
    {"pattern": "^x"},
    {"format": "date"},
    {"maxLength": 2},
    {"minLength": 99},
    {"not": {}},
    {"anyOf": [{"type": "integer"}, {"const": 2}]},
    {"oneOf": [{"type": "integer"}, {"const": 2}]},
    {"allOf": [{"type": "integer"}]},
    False,
]


@pytest.mark.parametrize("wanted", WANTING, ids=str)
def test_a_message_never_repeats_a_value(wanted: Any) -> None:
    errors = Validator({"properties": {"a": wanted}}).errors({"a": SECRET})
    assert errors
    assert SECRET not in str(errors)


@pytest.mark.parametrize(
    "schema",
    [
        {"additionalProperties": False},
        {"propertyNames": {"maxLength": 3}},
        {"additionalProperties": {"type": "integer"}},
        {"unevaluatedProperties": False},
        {"minProperties": 3},
    ],
    ids=str,
)
def test_a_name_that_looks_like_personal_data_is_not_repeated(schema: Any) -> None:
    errors = Validator(schema).errors({NIK: "x"})
    assert errors
    assert NIK not in str(errors)


def test_a_payload_with_endless_errors_is_answered_with_a_hundred() -> None:
    assert len(Validator({"items": {"type": "string"}}).errors(list(range(5000)))) == 100


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*b$", "^([a-z]+.)+x$"])
def test_no_payload_makes_a_pattern_slow(pattern: str) -> None:
    validator = Validator({"pattern": pattern})
    began = time.process_time()
    validator.is_valid("a" * 100_000 + "!")
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "text"}, "/type"),
        ({"properties": {"a": {"pattern": "(?=a)"}}}, "/properties/a/pattern"),
        ({"pattern": "(a{1,1000}){1,1000}"}, "/pattern"),
        ({"$ref": "#/$defs/tiada"}, ""),
        ({"$ref": "https://example.test/schema"}, ""),
    ],
)
def test_a_schema_that_cannot_be_compiled_is_refused_with_its_place(schema: Any, pointer: str) -> None:
    with pytest.raises(SchemaUnusable) as refused:
        Validator(schema)
    assert refused.value.error.pointer == pointer


def test_a_schema_that_refers_to_itself_ends() -> None:
    assert Validator({"allOf": [{"$ref": "#"}]}).is_valid(json.loads("1"))
