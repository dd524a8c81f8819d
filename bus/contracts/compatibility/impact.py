"""Whom a change touches: consumers, producers, subscribers and adapters that rely on what goes away or becomes another thing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bus import json
from bus.contracts.compatibility.report import Finding, Report, Rule, Side
from bus.contracts.document import AdapterUse, Contract, Grant
from bus.contracts.outline import outline
from bus.contracts.schemas import schemas_at

_ANYTHING = frozenset({"string", "number", "integer", "boolean", "null", "object", "array"})


class What(Enum):
    """What of a participant's a change touches."""

    GRANT = "grant"
    FIELD = "field"
    MASK = "mask"
    ROWS = "rows"
    DATA_SENT = "data sent"
    FILTER = "subscription filter"
    ORDER = "order"
    MAPPING = "adapter mapping"


@dataclass(frozen=True, slots=True)
class Touched:
    """One thing that somebody has to look at.

    Attributes:
        participant: whose it is; an adapter's name is its participant.
        pointer: into the data; for a filter the attribute's name.
    """

    participant: str
    what: What
    pointer: str
    why: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a subscription to the contract relies on.

    Attributes:
        filters: expressions over context attributes.
        ordered_by: JSON Pointer into the data.
    """

    participant: str
    filters: Sequence[Mapping[str, Any]] = ()
    ordered_by: str | None = None


Mappings = Mapping[AdapterUse, Sequence[str]]
"""The pointers into the data (question and answer, of a query) that each adapter's operation reads or writes."""


def impact(
    report: Report,
    new: Contract,
    old: Contract,
    subscriptions: Sequence[Standing] = (),
    mappings: Mappings | None = None,
) -> list[Touched]:
    """Everybody whom the change from `old` to `new` touches, in a fixed order, each thing once.

    Args:
        report: of `check` for the two.
    """
    findings = [finding for finding in report.findings if finding.against == old.version]
    touched = [
        *_producers(findings, old),
        *(each for grant in old.grants for each in _grant(grant, findings, new, old)),
        *(each for subscription in subscriptions for each in _subscription(subscription, new, old)),
        *_adapters(mappings or {}, new, old),
    ]
    return list(dict.fromkeys(touched))


def _producers(findings: list[Finding], old: Contract) -> Iterator[Touched]:
    """Producers send what the new version refuses; of a query, who asks sends."""
    senders = sorted(old.producers) if old.request is None else [grant.participant for grant in old.grants]
    for finding in findings:
        if finding.side is Side.NEW_REFUSES_OLD and not finding.pointer.startswith("/answer"):
            for participant in senders:
                yield Touched(participant, What.DATA_SENT, finding.field, finding.message)


def _grant(grant: Grant, findings: list[Finding], new: Contract, old: Contract) -> Iterator[Touched]:
    who = grant.participant
    successor = new.grant(who)
    if successor is None:
        yield Touched(who, What.GRANT, "", f"{who} has no grant in version {new.version}.")
        return
    for pointer in grant.fields or ("",):
        for place, why in _changes_in(pointer, old.shown, new.shown):
            yield Touched(who, What.FIELD, place, why)
        if successor.fields is not None and not any(_covers(field, pointer) for field in successor.fields):
            yield Touched(who, What.FIELD, pointer, "It is no longer granted.")
        for finding in findings:
            if finding.side is Side.OLD_REFUSES_NEW and _meet(finding.field, pointer) and _is_shown(finding):
                yield Touched(who, What.FIELD, finding.field, finding.message)
    for finding in findings:
        if finding.rule is Rule.ORDERED_BY:
            yield Touched(who, What.ORDER, old.delivery.ordered_by or "", finding.message)
    for pointer in grant.mask:
        for why in _changes(pointer, old.shown, new.shown):
            yield Touched(who, What.MASK, pointer, f"{why} The mask {grant.mask[pointer].value} is for a text.")
    for pointer in dict.fromkeys(name for row in grant.rows for name in _names(row)):
        for why in _changes(pointer, old.shown, new.shown):
            yield Touched(who, What.ROWS, pointer, f"{why} Its row filter would match nothing, or something else.")


def _is_shown(finding: Finding) -> bool:
    return finding.pointer.startswith(("/schema", "/answer"))


def _subscription(subscription: Standing, new: Contract, old: Contract) -> Iterator[Touched]:
    who = subscription.participant
    if subscription.ordered_by is not None:
        for why in _changes(subscription.ordered_by, old.sent, new.sent):
            yield Touched(who, What.ORDER, subscription.ordered_by, why)
    for attribute, text in (pair for each in subscription.filters for pair in _tests(each)):
        if attribute == "dataschema" and old.version in text:
            yield Touched(who, What.FILTER, attribute, f"It names version {old.version}.")
        if attribute == "subject" and old.key != new.key:
            yield Touched(who, What.FILTER, attribute, "The record's key, which the subject repeats, moves.")
        if attribute == "partitionkey" and old.delivery.ordered_by != new.delivery.ordered_by:
            yield Touched(
                who, What.FILTER, attribute, "What events are ordered by, which the partition key repeats, changes."
            )


def _adapters(mappings: Mappings, new: Contract, old: Contract) -> Iterator[Touched]:
    for use in old.adapters:
        if use not in new.adapters:
            yield Touched(
                use.adapter, What.MAPPING, "", f"Its operation {use.operation} no longer serves the contract."
            )
            continue
        for pointer in mappings.get(use, ()):
            whys = {*_changes(pointer, old.sent, new.sent), *_changes(pointer, old.shown, new.shown)}
            for why in sorted(whys):
                yield Touched(use.adapter, What.MAPPING, pointer, f"{why} Its operation {use.operation} maps it.")


def _changes_in(pointer: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
    """What happened at a pointer or at fields inside it, each with its place; nothing more is said inside of what changed."""
    inside = (field.pointer for field in outline(old) if _covers(pointer, field.pointer))
    changed: list[str] = []
    for place in dict.fromkeys((pointer, *inside)):
        if not any(_covers(outer, place) for outer in changed):
            for why in _changes(place, old, new):
                changed.append(place)
                yield place, why


def _changes(pointer: str, old: Any, new: Any) -> Iterator[str]:
    """What happened to the field at a pointer; nothing where the old schema had none there."""
    before, after = schemas_at(old, pointer), schemas_at(new, pointer)
    if not before:
        return
    if not after:
        yield "The field is gone."
    elif _types(before) != _types(after):
        yield f"Its type changes from {_either(before)} to {_either(after)}."


def _types(schemas: list[Any]) -> frozenset[str]:
    """The types that the schemas at one place name; all where none does."""
    named: set[str] = set()
    for schema in schemas:
        types = schema.get("type", ()) if isinstance(schema, dict) else ()
        named.update([types] if isinstance(types, str) else types)
    return frozenset(named) or _ANYTHING


def _either(schemas: list[Any]) -> str:
    types = _types(schemas)
    return "anything" if types == _ANYTHING else " or ".join(sorted(types))


def _covers(granted: str, pointer: str) -> bool:
    """Whether a pointer lies in what another one grants; `*` stands for any name or index."""
    outer, inner = json.path(granted), json.path(pointer)
    return len(outer) <= len(inner) and all(a == b or "*" in (a, b) for a, b in zip(outer, inner, strict=False))


def _meet(first: str, second: str) -> bool:
    """Whether one of two pointers lies in the other."""
    return _covers(first, second) or _covers(second, first)


def _names(expression: Mapping[str, Any]) -> Iterator[str]:
    for name, _ in _tests(expression):
        yield name if name.startswith("/") else json.pointer((name,))


def _tests(expression: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The names and texts that a filter compares."""
    for dialect, operand in expression.items():
        if dialect in ("all", "any"):
            for part in operand:
                yield from _tests(part)
        elif dialect == "not":
            yield from _tests(operand)
        else:
            yield from operand.items()
