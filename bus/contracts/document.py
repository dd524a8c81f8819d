"""The contract document: reads it from YAML or JSON, checks it, makes it self-contained, and holds it as a value."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from bus import json, shipped
from bus.contracts.effort import count_states
from bus.contracts.errors import DocumentInvalid, FilterInvalid
from bus.contracts.filter import compile_filter, read_data_field
from bus.contracts.formats import FORMATS, INSTEAD
from bus.contracts.patterns import PatternUnsupported, plain, translate_for_python
from bus.contracts.schemas import Schema, SchemaWrong, bundle, mapped, subschemas
from bus.contracts.validation import SchemaUnusable, Validator
from bus.contracts.weight import check_weight
from bus.contracts.yaml import read_yaml
from bus.kit import Classification as Classification
from bus.problem import FieldError, Unavailable

_META_SCHEMA = shipped.SCHEMAS / "contract.schema.json"
_LARGEST = 1024 * 1024
_MOST_PATTERNS = 500
_LONGEST_PATTERN = 2000
_MOST_STATES = 40_000
"""States of all patterns of a schema together. While patterns are compiled, the whole process stands still."""
_LARGEST_EVENT = 1024 * 1024
_LEFT_OUT = frozenset({"pattern", "patternProperties", "format", "until", "rows"})
_SCHEMAS = ("schema", "request", "answer")


class Kind(Enum):
    """What a contract is about."""

    EVENT = "event"
    """A fact that happened."""
    RECORD = "record"
    """The state of a keyed thing."""
    QUERY = "query"
    """A question and its answer, live."""


class Mask(Enum):
    """How a granted field is shown without its value."""

    REDACT = "redact"
    LAST4 = "last4"
    YEAR = "year"
    PSEUDONYM = "pseudonym"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one consumer may receive.

    Attributes:
        participant: the consumer.
        purpose, legal_basis: why; each disclosure records them. Empty if the data are about nobody.
        until: the grant's last day, in Lamongan's calendar; None: no end.
        fields: JSON Pointers of what is shown, each with all below it. The token `*` stands for every item of an array.
            None: everything.
        mask: masks by the pointers of the fields that they hide.
        rows: filter expressions over the data; all of them must hold.
    """

    participant: str
    purpose: str
    legal_basis: str
    until: date | None
    fields: tuple[str, ...] | None
    mask: Mapping[str, Mask]
    rows: tuple[Mapping[str, Any], ...]

    def has_ended(self, today: date) -> bool:
        """Whether the grant's last day is over."""
        return self.until is not None and today > self.until


@dataclass(frozen=True, slots=True)
class Delivery:
    """How events of a contract are kept and delivered.

    Attributes:
        ordered_by: a pointer into the data. Events with the same value there are delivered in order.
        retention_days: how long the journal keeps events; None: for ever.
        max_bytes: the size of the largest event; one mebibyte unless the document says otherwise.
        fresh_hours: a producer who sends nothing for longer is silent; None: events may be as rare as they are.
    """

    ordered_by: str | None
    retention_days: int | None
    max_bytes: int
    fresh_hours: int | None = None


@dataclass(frozen=True, slots=True)
class AdapterUse:
    """One operation of one agency's adapter that serves the contract."""

    adapter: str
    operation: str

    def __str__(self) -> str:
        return f"{self.adapter}/{self.operation}"


@dataclass(frozen=True, slots=True)
class Contract:
    """One version of a contract.

    Attributes:
        key: record contracts: pointer of the key.
        subject: pointer of the data subject's identifier; for a query it points into the request.
        schema: event and record contracts: the self-contained schema of the data.
        request, answer: query contracts: the self-contained schemas of question and answer.
        cache_seconds: query contracts: how long the bus may give an answer again.
        shares_cache: query contracts: whether other participants may get that answer too.
        attributes: extension attributes that a consumer sees even if its grant cuts the event.
        filterable: pointers of the fields by which consumers may choose records.
        document: the whole contract as a self-contained JSON document.
    """

    name: str
    version: str
    kind: Kind
    title: str
    owner: str
    classification: Classification
    key: str | None
    subject: str | None
    producers: frozenset[str]
    grants: tuple[Grant, ...]
    delivery: Delivery
    adapters: tuple[AdapterUse, ...]
    examples: tuple[Any, ...]
    schema: Schema | None
    request: Schema | None
    answer: Schema | None
    cache_seconds: int
    shares_cache: bool
    attributes: tuple[str, ...]
    filterable: tuple[str, ...]
    document: dict[str, Any]

    def grant(self, participant: str) -> Grant | None:
        """The participant's grant, or None."""
        return next((grant for grant in self.grants if grant.participant == participant), None)

    @property
    def sent(self) -> Schema:
        """The schema of what is sent to the bus: an event's data, a query's question."""
        return (self.request if self.kind is Kind.QUERY else self.schema) or {}

    @property
    def shown(self) -> Schema:
        """The schema of what grants show: an event's data, a query's answer."""
        return (self.answer if self.kind is Kind.QUERY else self.schema) or {}

    @property
    def person(self) -> str | None:
        """Pointer of the identifier of the person that the data are about; None if they are about nobody."""
        return (self.subject or self.key) if self.classification.is_about_persons else None


def load_contract(path: Path, root: Path | None = None) -> Contract:
    """The contract in a YAML or JSON file, with the files that its schemas refer to.

    Args:
        path: the file.
        root: the folder that references may not leave; None: the folder that `find_root` finds.

    Raises:
        DocumentInvalid: with a pointer for each thing that is wrong.
    """
    return _make_contract(_read(path), path.resolve(), root or find_root(path))


def parse_contract(document: Any) -> Contract:
    """The contract in a document without files beside it: its schemas may refer to no file.

    Raises:
        DocumentInvalid: with a pointer for each thing that is wrong.
    """
    return _make_contract(document, None, None)


def parse_contract_text(text: bytes) -> Contract:
    """The contract in a YAML or JSON text, with no files beside it to refer to.

    Raises:
        DocumentInvalid: with a pointer for each thing that is wrong.
    """
    return parse_contract(read_yaml(text))


def restore_contract(document: dict[str, Any]) -> Contract:
    """The contract in a stored document. Checks nothing: `load_contract` or `parse_contract` did so before."""
    delivery = document.get("delivery", {})
    return Contract(
        name=document["contract"],
        version=document["version"],
        kind=Kind(document["kind"]),
        title=document["title"],
        owner=document["owner"],
        classification=Classification(document["classification"]),
        key=document.get("key"),
        subject=document.get("subject"),
        producers=frozenset(document["producers"]),
        grants=tuple(_make_grant(consumer) for consumer in document.get("consumers", ())),
        delivery=Delivery(
            delivery.get("ordered_by"),
            delivery.get("retention_days"),
            delivery.get("max_bytes", _LARGEST_EVENT),
            delivery.get("fresh_hours"),
        ),
        adapters=tuple(AdapterUse(use["adapter"], use["operation"]) for use in document.get("adapters", ())),
        examples=tuple(document.get("examples", ())),
        schema=document.get("schema"),
        request=document.get("request"),
        answer=document.get("answer"),
        cache_seconds=document.get("cache_seconds", 0),
        shares_cache=document.get("cache") == "shared",
        attributes=tuple(document.get("attributes", ())),
        filterable=tuple(document.get("filterable", ())),
        document=document,
    )


def find_root(path: Path) -> Path:
    """The nearest folder above a contract file that holds a folder `schemas`. If there is none, the file's own folder."""
    folders = path.resolve().parents
    return next((folder for folder in folders if (folder / "schemas").is_dir()), folders[0])


def _make_grant(consumer: dict[str, Any]) -> Grant:
    return Grant(
        participant=consumer["participant"],
        purpose=consumer.get("purpose", ""),
        legal_basis=consumer.get("legal_basis", ""),
        until=date.fromisoformat(consumer["until"]) if "until" in consumer else None,
        fields=tuple(consumer["fields"]) if "fields" in consumer else None,
        mask={pointer: Mask(name) for pointer, name in consumer.get("mask", {}).items()},
        rows=tuple(consumer.get("rows", ())),
    )


def _read(path: Path) -> Any:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DocumentInvalid(f"{path.name} cannot be read: {error.strerror}.") from error
    return read_yaml(text)


def _make_contract(given: Any, base: Path | None, root: Path | None) -> Contract:
    if errors := _make_meta_validator().errors(given):
        raise _make_refusal(errors)
    document = {name: value for name, value in given.items() if name != "$schema"}
    for name in _SCHEMAS:
        if name in document:
            with _locate_errors(f"/{name}"):
                document[name] = bundle(document[name], base, root, _read)
                check_weight(document[name])
    if len(json.dump_canonical(document)) > _LARGEST:
        raise DocumentInvalid(f"The document with its schemas is larger than {_LARGEST} bytes.")
    if errors := [*_find_schema_errors(document), *_find_grant_errors(document)]:
        refusal = _make_refusal(errors)
        refusal.rest = _leave_out(document, errors)
        raise refusal
    return restore_contract(document)


def _leave_out(document: dict[str, Any], errors: Sequence[FieldError]) -> Contract | None:
    """The contract without the patterns, formats, ends and rows that have errors; None: other parts have errors too."""
    rest = json.loads(json.dumps(document))
    for error in errors:
        path = [str(step) for step in json.parse_pointer(error.pointer)]
        path = path[: path.index("rows") + 1] if path[:1] == ["consumers"] and "rows" in path else path
        holder = json.find(rest, json.to_pointer(path[:-1]))
        if path and path[-1] in _LEFT_OUT and isinstance(holder, dict):
            holder.pop(path[-1], None)
    if any(True for _ in (*_find_schema_errors(rest), *_find_grant_errors(rest))):
        return None
    return restore_contract(rest)


def _find_schema_errors(document: dict[str, Any]) -> Iterator[FieldError]:
    for name in _SCHEMAS:
        if name in document:
            errors = list(_find_dialect_errors(document[name]))
            if not errors:
                try:
                    Validator(document[name])
                except SchemaUnusable as unusable:
                    errors = [unusable.error]
            yield from (FieldError(f"/{name}{error.pointer}", error.detail) for error in errors)


def _find_dialect_errors(schema: Schema) -> Iterator[FieldError]:
    """Errors in a valid JSON Schema that uses more than contracts may."""
    patterns = counted = 0
    for path, inner in subschemas(schema):
        if isinstance(inner.get("format"), str) and inner["format"] not in FORMATS:
            instead = INSTEAD.get(inner["format"], "or say it with a pattern")
            yield FieldError(
                json.to_pointer((*path, "format")), f"must be one of {', '.join(sorted(FORMATS))}; {instead}"
            )
        for keyword, pattern in _list_patterns(inner):
            patterns += 1
            if len(pattern) > _LONGEST_PATTERN:
                at = json.to_pointer((*path, keyword))
                yield FieldError(
                    at, f"has a pattern of more than {_LONGEST_PATTERN} characters; use an enum for a list"
                )
                continue
            try:
                translate_for_python(pattern)
            except PatternUnsupported as unsupported:
                detail = f"has a pattern that contracts may not use: {unsupported}"
                yield FieldError(json.to_pointer((*path, keyword)), detail)
            else:
                counted += count_states(pattern)
    if patterns > _MOST_PATTERNS:
        yield FieldError("", f"has more than {_MOST_PATTERNS} patterns, each of which takes memory in every process")
    elif counted > _MOST_STATES:
        yield FieldError("", "has patterns whose counted repetitions are too long together; say lengths with maxLength")


def _list_patterns(schema: Schema) -> Iterator[tuple[str, str]]:
    if isinstance(schema.get("pattern"), str):
        yield "pattern", schema["pattern"]
    if isinstance(schema.get("patternProperties"), dict):
        yield from (("patternProperties", name) for name in schema["patternProperties"])


def _find_grant_errors(document: dict[str, Any]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, consumer in enumerate(document.get("consumers", ())):
        at = f"/consumers/{index}"
        if consumer["participant"] in seen:
            yield FieldError(f"{at}/participant", "has a grant in this contract already")
        seen.add(consumer["participant"])
        try:
            if "until" in consumer:
                date.fromisoformat(consumer["until"])
            for row, expression in enumerate(consumer.get("rows", ())):
                compile_filter(expression, read_data_field, f"{at}/rows/{row}")
        except ValueError:
            yield FieldError(f"{at}/until", "must be a date that the calendar has")
        except FilterInvalid as wrong:
            yield from wrong.errors


@contextmanager
def _locate_errors(prefix: str) -> Iterator[None]:
    try:
        yield
    except SchemaWrong as wrong:
        raise _make_refusal([FieldError(prefix + wrong.error.pointer, wrong.error.detail)]) from wrong


@cache
def _make_meta_validator() -> Validator:
    try:
        schema = json.loads(_META_SCHEMA.read_bytes())
    except OSError as error:
        raise Unavailable(f"The installation lacks {_META_SCHEMA.name}; install the bus again.") from error
    return Validator(mapped(schema, plain))


def _make_refusal(errors: list[FieldError]) -> DocumentInvalid:
    return DocumentInvalid("The contract document is not valid.", errors=errors)
