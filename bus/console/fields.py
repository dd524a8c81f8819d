"""Fields of a contract for people: what each holds, and who gets it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bus.contracts import Access, Contract, Mask, draw_outline

MOST: Final = 300
"""Fields that a page shows."""


@dataclass(frozen=True, slots=True)
class ToldField:
    """A field of the data.

    Attributes:
        types: the types of its values, as JSON Schema names them.
        is_leaf: there is no field below it.
        readers: the consumers that get it, each with its mask.
    """

    pointer: str
    types: tuple[str, ...]
    description: str
    is_required: bool
    is_leaf: bool
    readers: tuple[tuple[str, Mask | None], ...] = ()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that two versions tell differently; None: the version does not have it."""

    pointer: str
    before: ToldField | None
    after: ToldField | None


def tell_fields(contract: Contract, accesses: Sequence[Access] = ()) -> list[ToldField]:
    """The declared fields in the schema's order; at most one more than `MOST`."""
    readers = [(one.participant, {field.pointer: field.mask for field in one.fields}) for one in accesses]
    return [
        ToldField(
            field.pointer,
            tuple(_list_types(field.schemas)),
            next((str(one["description"]) for one in field.schemas if "description" in one), ""),
            field.required,
            field.is_leaf,
            tuple(_find_readers(field.pointer, readers)),
        )
        for field in draw_outline(contract.shown)[: MOST + 1]
    ]


def compare_fields(old: Contract, new: Contract) -> list[FieldChange]:
    """The fields that changed, by place; at most one more than `MOST`."""
    before = {one.pointer: one for one in tell_fields(old)}
    after = {one.pointer: one for one in tell_fields(new)}
    changed = [
        FieldChange(pointer, before.get(pointer), after.get(pointer))
        for pointer in dict.fromkeys((*before, *after))
        if before.get(pointer) != after.get(pointer)
    ]
    return changed[: MOST + 1]


def list_changed_members(old: Contract, new: Contract) -> list[str]:
    """The members of the document that differ, apart from the version itself."""
    names = {*old.document, *new.document} - {"version"}
    return sorted(name for name in names if old.document.get(name) != new.document.get(name))


def _list_types(schemas: Iterable[Mapping[str, Any]]) -> list[str]:
    found: dict[str, None] = {}
    for one in schemas:
        named = one.get("type", ())
        found |= dict.fromkeys([named] if isinstance(named, str) else named)
    return list(found)


def _find_readers(
    pointer: str, readers: Sequence[tuple[str, Mapping[str, Mask | None]]]
) -> Iterable[tuple[str, Mask | None]]:
    for participant, fields in readers:
        # A granted field covers all below it, and the empty pointer is the whole data.
        place = next((one for one in _list_above(pointer) if one in fields), None)
        if place is not None:
            yield participant, fields[place]


def _list_above(pointer: str) -> Iterable[str]:
    """The pointer and the pointers above it, the nearest first."""
    while pointer:
        yield pointer
        pointer = pointer.rpartition("/")[0]
    yield ""
