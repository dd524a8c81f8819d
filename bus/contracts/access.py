"""Who may get which field of a contract, and why: grants spelled out field by field."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bus.contracts.declared import Declared, find_declared
from bus.contracts.document import Contract, Grant, Mask
from bus.contracts.shown import Shown


@dataclass(frozen=True, slots=True)
class FieldAccess:
    """One field that a consumer gets.

    Attributes:
        pointer: the field. It covers all fields below, except those with an entry of their own. The empty pointer is the
            whole data.
        mask: how the field's value is masked; None: it is shown.
    """

    pointer: str
    mask: Mask | None


@dataclass(frozen=True, slots=True)
class Access:
    """What one consumer gets of one contract version.

    Attributes:
        granted: the grant's own pointers, each with all that is below it; None: everything.
        fields: the granted fields one by one, as far as the schema declares them.
        rows: the filters that the data must pass; empty: all data pass.
        until: the grant's last day, in Lamongan's calendar; None: no end.
        has_ended: the last day is over, so the consumer gets nothing any more.
    """

    participant: str
    purpose: str
    legal_basis: str
    until: date | None
    has_ended: bool
    granted: tuple[str, ...] | None
    fields: tuple[FieldAccess, ...]
    rows: tuple[Mapping[str, Any], ...]


def describe_access(contract: Contract, today: date, participant: str | None = None) -> list[Access]:
    """What each consumer gets, in the document's order.

    Args:
        contract: a version.
        today: the date in Lamongan.
        participant: describe this consumer alone; None: all consumers.
    """
    places = find_declared(contract.shown)
    return [
        _describe_grant(contract, grant, places, today)
        for grant in contract.grants
        if participant in (None, grant.participant)
    ]


def _describe_grant(contract: Contract, grant: Grant, places: Declared, today: date) -> Access:
    shown = Shown(contract, grant, places, lambda _: str)
    return Access(
        participant=grant.participant,
        purpose=grant.purpose,
        legal_basis=grant.legal_basis,
        until=grant.until,
        has_ended=grant.has_ended(today),
        granted=grant.fields,
        fields=tuple(FieldAccess(pointer, mask) for pointer, mask in shown.places(contract, grant, places)),
        rows=grant.rows,
    )
