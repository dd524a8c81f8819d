"""Payloads made from a schema's structure: mostly valid, so that verdicts of both kinds are compared.

hypothesis-jsonschema cannot make objects with the hypothesis of this project, hence these few keywords of our own.
"""

from typing import Any

from hypothesis import strategies as st

from bus import json
from bus.contracts.patterns import translate_for_python

FORMATTED = {
    "date": st.dates().map(str),
    "date-time": st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    "email": st.sampled_from(["a@b.id", "siti.rekaan+1@desa.example"]),
    "uri": st.sampled_from(["https://a.example/b?c=d", "urn:x:y"]),
}


def from_schema(schema: Any, root: Any) -> st.SearchStrategy[Any]:
    """Values of the form that a schema describes."""
    if isinstance(schema, bool):
        return st.none()
    if "$ref" in schema:
        return from_schema(json.find(root, schema["$ref"].removeprefix("#")), root)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    if one_of := schema.get("oneOf") or schema.get("anyOf"):
        return st.one_of([from_schema(form, root) for form in one_of])
    match schema.get("type"):
        case "object":
            return _objects(schema, root)
        case "array" if "prefixItems" in schema:
            return st.tuples(*(from_schema(item, root) for item in schema["prefixItems"])).map(list)
        case "array":
            items = from_schema(schema.get("items", {}), root)
            return st.lists(items, min_size=schema.get("minItems", 0), max_size=schema.get("minItems", 0) + 2)
        case "string":
            return _texts(schema)
        case "integer":
            return st.integers(schema.get("minimum", -100), schema.get("maximum", 10**9))
        case "number":
            return st.floats(schema.get("minimum", -100), schema.get("maximum", 1e9))
        case "boolean":
            return st.booleans()
    return st.none() | st.text(max_size=5)


def _objects(schema: Any, root: Any) -> st.SearchStrategy[Any]:
    members = {
        name: from_schema(inner, root) for name, inner in schema.get("properties", {}).items() if inner is not False
    }
    required = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: inner for name, inner in members.items() if name in required},
        optional={name: inner for name, inner in members.items() if name not in required},
    )


def _texts(schema: Any) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(translate_for_python(schema["pattern"]), fullmatch=True)
    if "format" in schema:
        return FORMATTED.get(schema["format"], st.text(max_size=5))
    return st.text(min_size=schema.get("minLength", 0), max_size=schema.get("minLength", 0) + 10)
