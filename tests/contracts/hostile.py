"""Contract documents that mean harm, as texts, by what they try."""

from typing import Any, Final

from bus import json
from tests.builders import a_strict_document


def _document(**schema: Any) -> bytes:
    return json.dumps(a_strict_document(schema=schema, examples=[]))


def _with(before: str, after: str) -> bytes:
    """A harmless document in which a piece of the text is another."""
    text = json.dumps(a_strict_document()).decode()
    assert before in text
    return text.replace(before, after, 1).encode()


def _nested(levels: int) -> bytes:
    return _with('"properties":{', '"properties":{"a":' + '{"items":' * levels + "{}" + "}" * levels + ",")


def _doubling(levels: int, applicator: str) -> bytes:
    """Definitions that each refer twice to the next: a billion checks of one value."""
    definitions = {f"d{n}": {applicator: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return _document(**{"$ref": "#/$defs/d0", "$defs": {**definitions, f"d{levels}": {"type": "object"}}})


def _laughs() -> bytes:
    """Ten aliases that mean ten billion values."""
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]")
    return "\n".join(lines).encode()


_MANY = [f"nilai-{number}" for number in range(200_000)]

HOSTILE: Final[dict[str, bytes]] = {
    "nested deep": _nested(500),
    "nested deeper than any reader": _nested(200_000),
    "brackets without end": b"[" * 1_000_000,
    "YAML nested deep": b"a: " + b"[" * 10_000 + b"]" * 10_000,
    "an enum of two million bytes": _document(enum=_MANY),
    "a document of five megabytes": _with('"Siti', '"' + "x" * 5_000_000),
    "more schemas than a page of code": _document(properties={f"p{n}": {"minLength": 1} for n in range(6000)}),
    "ten thousand forms": _document(oneOf=[{"const": n} for n in range(10_000)]),
    "a reference to itself": _document(**{"$ref": "#"}),
    "references in a circle": _document(**{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
    "a circle through not": _document(allOf=[{"not": {"$ref": "#"}}]),
    "a circle in a constant": _document(const={"allOf": [{"$ref": "#/const"}]}, items={"$ref": "#/const"}),
    "a chain of five thousand references": _document(
        **{"$defs": {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(4000)} | {"d4000": {}}}
    ),
    "exponential allOf": _doubling(40, "allOf"),
    "exponential anyOf": _doubling(40, "anyOf"),
    "exponential oneOf": _doubling(40, "oneOf"),
    "a recursive property by two ways in place": _document(
        **{"$ref": "#/$defs/n", "$defs": {"n": {"properties": {"a": {"allOf": [{"$ref": "#/$defs/n"}] * 2}}}}}
    ),
    "a recursive property twice": _document(
        properties={"a": {"$ref": "#"}}, allOf=[{"properties": {"a": {"$ref": "#"}}}]
    ),
    "a pattern that backtracks without end": _document(pattern=r"^(a+)+\1$"),
    "a pattern that grows without end": _document(pattern="(a{1,1000}){1,1000}"),
    "a repetition of a billion": _document(pattern="a{1000000000}"),
    "a pattern of a hundred thousand letters": _document(pattern="a" * 100_000),
    "a pattern of ten thousand words": _document(pattern="|".join(_MANY[:10_000])),
    "brackets in a pattern": _document(pattern="(" * 2000 + "a" + ")" * 2000),
    "six hundred patterns": _document(**{"$defs": {f"d{n}": {"pattern": "^[a-z]{1000}$"} for n in range(600)}}),
    "a pattern in the name of a property": _document(patternProperties={"(?=a)": {}}),
    "a remote reference": _document(items={"$ref": "https://example.test/schema.json"}),
    "a reference to a file": _document(items={"$ref": "file:///etc/passwd"}),
    "a reference out of the folder": _document(items={"$ref": "../../../../../../etc/passwd"}),
    "a dialect of its own": _document(**{"$schema": "https://example.test/dialect"}),
    "an $id that moves references": _document(items={"$id": "https://example.test/", "$ref": "x"}),
    "an $id inside": _document(**{"$defs": {"a": {"$id": "#/$defs/b"}}}),
    "an anchor": _document(**{"$anchor": "a", "items": {"$ref": "#a"}}),
    "a dynamic reference": _document(**{"$dynamicAnchor": "a", "items": {"$dynamicRef": "#a"}}),
    "a bomb of aliases": _laughs(),
    "an alias of itself": b"a: &a [*a]",
    "an alias as a key": b"&a x: 1\n*a : 2",
    "a Python object in YAML": b"!!python/object/apply:os.system ['true']",
    "NaN": _with('"required"', '"minimum":NaN,"required"'),
    "Infinity": _with('"required"', '"minimum":-Infinity,"required"'),
    "NaN in YAML": b"contract: a.b\nexamples: [.nan]",
    "infinity in YAML": b"contract: a.b\nexamples: [-.inf]",
    "a number of four hundred digits": _with('"required"', f'"maximum":{"9" * 400},"required"'),
    "a number beyond all doubles": _with('"required"', '"maximum":1e400,"required"'),
    "the same key twice": _with('"title":', '"title":"Lain","title":'),
    "the same key twice, written otherwise": _with('"title":', '"t\\u0069tle":"Lain","title":'),
    "the same key twice below": _with('"required"', '"required":[],"required"'),
    "the same key twice in YAML": b"contract: a.b\nversion: 1.0.0\n'contract': c.d",
    "the same key twice in YAML below": b"a: {b: [{c: 1, c: 2}]}",
    "a lone surrogate": _with('"Siti', '"\\ud800'),
    "NUL": b"\x00",
    "overlong UTF-8": _with('"Siti', '"@').replace(b"@", b"\xc0\xaf"),
}
"""What no bus takes."""
