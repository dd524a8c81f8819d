"""A schema in the words of JSON Schema draft-07, which AsyncAPI's schema object and most of its tools know.

Draft-07 has no keyword for `minContains`, `maxContains`, nor for `unevaluatedProperties` and `unevaluatedItems` beside other
applicators. They are left out: this schema only documents the contract's own, which the gate enforces.
"""

from typing import Any

from bus.contracts.flat import flatten
from bus.contracts.schemas import Schema, mapped, subschemas
from bus.texts import to_markdown

_IN_PLACE = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas", "not"})
_UNSPEAKABLE = ("unevaluatedProperties", "unevaluatedItems", "minContains", "maxContains", "$comment")
_TAKEN_BY_ASYNCAPI = ("discriminator", "externalDocs")
"""Keywords of AsyncAPI that JSON Schema does not define: a contract's schema may use them in another form."""
_TRAPS = frozenset({"$ref", "__proto__"})
"""Names of members that AsyncAPI's parser takes for something else, in schemas and in values."""
_VALUES = ("const", "enum", "default", "examples")


def convert_to_draft07(schema: Schema, at: str) -> Schema:
    """The schema in draft-07, for a place in another document.

    Args:
        schema: self-contained, in the 2020-12 dialect; it stays as it is.
        at: the reference to where it will stand, such as `#/components/schemas/data`.
    """
    moved: Schema = mapped(flatten(schema), str, lambda reference, _: at + reference[1:])
    for _, inner in list(subschemas(moved)):
        _translate(inner)
    return moved


def _translate(schema: Schema) -> None:
    _avoid_traps(schema)
    _close(schema)
    if schema.get("minContains") == 0:
        schema.pop("contains", None)
    if "description" in schema:
        # AsyncAPI reads descriptions as Markdown; the author wrote plain text.
        schema["description"] = to_markdown(str(schema["description"]))
    for keyword in (*_UNSPEAKABLE, *_TAKEN_BY_ASYNCAPI):
        schema.pop(keyword, None)
    if "prefixItems" in schema:
        if "items" in schema:
            schema["additionalItems"] = schema["items"]
        schema["items"] = schema.pop("prefixItems")
    if dependencies := _translate_dependencies(schema):
        schema["dependencies"] = dependencies
    if "$ref" in schema and len(schema) > 1:
        # Draft-07 ignores keywords beside a reference.
        schema["allOf"] = [*schema.get("allOf", ()), {"$ref": schema.pop("$ref")}]


def has_trap(value: Any) -> bool:
    """Whether a value has a member whose name AsyncAPI's parser takes for something else."""
    if isinstance(value, dict):
        return not _TRAPS.isdisjoint(value) or any(map(has_trap, value.values()))
    return isinstance(value, list) and any(map(has_trap, value))


def _avoid_traps(schema: Schema) -> None:
    """Describe members with such names by patterns, which mean the same."""
    for name in _TRAPS & schema.get("properties", {}).keys():
        properties = dict(schema["properties"])
        pattern = f"^{name.replace('$', '[$]')}$"
        schema["patternProperties"] = {**schema.get("patternProperties", {}), pattern: properties.pop(name)}
        schema["properties"] = properties
    for keyword in ("dependentRequired", "dependentSchemas"):
        if keyword in schema:
            schema[keyword] = {name: value for name, value in schema[keyword].items() if name not in _TRAPS}
    for keyword in _VALUES:
        if has_trap(schema.get(keyword)):
            del schema[keyword]


def _close(schema: Schema) -> None:
    """Write `unevaluated…` as `additional…`: they mean the same if nothing else evaluates members."""
    if "unevaluatedProperties" in schema and not _IN_PLACE & schema.keys():
        schema.setdefault("additionalProperties", schema["unevaluatedProperties"])
    if "unevaluatedItems" in schema and not (_IN_PLACE | {"contains"}) & schema.keys():
        schema.setdefault("items", schema["unevaluatedItems"])


def _translate_dependencies(schema: Schema) -> dict[str, Any]:
    required, schemas = schema.pop("dependentRequired", {}), schema.pop("dependentSchemas", {})
    both = {name: {"allOf": [schemas[name], {"required": required[name]}]} for name in schemas if name in required}
    return {**required, **schemas, **both}
