"""Validation of data against a contract's schema: the gate's compiled validator, and the reference validator for its tests."""

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cached_property
from itertools import islice
from typing import Any

import jsonschema
import jsonschema_rs
from jsonschema import Draft202012Validator, FormatChecker

from bus import json
from bus.contracts.effort import estimate_work
from bus.contracts.error_memory import ErrorMemory, estimate_error_memory
from bus.contracts.formats import AS_PATTERNS, FORMATS, NATIVE
from bus.contracts.patterns import translate_for_python
from bus.contracts.schemas import in_use, mapped, subschemas
from bus.problem import FieldError

_MOST_ERRORS = 100
MOST_MEMORY = 16 * 1024 * 1024
"""Bytes of all errors of a value. The library makes all errors before it gives out the first."""
_LOOKS_PERSONAL = re.compile(r"[0-9]{6}")
_LONGEST_NAME = 64
_HIDDEN = "***"
_TOO_LARGE = "does not fit the schema; the data are too large to say where"
_REGEX = jsonschema_rs.RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 20)
_CALLED_BACK = {name: check for name, check in FORMATS.items() if name not in NATIVE}


class SchemaUnusable(Exception):
    """A schema that the validator cannot compile; `error` says where."""

    def __init__(self, error: FieldError) -> None:
        super().__init__(error.detail)
        self.error = error


class Validator:
    """Accepts what a self-contained JSON Schema (2020-12) accepts, with its formats.

    Matches patterns in linear time. Never fetches anything.
    """

    def __init__(self, schema: Any) -> None:
        """Compile.

        Raises:
            SchemaUnusable: not a schema, a reference without target, a pattern that needs backtracking.
        """
        self._schema = schema
        self.is_valid: Callable[[Any], bool] = _compile(_make_quick_schema(schema)).is_valid
        """Whether a value is valid; the hot path."""

    def errors(
        self, value: Any, prefix: str = "", *, brief: bool = False, memory: int = MOST_MEMORY
    ) -> list[FieldError]:
        """The errors in a value, at most a hundred; empty if it is valid.

        If all errors together could take too much memory, gives only the first. The first error of a choice holds the errors of
        every form. If the schema has such choices, only says that the value is wrong.

        A message says what the schema demands and never repeats a value. A property's name that could be personal data
        (six digits in a row, or long) is written `***`.
        Args:
            value: a JSON value.
            prefix: pointer of the value in the caller's document, such as `/data`.
            brief: the first error is enough.
            memory: bytes that all errors together may take.
        """
        fits = self._error_memory.fits(value, memory)
        if not fits and self._error_memory.chooses:
            return [] if self.is_valid(value) else [FieldError(prefix, _TOO_LARGE)]
        found = self._exact.iter_errors(value) if fits and not brief else self._find_first(value)
        return list(islice(_make_field_errors(found, prefix), _MOST_ERRORS))

    def prepare(self) -> None:
        """Compute now what would otherwise be computed at its first use."""
        _ = self.work, self._error_memory, self._exact

    @cached_property
    def work(self) -> int:
        """The units of work that the schema asks for; see `effort`."""
        return estimate_work(self._schema)

    @cached_property
    def _error_memory(self) -> ErrorMemory:
        return estimate_error_memory(self._schema)

    @cached_property
    def _exact(self) -> jsonschema_rs.Draft202012Validator:
        """The validator that gives errors in the schema's own terms; made at the first error."""
        return _compile(self._schema)

    def _find_first(self, value: Any) -> Iterator[jsonschema_rs.ValidationError]:
        try:
            self._exact.validate(value)
        except jsonschema_rs.ValidationError as error:
            yield error


def _compile(schema: Any) -> jsonschema_rs.Draft202012Validator:
    wanted = {inner["format"] for inner in in_use(schema) if isinstance(inner.get("format"), str)}
    # Any callback slows down each validation, even if it is not called.
    called_back = {name: check for name, check in _CALLED_BACK.items() if name in wanted} or None
    try:
        return jsonschema_rs.Draft202012Validator(
            schema, validate_formats=True, formats=called_back, pattern_options=_REGEX, offline=True
        )
    except jsonschema_rs.ValidationError as error:
        raise SchemaUnusable(_describe_unusable(error)) from error


def _make_quick_schema(schema: Any) -> Any:
    """A schema that accepts the same values. Patterns replace formats that would call Python."""
    quick = copy.deepcopy(schema)
    for _, inner in subschemas(quick):
        name, others = inner.get("format"), inner.get("allOf", [])
        if isinstance(name, str) and name in AS_PATTERNS and isinstance(others, list):
            inner["allOf"] = [*others, {"pattern": AS_PATTERNS[name]}]
            del inner["format"]
    return quick


def make_reference_validator(schema: Any) -> Draft202012Validator:
    """The reference library's validator of a schema, with the bus's formats and ECMA-262's patterns. It is slow."""
    return _Reference(mapped(schema, translate_for_python), format_checker=_make_checker())


def _make_field_errors(errors: Iterator[jsonschema_rs.ValidationError], prefix: str) -> Iterator[FieldError]:
    for error in errors:
        kind: Any = error.kind
        at = prefix + write_pointer(error.instance_path)
        if kind.name in ("additionalProperties", "unevaluatedProperties"):
            for name in kind.unexpected:
                yield FieldError(at + write_pointer((name,)), "is not a property of this data", kind.name)
        elif kind.name == "required":
            yield FieldError(at + json.to_pointer((kind.property,)), "is required", kind.name)
        else:
            yield FieldError(at, _describe(kind), kind.name)
        if kind.name in ("anyOf", "oneOf") and hasattr(kind, "context"):
            # The publisher most likely meant the form with the fewest errors.
            closest: list[jsonschema_rs.ValidationError] = min(filter(None, kind.context), key=len, default=[])
            yield from _make_field_errors(iter(closest), prefix)


_DETAILS: dict[str, Callable[[Any], str]] = {
    "type": lambda kind: f"must be of type {' or '.join(kind.types)}",
    "enum": lambda kind: f"must be one of {_list_values(kind.options)}",
    "const": lambda kind: f"must be {_list_values([kind.expected_value])}",
    "format": lambda kind: f"must be in the format {kind.format}",
    "pattern": lambda kind: f"must match the pattern {kind.pattern}",
    "minLength": lambda kind: f"must have at least {kind.limit} characters",
    "maxLength": lambda kind: f"must have at most {kind.limit} characters",
    "minimum": lambda kind: f"must be at least {kind.limit}",
    "maximum": lambda kind: f"must be at most {kind.limit}",
    "exclusiveMinimum": lambda kind: f"must be greater than {kind.limit}",
    "exclusiveMaximum": lambda kind: f"must be less than {kind.limit}",
    "multipleOf": lambda kind: f"must be a multiple of {kind.multiple_of}",
    "minItems": lambda kind: f"must have at least {kind.limit} items",
    "maxItems": lambda kind: f"must have at most {kind.limit} items",
    "uniqueItems": lambda _: "must not hold the same item twice",
    "contains": lambda _: "must hold an item of the wanted form",
    "minProperties": lambda kind: f"must have at least {kind.limit} properties",
    "maxProperties": lambda kind: f"must have at most {kind.limit} properties",
    "propertyNames": lambda _: "has a property with a name that is not allowed",
    "falseSchema": lambda _: "must not be there",
    "not": lambda _: "has a form that is excluded",
    "anyOf": lambda _: "has none of the allowed forms",
    "oneOf": lambda kind: "must have exactly one of the allowed forms",
    "unevaluatedItems": lambda _: "has more items than allowed",
}


def _describe(kind: Any) -> str:
    describe = _DETAILS.get(kind.name)
    return describe(kind) if describe else f"breaks the rule {kind.name}"


def _list_values(values: list[Any]) -> str:
    shown = ", ".join(json.dumps(value).decode() for value in values[:20])
    return f"{shown}, …" if len(values) > 20 else shown


def write_pointer(path: Iterable[str | int]) -> str:
    """The JSON Pointer of a path into data, without names that could be personal data."""
    return json.to_pointer(_name(step) for step in path)


def _name(step: str | int) -> str | int:
    # The library gives a name of digits, such as a NIK, as a number.
    text = str(step)
    return _HIDDEN if len(text) > _LONGEST_NAME or _LOOKS_PERSONAL.search(text) else step


def _describe_unusable(error: jsonschema_rs.ValidationError) -> FieldError:
    at = json.to_pointer(error.instance_path)
    kind: Any = error.kind
    if kind.name == "$ref" or "does not exist" in error.message or "registry" in error.message:
        return FieldError(at, "has a $ref whose target is not there")
    if at.endswith("/pattern") or "/patternProperties" in at:
        return FieldError(at, "is not a regular expression that can be matched without backtracking")
    return FieldError(at, f"is not valid JSON Schema 2020-12: {_describe(kind)}")


def _make_checker() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, check in FORMATS.items():
        checker.checks(name)(_limit_to_text(check))
    return checker


def _limit_to_text(check: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or check(value)


def _check_multiple_of(_: Any, divisor: Any, instance: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    # Divides the decimals that JSON writes: the reference library divides floats, where 19.99 is no multiple of 0.01.
    if isinstance(instance, bool) or not isinstance(instance, int | float):
        return
    if Fraction(repr(instance)) % Fraction(repr(divisor)):
        yield jsonschema.ValidationError("is not a multiple")


_Reference: type[Draft202012Validator] = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"multipleOf": _check_multiple_of}
)
