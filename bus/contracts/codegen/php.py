"""PHP classes of a contract's data, for PHP 8.1 and later: read-only properties, `from` and `jsonSerialize`.

A class writes what it read: members that are absent stay absent, and members that a later version declares stay as they are.
"""

import re
from collections.abc import Iterator, Sequence
from typing import assert_never

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
from bus.contracts.codegen.words import name_members, write_comment
from bus.contracts.schemas import Schema
from bus.texts import UNSEEN

_SCALARS = {
    Scalar.STRING: "string",
    Scalar.INTEGER: "int",
    Scalar.NUMBER: "int|float",
    Scalar.BOOLEAN: "bool",
    Scalar.NULL: "null",
}
_ORDER = ("int", "float", "string", "bool", "array", "null")
_WHOLE = """\
    /** JSON Schema counts 2026.0 as a whole number; PHP reads it as a float. */
    private static function whole(mixed $value): mixed
    {
        return \\is_float($value) && \\abs($value) < 2 ** 53 && $value === \\floor($value) ? (int) $value : $value;
    }
"""
_MEMBER = """\
    /** @param array<string, mixed> $data */
    private static function member(array $data, string $name): mixed
    {
        return \\array_key_exists($name, $data) ? $data[$name] : throw new \\UnexpectedValueException("no member $name");
    }
"""


def write_php(schema: Schema, name: str, namespace: str, source: str) -> str:
    """A PHP file with a class for the whole schema, and one for each object in it.

    Args:
        name: the name of the whole's class.
        namespace: for the classes.
        source: what the file says of where it comes from.
    """
    shapes = draw_shapes(schema, name)
    lines = ["<?php", "", f"// {source}", "", "declare(strict_types=1);", "", f"namespace {namespace};", ""]
    if shapes.root != Named(name):
        free = f"{name}Data" if any(record.name == name for record in shapes.records) else name
        lines += [*_write_value_class(free, shapes.root), ""]
    for record in shapes.records:
        lines += [*_write_class(record), ""]
    return "\n".join(lines)


def _write_class(record: Record) -> Iterator[str]:
    ordered = sorted(record.members, key=lambda member: not member.is_required)
    names = name_members((member.name for member in ordered), reserved=("this",))
    others = name_members([*names.values(), "others"], reserved=("this",))["others"]
    yield from write_comment(record.description)
    yield f"final class {record.name} implements \\JsonSerializable"
    yield "{"
    yield from _write_constructor(ordered, names, others)
    yield ""
    yield from _write_from(record.name, ordered, names, others)
    yield ""
    yield from _write_serialize(ordered, names, others)
    if any(member.is_required for member in ordered):
        yield ""
        yield _MEMBER.rstrip("\n")
    if any("self::whole(" in _read(member.shape, "$value") for member in ordered):
        yield ""
        yield _WHOLE.rstrip("\n")
    yield "}"


def _write_constructor(members: Sequence[Member], names: dict[str, str], others: str) -> Iterator[str]:
    yield "    public function __construct("
    for member in members:
        documented = _document(member.shape)
        told = (
            f"@var {documented} {member.description}" if "<" in documented or "'" in documented else member.description
        )
        yield from write_comment(told, "        ")
        declared = _declare(member.shape)
        optional = declared if member.is_required or _is_nullable(declared) else _join([*declared.split("|"), "null"])
        yield f"        public readonly {optional} ${names[member.name]}{'' if member.is_required else ' = null'},"
    yield "        /** @var array<string, mixed> Members that are not declared, and optional members that are null. */"
    yield f"        public readonly array ${others} = [],"
    yield "    ) {"
    yield "    }"


def _write_from(name: str, members: Sequence[Member], names: dict[str, str], others: str) -> Iterator[str]:
    yield "    /** @param array<string, mixed>|\\stdClass $data decoded JSON */"
    yield "    public static function from(array|\\stdClass $data): self"
    yield "    {"
    yield "        $data = (array) $data;"
    declared = ", ".join(f"{_text(one.name)} => true" for one in members)
    yield f"        $others = \\array_diff_key($data, [{declared}]);"
    for member in members:
        if not member.is_required and _takes_null(member.shape):
            key = _text(member.name)
            yield f"        if (\\array_key_exists({key}, $data) && $data[{key}] === null) {{"
            yield f"            $others[{key}] = null;"
            yield "        }"
    yield ""
    yield "        return new self("
    for member in members:
        value = f"$data[{_text(member.name)}]"
        if member.is_required:
            value = f"self::member($data, {_text(member.name)})"
        read = _read(member.shape, value)
        if not member.is_required:
            read = f"{value} ?? null" if read == value else f"isset({value}) ? {read} : null"
        elif "null" in _declare(member.shape).split("|") and read != value:
            read = f"{value} === null ? null : {read}"
        yield f"            {names[member.name]}: {read},"
    yield f"            {others}: $others,"
    yield "        );"
    yield "    }"


def _write_serialize(members: Sequence[Member], names: dict[str, str], others: str) -> Iterator[str]:
    yield "    public function jsonSerialize(): \\stdClass"
    yield "    {"
    yield f"        $data = $this->{others};"
    for member in members:
        line = f"$data[{_text(member.name)}] = $this->{names[member.name]};"
        if member.is_required:
            yield f"        {line}"
        else:
            yield f"        if ($this->{names[member.name]} !== null) {{"
            yield f"            {line}"
            yield "        }"
    yield ""
    yield "        return (object) $data;"
    yield "    }"


def _write_value_class(name: str, shape: Shape) -> Iterator[str]:
    """A class around data that are no object."""
    yield f"final class {name} implements \\JsonSerializable"
    yield "{"
    yield "    public function __construct("
    yield from write_comment(f"@var {_document(shape)}", "        ")
    yield f"        public readonly {_declare(shape)} $value,"
    yield "    ) {"
    yield "    }"
    yield ""
    yield "    public static function from(mixed $data): self"
    yield "    {"
    yield f"        return new self({_read(shape, '$data')});"
    yield "    }"
    yield ""
    yield "    public function jsonSerialize(): mixed"
    yield "    {"
    yield "        return $this->value;"
    yield "    }"
    if "self::whole(" in _read(shape, "$data"):
        yield ""
        yield _WHOLE.rstrip("\n")
    yield "}"


def _declare(shape: Shape) -> str:
    """The type of a property."""
    match shape:
        case Anything() | Both() | Mapping():
            # Decoded as an array or as an object, as the program asked json_decode().
            return "mixed"
        case Scalar():
            return "mixed" if shape is Scalar.NULL else _SCALARS[shape]
        case Literal(values):
            return _join(_name_type(json.loads(value)) for value in values)
        case Items():
            return "array"
        case Named(name):
            return name
        case Either(forms):
            told = [_declare(form) if form is not Scalar.NULL else "null" for form in forms]
            records = [form for form in forms if isinstance(form, Named)]
            if "mixed" in told or len(records) > 1:
                return "mixed"
            return _join(one for form in told for one in form.split("|"))
    assert_never(shape)


def _document(shape: Shape) -> str:
    """The type of a property as a comment tells it."""
    match shape:
        case Anything() | Both():
            return "mixed"
        case Mapping(value):
            return f"array<string, {_document(value)}>|\\stdClass"
        case Scalar():
            return _SCALARS[shape]
        case Literal(values):
            return "|".join(_text(one) if isinstance(one := json.loads(value), str) else value for value in values)
        case Items(first, _, rest):
            inner = dict.fromkeys(_document(one) for one in (*first, *((rest,) if rest else ())))
            return f"list<{'|'.join(inner)}>"
        case Named(name):
            return name
        case Either(forms):
            return "|".join(dict.fromkeys(_document(form) for form in forms))
    assert_never(shape)


def _read(shape: Shape, value: str) -> str:
    """The expression that makes a property's value of a decoded one."""
    match shape:
        case Scalar.INTEGER:
            return f"self::whole({value})"
        case Literal() if "int" in (told := _declare(shape).split("|")) and "float" not in told:
            return f"self::whole({value})"
        case Named(name):
            return f"{name}::from({value})"
        case Items(first, _, rest):
            inner = rest if rest and not first else Anything()
            read = _read(inner, "$item")
            return value if read == "$item" else f"\\array_map(static fn (mixed $item): mixed => {read}, {value})"
        case Either(forms) if _declare(shape) != "mixed":
            return _read_one_of(forms, value)
        case _:
            return value


def _read_one_of(forms: Sequence[Shape], value: str) -> str:
    is_whole = Scalar.INTEGER in forms and Scalar.NUMBER not in forms
    read = f"self::whole({value})" if is_whole else value
    has_items = any(isinstance(form, Items) for form in forms)
    for form in forms:
        told = _read(form, value)
        if isinstance(form, Named):
            # A list beside an object: an array with keys 0, 1, 2 … is the list.
            is_object = f"(\\is_array({value}) && !\\array_is_list({value}))" if has_items else f"\\is_array({value})"
            read = f"(\\is_object({value}) || {is_object} ? {told} : {read})"
        elif isinstance(form, Items) and told != value:
            read = f"(\\is_array({value}) ? {told} : {read})"
    return read


def _takes_null(shape: Shape) -> bool:
    return _is_nullable(_declare(shape))


def _is_nullable(declared: str) -> bool:
    return "null" in declared.split("|") or declared == "mixed"


def _name_type(value: object) -> str:
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case int():
            return "int"
        case float():
            return "float"
        case _:
            return "null"


def _join(types: Iterator[str] | Sequence[str]) -> str:
    """The union of types. PHP has no type of null alone before 8.2."""
    told = set(types)
    named = sorted(one for one in told if one not in _ORDER)
    return "|".join([*named, *(one for one in _ORDER if one in told)]) if told != {"null"} else "mixed"


def _text(text: str) -> str:
    """The text as a PHP string in which every character can be seen."""
    if not UNSEEN.search(text):
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    quoted = re.sub(r'["\\$]', r"\\\g<0>", text)
    return '"' + UNSEEN.sub(lambda found: f"\\u{{{ord(found[0]):x}}}", quoted) + '"'
