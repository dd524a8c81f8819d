"""Whom a change affects: consumers, producers, subscribers and adapters that rely on something that goes away or changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any, Final

from bus import json
from bus.contracts.compatibility.places import Places
from bus.contracts.compatibility.report import Finding, Report, Rule, Side
from bus.contracts.document import AdapterUse, Contract, Grant, Mask
from bus.contracts.fields import Visibility
from bus.contracts.outline import draw_outline
from bus.contracts.schemas import find_schemas_at
from bus.contracts.shown import Shown

_MOST: Final = 100
"""Findings for one participant: hundreds of consumers of thousands of fields would make millions."""
_ANYTHING = frozenset({"string", "number", "integer", "boolean", "null", "object", "array"})


class What(Enum):
    """What a change affects."""

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
    """One thing that a participant must look at.

    Attributes:
        participant: the participant; an adapter's name is its participant's name.
        pointer: pointer into the data; for a filter the attribute's name.
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
"""For each adapter operation, the pointers into the data that it reads or writes (query: into question and answer)."""


def find_touched(
    report: Report,
    new: Contract,
    old: Contract,
    subscriptions: Sequence[Standing] = (),
    mappings: Mappings | None = None,
) -> list[Touched]:
    """What the change from `old` to `new` affects, in a fixed order, each thing once.

    Args:
        report: the report of `check` on the two versions.
    """
    findings = [finding for finding in report.findings if finding.against == old.version]
    change = _Change(findings, new, old)
    touched = [
        *_find_producers(findings, old),
        *(each for grant in old.grants for each in _keep_first(_compare_grant(grant, change))),
        *(each for subscription in subscriptions for each in _keep_first(_check_subscription(subscription, change))),
        *_find_adapters(mappings or {}, change),
    ]
    return list(dict.fromkeys(touched))


class _Change:
    """The differences of two versions. What is found for one consumer's field is kept for the next consumer."""

    def __init__(self, findings: Sequence[Finding], new: Contract, old: Contract) -> None:
        self.new = new
        self.old = old
        self.reorders = [finding for finding in findings if finding.rule is Rule.ORDERED_BY]
        self.unread = [one for one in findings if one.side is Side.OLD_REFUSES_NEW and _is_shown(one)]
        self.sent = _Fields(old.sent, new.sent)
        self.shown = _Fields(old.shown, new.shown)


class _Fields:
    """What happened to the fields of a schema."""

    def __init__(self, old: Any, new: Any) -> None:
        self._old = old
        self._new = new
        self._at: dict[str, str | None] = {}
        self._inside: dict[str, list[tuple[str, str]]] = {}

    @cached_property
    def _declared(self) -> Places:
        return Places(field.pointer for field in draw_outline(self._old))

    def at(self, pointer: str) -> str | None:
        """What happened to the field at a pointer; None: nothing, or the old schema had no field there."""
        if pointer not in self._at:
            self._at[pointer] = _describe_difference(
                find_schemas_at(self._old, pointer), find_schemas_at(self._new, pointer)
            )
        return self._at[pointer]

    def inside(self, pointer: str) -> list[tuple[str, str]]:
        """What happened at a pointer or at fields inside it, each with its place. Leaves out fields inside a changed field."""
        if pointer not in self._inside:
            self._inside[pointer] = list(self._find_inside(pointer))
        return self._inside[pointer]

    def _find_inside(self, pointer: str) -> Iterator[tuple[str, str]]:
        if why := self.at(pointer):
            yield pointer, why
            return
        changed: str | None = None
        for place in self._declared.inside(pointer):
            if (changed is None or not place.startswith(f"{changed}/")) and (why := self.at(place)):
                changed = place
                yield place, why


def _keep_first(touched: Iterable[Touched]) -> Iterator[Touched]:
    """Each thing once, and at most `_MOST` of a participant; the last one says that there are more."""
    told: set[Touched] = set()
    for each in touched:
        if len(told) == _MOST and each not in told:
            yield replace(each, pointer="", why=f"There is more: {_MOST} things are listed.")
            return
        if each not in told:
            told.add(each)
            yield each


def _find_producers(findings: list[Finding], old: Contract) -> Iterator[Touched]:
    """What affects senders: the new version refuses data that they send. Consumers send the questions of a query."""
    senders = sorted(old.producers) if old.request is None else [grant.participant for grant in old.grants]
    refused = [one for one in findings if one.side is Side.NEW_REFUSES_OLD and not one.pointer.startswith("/answer")]
    for who in senders:
        yield from _keep_first(Touched(who, What.DATA_SENT, finding.field, finding.message) for finding in refused)


def _compare_grant(grant: Grant, change: _Change) -> Iterator[Touched]:
    who = grant.participant
    successor = change.new.grant(who)
    if successor is None:
        yield Touched(who, What.GRANT, "", f"{who} has no grant in version {change.new.version}.")
        return
    granted = Places(grant.fields or ("",))
    still = None if successor.fields is None else Places(successor.fields)
    for pointer in grant.fields or ("",):
        for place, why in change.shown.inside(pointer):
            yield Touched(who, What.FIELD, place, why)
        if still is not None and not still.cover(pointer):
            yield Touched(who, What.FIELD, pointer, "It is no longer granted.")
    for finding in change.unread:
        if granted.meet(finding.field):
            yield Touched(who, What.FIELD, finding.field, finding.message)
    for finding in change.reorders:
        yield Touched(who, What.ORDER, change.old.delivery.ordered_by or "", finding.message)
    yield from _compare_masks(grant, successor, granted, change)
    yield from _compare_rows(grant, successor, change)


def _compare_masks(grant: Grant, successor: Grant, granted: Places, change: _Change) -> Iterator[Touched]:
    who = grant.participant
    for pointer, mask in grant.mask.items():
        if why := change.shown.at(pointer):
            yield Touched(who, What.MASK, pointer, f"{why} The mask {mask.value} is for a text.")
    for pointer in dict.fromkeys((*grant.mask, *successor.mask)):
        before, after = grant.mask.get(pointer), successor.mask.get(pointer)
        if before is not after and granted.meet(pointer):
            yield Touched(
                who, What.MASK, pointer, f"Its mask changes from {_name_mask(before)} to {_name_mask(after)}."
            )


def _name_mask(mask: Mask | None) -> str:
    return "none" if mask is None else mask.value


def _compare_rows(grant: Grant, successor: Grant, change: _Change) -> Iterator[Touched]:
    who = grant.participant
    for pointer in dict.fromkeys(name for row in grant.rows for name in _list_names(row)):
        if why := change.shown.at(pointer):
            yield Touched(who, What.ROWS, pointer, f"{why} Its row filter would match nothing, or something else.")
    if grant.rows != successor.rows:
        yield Touched(who, What.ROWS, "", "Another row filter chooses what it gets.")


def _is_shown(finding: Finding) -> bool:
    return finding.pointer.startswith(("/schema", "/answer"))


def _check_subscription(subscription: Standing, change: _Change) -> Iterator[Touched]:
    who, new, old = subscription.participant, change.new, change.old
    if subscription.ordered_by is not None and (why := change.sent.at(subscription.ordered_by)):
        yield Touched(who, What.ORDER, subscription.ordered_by, why)
    elif subscription.ordered_by is not None and _is_hidden(subscription.ordered_by, new, who):
        why = "It is no longer shown unmasked, so that deliveries are no longer ordered by it."
        yield Touched(who, What.ORDER, subscription.ordered_by, why)
    for attribute, text in (pair for each in subscription.filters for pair in _list_tests(each)):
        if attribute == "dataschema" and old.version in text:
            yield Touched(who, What.FILTER, attribute, f"It names version {old.version}.")
        if attribute == "subject" and old.key != new.key:
            yield Touched(who, What.FILTER, attribute, "The record's key, which the subject repeats, moves.")
        if attribute == "partitionkey" and old.delivery.ordered_by != new.delivery.ordered_by:
            yield Touched(
                who, What.FILTER, attribute, "What events are ordered by, which the partition key repeats, changes."
            )


def _is_hidden(pointer: str, contract: Contract, participant: str) -> bool:
    """Whether a grant leaves a field out or masks it. False without a grant: then nothing is delivered."""
    grant = contract.grant(participant)
    if grant is None:
        return False
    return Shown(contract, grant, None, lambda _: str).visibility(pointer) is not Visibility.SHOWN


def _find_adapters(mappings: Mappings, change: _Change) -> Iterator[Touched]:
    for use in change.old.adapters:
        if use not in change.new.adapters:
            yield Touched(
                use.adapter, What.MAPPING, "", f"Its operation {use.operation} no longer serves the contract."
            )
            continue
        for pointer in mappings.get(use, ()):
            for why in sorted({why for fields in (change.sent, change.shown) if (why := fields.at(pointer))}):
                yield Touched(use.adapter, What.MAPPING, pointer, f"{why} Its operation {use.operation} maps it.")


def _describe_difference(before: list[Any], after: list[Any]) -> str | None:
    if not before:
        return None
    if not after:
        return "The field is gone."
    if _collect_types(before) != _collect_types(after):
        return f"Its type changes from {_list_types(before)} to {_list_types(after)}."
    return None


def _collect_types(schemas: list[Any]) -> frozenset[str]:
    """The types that the schemas at one place name; all types if no schema names one."""
    named: set[str] = set()
    for schema in schemas:
        types = schema.get("type", ()) if isinstance(schema, dict) else ()
        named.update([types] if isinstance(types, str) else types)
    return frozenset(named) or _ANYTHING


def _list_types(schemas: list[Any]) -> str:
    types = _collect_types(schemas)
    return "anything" if types == _ANYTHING else " or ".join(sorted(types))


def _list_names(expression: Mapping[str, Any]) -> Iterator[str]:
    for name, _ in _list_tests(expression):
        yield name if name.startswith("/") else json.to_pointer((name,))


def _list_tests(expression: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The names and texts that a filter compares."""
    for dialect, operand in expression.items():
        if dialect in ("all", "any"):
            for part in operand:
                yield from _list_tests(part)
        elif dialect == "not":
            yield from _list_tests(operand)
        else:
            yield from operand.items()
