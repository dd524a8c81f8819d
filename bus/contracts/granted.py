"""What a version newly grants: who gets to see what, beyond the version before. Who approves the version reads it first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from bus import clock, json
from bus.contracts.declared import Declared, find_declared
from bus.contracts.document import Contract, Grant, Mask
from bus.contracts.persons import identifies_persons
from bus.contracts.registered import version_order
from bus.contracts.shown import Shown


class Added(Enum):
    """How a grant shows more than before."""

    CONSUMER = "consumer"
    FIELD = "field"
    MASK = "mask"
    ROWS = "rows"
    END = "end"
    ATTRIBUTE = "attribute"


@dataclass(frozen=True, slots=True)
class Addition:
    """One thing that a consumer did not get before.

    Attributes:
        pointer: of a field, a mask: JSON Pointer into the data; of an attribute: its name; otherwise empty.
        text: what changes, for people.
        mask: how a field or a changed mask hides the value now; None: it does not hide it.
    """

    added: Added
    pointer: str
    text: str
    mask: Mask | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """What a version newly shows to one consumer, and why.

    Attributes:
        until: the grant's last day, in Lamongan's calendar; None: no end.
    """

    participant: str
    purpose: str
    legal_basis: str
    until: date | None
    additions: tuple[Addition, ...]


def find_granted(new: Contract, against: Sequence[Contract]) -> list[Granted]:
    """What a version grants beyond the highest lower version, by the document's order of consumers.

    Args:
        against: the active versions. Without a lower version among them, every grant is new.
    """
    lower = [old for old in against if version_order(old.version) < version_order(new.version)]
    return find_granted_since(new, max(lower, key=lambda old: version_order(old.version), default=None))


def find_granted_since(new: Contract, old: Contract | None) -> list[Granted]:
    """What a version grants beyond another version; None: beyond nothing."""
    today = clock.today()
    after, before = _Version(new), _Version(old) if old else None
    found = [_compare(after, before, grant, today) for grant in new.grants if not grant.has_ended(today)]
    return [one for one in found if one.additions]


def grants_persons_data(contract: Contract, granted: Sequence[Granted]) -> bool:
    """Whether some of what is newly granted may be data about persons."""
    return bool(granted) and identifies_persons(contract)


def write_granted(granted: Sequence[Granted]) -> list[dict[str, Any]]:
    """What is newly granted, as the API writes it."""
    return [
        {
            "participant": one.participant,
            "purpose": one.purpose,
            "legal_basis": one.legal_basis,
            "until": one.until.isoformat() if one.until else None,
            "adds": [_write_addition(each) for each in one.additions],
        }
        for one in granted
    ]


def _write_addition(addition: Addition) -> dict[str, Any]:
    mask = addition.mask.value if addition.mask else None
    return {"what": addition.added.value, "pointer": addition.pointer, "text": addition.text, "mask": mask}


class _Version:
    """A version, with what its schema declares."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.declared: Declared = find_declared(contract.shown)
        self.leaves = frozenset(self.declared.leaves())

    def show(self, grant: Grant) -> dict[str, Mask | None]:
        """The fields that a grant shows, each with its mask."""
        shown = self._compile(grant)
        return dict(shown.places(self.contract, grant, self.declared))

    def find_shown(self, grant: Grant, pointers: Sequence[str]) -> dict[str, Mask | None]:
        """Those of the fields that a grant shows, each with its mask."""
        shown = self._compile(grant)
        found: dict[str, Mask | None] = {}
        for pointer in pointers:
            path = tuple(json.parse_pointer(pointer))
            # A leaf may show more than the places that an older schema declared below it.
            is_leaf = any(path[:depth] in self.leaves for depth in range(len(path) + 1))
            mask = shown.mask(pointer)
            if is_leaf and self.declared.declares(path) and (mask or shown.fields.at(path).whole):
                found[pointer] = mask
        return found

    def _compile(self, grant: Grant) -> Shown:
        return Shown(self.contract, grant, self.declared, lambda _: str)


def _compare(new: _Version, old: _Version | None, grant: Grant, today: date) -> Granted:
    before = old.contract.grant(grant.participant) if old else None
    fields = new.show(grant)
    if old is None or before is None or before.has_ended(today):
        additions = [Addition(Added.CONSUMER, "", _describe_scope(grant)), *_list_fields(fields)]
    else:
        additions = [
            *_compare_fields(fields, old.find_shown(before, list(fields))),
            *_compare_rows(grant, before),
            *_compare_ends(grant, before),
            *_compare_attributes(new.contract, old.contract),
        ]
    return Granted(grant.participant, grant.purpose, grant.legal_basis, grant.until, tuple(additions))


def _describe_scope(grant: Grant) -> str:
    rows = f"rows where {_write(grant.rows)}" if grant.rows else "all rows"
    return f"gets data for the first time: {rows}"


def _list_fields(fields: Mapping[str, Mask | None]) -> Iterator[Addition]:
    for pointer, mask in fields.items():
        yield Addition(Added.FIELD, pointer, f"is shown, masked by {mask.value}" if mask else "is shown", mask)


def _compare_fields(fields: Mapping[str, Mask | None], before: Mapping[str, Mask | None]) -> Iterator[Addition]:
    yield from _list_fields({pointer: mask for pointer, mask in fields.items() if pointer not in before})
    for pointer, mask in fields.items():
        was = before.get(pointer)
        if was is None or mask is was:
            continue
        if mask is None:
            yield Addition(Added.MASK, pointer, f"is shown without the mask {was.value}")
        elif mask is not Mask.REDACT:
            yield Addition(Added.MASK, pointer, f"is masked by {mask.value}, no longer by {was.value}", mask)


def _compare_rows(grant: Grant, before: Grant) -> Iterator[Addition]:
    """All filters hold together. So a grant shows no other rows if each old filter follows from a new one."""
    if any(not any(_implies(one, old) for one in grant.rows) for old in before.rows):
        now = f"where {_write(grant.rows)}" if grant.rows else "all"
        yield Addition(Added.ROWS, "", f"may get more rows: {now}; before: where {_write(before.rows)}")


def _implies(strict: Mapping[str, Any], lenient: Mapping[str, Any]) -> bool:
    """Whether the one filter certainly passes no more than the other. What is hard to say counts as no."""
    if strict == lenient:
        return True
    if set(strict) == {"all"}:
        return any(_implies(part, lenient) for part in strict["all"])
    if set(strict) == {"any"}:
        return all(_implies(part, lenient) for part in strict["any"])
    if set(lenient) == {"any"}:
        return any(_implies(strict, part) for part in lenient["any"])
    if set(strict) == set(lenient) == {"prefix"}:
        longer, shorter = strict["prefix"], lenient["prefix"]
        return all(name in longer and longer[name].startswith(text) for name, text in shorter.items())
    return False


def _compare_ends(grant: Grant, before: Grant) -> Iterator[Addition]:
    if before.until is not None and (grant.until is None or grant.until > before.until):
        yield Addition(Added.END, "", f"ends {grant.until or 'never'}, no longer on {before.until}")


def _compare_attributes(new: Contract, old: Contract) -> Iterator[Addition]:
    for name in new.attributes:
        if name not in old.attributes:
            yield Addition(Added.ATTRIBUTE, name, "is shown, as its publisher writes it")


def _write(rows: Sequence[Mapping[str, Any]]) -> str:
    return " and ".join(json.dumps(row).decode() for row in rows)
