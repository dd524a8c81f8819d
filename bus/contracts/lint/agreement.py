"""Lint of the agreement: pointers, keys, examples, participants, and placeholders that a person must replace."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from bus import clock, json
from bus.contracts.binding import Bindings
from bus.contracts.document import Contract, Kind, Mask
from bus.contracts.lint.rule import Rule, Severity
from bus.contracts.outline import draw_outline
from bus.contracts.schemas import Schema, children, has_property, in_place
from bus.contracts.validation import Validator
from bus.contracts.view import OWN_RULES
from bus.problem import FieldError

POINTER = Rule(
    "pointer",
    Severity.ERROR,
    "Key, subject, order, filterable fields, fields, masks and rows point at what the schema declares.",
    "A pointer at nothing grants, masks or filters nothing, silently.",
    "Mend the pointer, or declare the property in the schema.",
)
REQUIRED = Rule(
    "required",
    Severity.ERROR,
    "What `key` points at is required, on every level; what `subject` points at, in some form of the data.",
    "A record without a key cannot be stored, and a disclosure without its person is never found again.",
    "Name the property, and each object above it, in `required`.",
)
MASKED_KEY = Rule(
    "masked-key",
    Severity.ERROR,
    "A record's key is shown, left out, or masked by itself as a `pseudonym`, which no producer gets.",
    "Behind other masks keys look alike. A producer tries keys out: it deletes one and sees its pseudonym.",
    "Mask the key with `pseudonym`, or leave it out of `fields`; of a producer, leave it out, or show it.",
)
ATTRIBUTE = Rule(
    "attribute",
    Severity.ERROR,
    "`attributes` names extension attributes, none of CloudEvents' own and none that the bus sets or views.",
    "The others have rules of their own, which no contract can lift.",
    "Take the name out; every consumer sees the attribute as its grant allows.",
)
EXAMPLE = Rule(
    "example",
    Severity.ERROR,
    "Examples are valid under the schema.",
    "They are what developers copy.",
    "Mend the example, or the schema that refuses it.",
)
EXAMPLES = Rule(
    "examples",
    Severity.WARNING,
    "There is at least one example.",
    "It shows in a glance what a schema says in a page, and the catalogue and AsyncAPI print it.",
    "Add `examples` with fictitious data.",
)
PLACEHOLDER = Rule(
    "placeholder",
    Severity.ERROR,
    "No text is a placeholder in angle brackets.",
    "`bus contract new` leaves them where a person must write; readers need the words.",
    "Write what the text in the brackets asks for.",
)
ENDED = Rule(
    "ended",
    Severity.ERROR,
    "No grant has ended.",
    "It shows nothing any more, though a reader of the document believes it.",
    "Agree on a later `until`, or take the grant out. A version in force stays as it is, and may still be applied.",
)
OPERATION = Rule(
    "operation",
    Severity.ERROR,
    "Each adapter that is installed here has the operation that `adapters` names.",
    "Nothing would ever be delivered, polled or asked.",
    "Mend the name; the adapter's page says which operations it has.",
)
ELSEWHERE = Rule(
    "elsewhere",
    Severity.WARNING,
    "Each adapter that `adapters` names is installed here.",
    "An unknown name is often a misspelt one; only the operator may activate it.",
    "Mend the name, or check the document where the adapter is installed.",
)
PARTICIPANT = Rule(
    "participant",
    Severity.WARNING,
    "Owner, producers and consumers are known to this bus.",
    "An unknown name is often a misspelt one, and a grant to nobody.",
    "Mend the name, or have the operator add the participant first.",
)

_PLACEHOLDER = re.compile(r"\s*<[^<>]+>\s*", re.DOTALL)
_TEXTS = frozenset({"title", "description", "purpose", "legal_basis"})


def unknown(contract: Contract, participants: Collection[str]) -> Iterator[FieldError]:
    """Errors for participants of the contract that the bus does not know."""
    named = [("/owner", contract.owner)]
    named += [(f"/producers/{n}", name) for n, name in enumerate(contract.document["producers"])]
    named += [(f"/consumers/{n}/participant", grant.participant) for n, grant in enumerate(contract.grants)]
    for at, name in named:
        if name not in participants:
            yield FieldError(at, f"{name} is not known to this bus")


def find_ended(contract: Contract) -> Iterator[FieldError]:
    """Errors for grants that have ended."""
    today = clock.today()
    for index, grant in enumerate(contract.grants):
        if grant.has_ended(today):
            yield FieldError(f"/consumers/{index}/until", f"the grant of {grant.participant} ended on {grant.until}")


def find_unknown_uses(
    contract: Contract, adapters: Collection[str], bindings: Bindings
) -> Iterator[tuple[Rule, FieldError]]:
    """Errors for adapters that are not installed, and for operations without a binding, each with its rule.

    Args:
        adapters: the names of the installed adapters.
    """
    for index, use in enumerate(contract.adapters):
        if use.adapter not in adapters:
            yield ELSEWHERE, FieldError(f"/adapters/{index}/adapter", f"{use.adapter} is not installed here")
        elif bindings(use) is None:
            yield (
                OPERATION,
                FieldError(f"/adapters/{index}/operation", f"{use.adapter} has no operation {use.operation}"),
            )


def _check_pointers(contract: Contract) -> Iterator[FieldError]:
    yield from _find_missing(contract.sent, [("/key", contract.key), ("/subject", contract.subject)])
    yield from _find_missing(contract.sent, [("/delivery/ordered_by", contract.delivery.ordered_by)])
    filterable = [(f"/filterable/{index}", pointer) for index, pointer in enumerate(contract.filterable)]
    yield from _find_missing(contract.sent, filterable)
    for index, grant in enumerate(contract.grants):
        at = f"/consumers/{index}"
        yield from _find_missing(
            contract.shown, [(f"{at}/fields/{n}", pointer) for n, pointer in enumerate(grant.fields or ())]
        )
        yield from _find_missing(
            contract.shown, [(at + json.to_pointer(("mask", pointer)), pointer) for pointer in grant.mask]
        )
        for row, expression in enumerate(grant.rows):
            names = [_write_pointer(name) for name in _list_names(expression)]
            yield from _find_missing(contract.shown, [(f"{at}/rows/{row}", pointer) for pointer in names])


def _find_missing(schema: Schema, places: Sequence[tuple[str, str | None]]) -> Iterator[FieldError]:
    for at, pointer in places:
        if pointer is not None and not has_property(schema, pointer):
            yield FieldError(at, f"points at {pointer}, which the schema does not declare")


def _list_names(expression: Any) -> Iterator[str]:
    for dialect, operand in expression.items():
        if dialect in ("all", "any"):
            for part in operand:
                yield from _list_names(part)
        elif dialect == "not":
            yield from _list_names(operand)
        else:
            yield from operand


def _write_pointer(name: str) -> str:
    return name if name.startswith("/") else json.to_pointer((name,))


def _check_required(contract: Contract) -> Iterator[FieldError]:
    schema = contract.sent
    if contract.key is not None and has_property(schema, contract.key):
        always = {field.pointer for field in draw_outline(schema) if field.required}
        yield from _find_optional("/key", contract.key, always)
    if contract.subject is not None and has_property(schema, contract.subject):
        # At least one form of the data must require it. Another form may not: a company has no NIK.
        yield from _find_optional("/subject", contract.subject, set(_list_demanded(schema, contract.subject)))


def _find_optional(at: str, pointer: str, required: Collection[str]) -> Iterator[FieldError]:
    path = json.parse_pointer(pointer)
    levels = (json.to_pointer(path[: depth + 1]) for depth in range(len(path)))
    if optional := next((level for level in levels if level not in required), None):
        yield FieldError(at, f"points at {pointer}, but {optional} is not required")


def _list_demanded(schema: Schema, pointer: str) -> Iterator[str]:
    """The levels of a pointer that some form of the data requires."""
    heads: list[Any] = [schema]
    path = json.parse_pointer(pointer)
    for depth, step in enumerate(path):
        applied = [one for one in in_place(schema, heads) if isinstance(one, dict)]
        if any(step in one.get("required", ()) for one in applied):
            yield json.to_pointer(path[: depth + 1])
        heads = [child for one in applied for child in children(one, step)]


def _check_masked_keys(contract: Contract) -> Iterator[FieldError]:
    if contract.kind is not Kind.RECORD or contract.key is None:
        return
    for index, grant in enumerate(contract.grants):
        if grant.fields is not None and not any(_meet(field, contract.key) for field in grant.fields):
            continue
        for pointer, mask in grant.mask.items():
            at = f"/consumers/{index}" + json.to_pointer(("mask", pointer))
            is_key = pointer == contract.key and mask is Mask.PSEUDONYM
            if _meet(pointer, contract.key) and not is_key:
                yield FieldError(at, f"masks the key, {contract.key}, so that keys are not kept apart")
            elif is_key and grant.participant in contract.producers:
                yield FieldError(at, f"masks the key, {contract.key}, of a producer, which can try keys out")


def _meet(one: str, other: str) -> bool:
    """Whether two pointers are equal, or one leads above the other; `*` is any step."""
    pairs = zip(json.parse_pointer(one), json.parse_pointer(other), strict=False)
    return all(step == beside or "*" in (step, beside) for step, beside in pairs)


def _check_attributes(contract: Contract) -> Iterator[FieldError]:
    for index, name in enumerate(contract.attributes):
        if name in OWN_RULES:
            yield FieldError(f"/attributes/{index}", f"{name} is no attribute that a contract can name")


def _check_examples(contract: Contract) -> Iterator[FieldError]:
    if contract.kind is Kind.QUERY:
        request, answer = Validator(contract.sent), Validator(contract.shown)
        for index, example in enumerate(contract.examples):
            yield from request.errors(example["request"], f"/examples/{index}/request")
            yield from answer.errors(example["answer"], f"/examples/{index}/answer")
    else:
        schema = Validator(contract.sent)
        for index, example in enumerate(contract.examples):
            yield from schema.errors(example, f"/examples/{index}")


def _check_has_examples(contract: Contract) -> Iterator[FieldError]:
    if not contract.examples:
        yield FieldError("/examples", "there is none")


def _find_placeholders(contract: Contract) -> Iterator[FieldError]:
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), contract.document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str) and path[-1] in _TEXTS and _PLACEHOLDER.fullmatch(value):
            yield FieldError(json.to_pointer(path), "is still to be written")
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting += reversed([((*path, step), one) for step, one in inner if path[:1] != ("examples",)])


CHECKS = (
    (POINTER, _check_pointers),
    (REQUIRED, _check_required),
    (MASKED_KEY, _check_masked_keys),
    (ATTRIBUTE, _check_attributes),
    (EXAMPLE, _check_examples),
    (EXAMPLES, _check_has_examples),
    (PLACEHOLDER, _find_placeholders),
)
