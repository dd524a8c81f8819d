"""Who may get which field of a contract, and why: grants spelled out field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bus import json
from bus.contracts.document import Contract, Grant, Mask
from bus.contracts.fields import Visibility, fields_of
from bus.contracts.outline import outline


@dataclass(frozen=True, slots=True)
class FieldAccess:
    """One field that a consumer gets.

    Attributes:
        pointer: the field, with all that is below it; the empty pointer stands for the data.
        mask: how its value is disguised; None shows it.
    """

    pointer: str
    mask: Mask | None


@dataclass(frozen=True, slots=True)
class Access:
    """What one consumer gets of one contract version.

    Attributes:
        granted: the grant's own pointers, each with all that is below it; None: everything.
        fields: the same one by one, as far as the schema declares them.
        rows: the filters that the data must meet; empty: all of them.
        until: the last day, in Lamongan's calendar; None: no end.
        has_ended: that day is over, so that nothing is shown any more.
    """

    participant: str
    purpose: str
    legal_basis: str
    until: date | None
    has_ended: bool
    granted: tuple[str, ...] | None
    fields: tuple[FieldAccess, ...]
    rows: tuple[Mapping[str, Any], ...]


def access(contract: Contract, today: date, participant: str | None = None) -> list[Access]:
    """What each consumer gets, in the document's order.

    Args:
        contract: a version.
        today: the date in Lamongan.
        participant: of this consumer alone.
    """
    grants = [grant for grant in contract.grants if participant in (None, grant.participant)]
    declared = [field.pointer for field in outline(contract.shown) if field.is_leaf] if grants else []
    return [_access(grant, declared, today) for grant in grants]


def _access(grant: Grant, declared: list[str], today: date) -> Access:
    return Access(
        participant=grant.participant,
        purpose=grant.purpose,
        legal_basis=grant.legal_basis,
        until=grant.until,
        has_ended=grant.has_ended(today),
        granted=grant.fields,
        fields=tuple(_fields(grant, declared)),
        rows=grant.rows,
    )


def _fields(grant: Grant, declared: list[str]) -> Iterator[FieldAccess]:
    tree = fields_of(grant.fields, grant.mask, str)
    for pointer in _places(grant, declared):
        visibility = tree.visibility(json.path(pointer))
        if visibility is not Visibility.HIDDEN:
            yield FieldAccess(pointer, _mask(grant, pointer) if visibility is Visibility.MASKED else None)


def _places(grant: Grant, declared: list[str]) -> list[str]:
    """The declared fields, and what the grant tells apart below them: an open schema does not declare all there is."""
    spoken = dict.fromkeys((*(grant.fields or ()), *grant.mask))
    return [*(declared or [""]), *(one for one in spoken if not any(_covers(one, leaf) for leaf in declared))]


def _mask(grant: Grant, pointer: str) -> Mask:
    """The mask at a place or the nearest above it."""
    above = [masked for masked in grant.mask if _covers(masked, pointer)]
    return grant.mask[min(above, key=len)]


def _covers(above: str, pointer: str) -> bool:
    return pointer == above or pointer.startswith(f"{above}/")
