"""TypeScript types of a contract's data: interfaces alone, which leave nothing in the compiled program."""

import re
from collections.abc import Iterator

from bus import json
from bus.contracts.codegen.shapes import (
    Anything,
    Both,
    Either,
    Items,
    Literal,
    Mapping,
    Member,
    Named,
    Record,
    Scalar,
    Shape,
    draw_shapes,
)
from bus.contracts.codegen.words import write_comment, write_json
from bus.contracts.schemas import Schema

_SCALARS = {
    Scalar.STRING: "string",
    Scalar.INTEGER: "number",
    Scalar.NUMBER: "number",
    Scalar.BOOLEAN: "boolean",
    Scalar.NULL: "null",
}


def write_typescript(schema: Schema, name: str, source: str) -> str:
    """A TypeScript module with a type for the whole schema, and one for each object in it.

    Args:
        name: the name of the whole's type.
        source: what the module says of where it comes from.
    """
    shapes = draw_shapes(schema, name)
    lines = [f"// {source}", ""]
    if shapes.root != Named(name):
        lines += [f"export type {_free_name(name, shapes.records)} = {_write_type(shapes.root)};", ""]
    for record in shapes.records:
        lines += [*_write_interface(record), ""]
    return "\n".join(lines)


def _free_name(name: str, records: tuple[Record, ...]) -> str:
    return f"{name}Data" if any(record.name == name for record in records) else name


def _write_interface(record: Record) -> Iterator[str]:
    yield from write_comment(record.description)
    yield f"export interface {record.name} {{"
    for member in record.members:
        yield from write_comment(member.description, "  ")
        yield f"  {_write_name(member)}: {_write_type(member.shape)};"
    if record.is_open:
        yield "  [member: string]: unknown;"
    yield "}"


def _write_name(member: Member) -> str:
    plain = re.fullmatch("[A-Za-z_$][A-Za-z0-9_$]*", member.name)
    return (member.name if plain else write_json(member.name)) + ("" if member.is_required else "?")


def _write_type(shape: Shape) -> str:
    match shape:
        case Anything():
            return "unknown"
        case Scalar():
            return _SCALARS[shape]
        case Literal(values):
            return " | ".join(write_json(json.loads(value)) for value in values)
        case Named(name):
            return name
        case Mapping(value):
            return f"{{ [member: string]: {_write_type(value)} }}"
        case Items():
            return _write_items(shape)
        case Either(forms):
            return " | ".join(_write_part(form) for form in forms)
        case Both(parts):
            return " & ".join(_write_part(part) for part in parts)


def _write_part(shape: Shape) -> str:
    written = _write_type(shape)
    return (
        f"({written})"
        if isinstance(shape, Either | Both | Literal) and (" | " in written or " & " in written)
        else written
    )


def _write_items(items: Items) -> str:
    if not items.first:
        return f"{_write_part(items.rest)}[]" if items.rest else "unknown[]"
    first = [_write_part(one) + ("" if index < items.required else "?") for index, one in enumerate(items.first)]
    rest = [f"...{_write_part(items.rest)}[]"] if items.rest else []
    return f"[{', '.join([*first, *rest])}]"
