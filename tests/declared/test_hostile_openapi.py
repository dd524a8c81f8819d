"""Hostile OpenAPI files: an answer within bounded time, and what to do."""

import json
import time
from typing import Any

import pytest

from bus.declared import OpenApi, OpenApiInvalid
from tests.declared.test_beginning import begin, lint

_SECONDS = 8.0
"""Processor time of one file. Without bounds the files here take minutes, or for ever."""


def a_file(*schemas: Any, **more: Any) -> bytes:
    """A file whose operation `GET /a` answers with the first schema, which may refer to the others: S0, S1 and so on."""
    named = {f"S{at}": schema for at, schema in enumerate(schemas)}
    answer = {"content": {"application/json": {"schema": to(0)}}}
    body = {"openapi": "3.0.0", "paths": {"/a": {"get": {"responses": {"200": answer}}}}}
    return json.dumps({**body, "components": {"schemas": named, **more.pop("components", {})}, **more}).encode()


def to(number: int) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/S{number}"}


def an_object(count: int, inner: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {f"x{at}": inner for at in range(count)}}


TEXT = {"type": "string"}
YAML = b"openapi: 3.0.0\npaths: {/a: {get: {responses: {'200': {}}}}}\n"
REFUSED = {
    "a fan of allOf": a_file(*({"allOf": [to(at + 1)] * 8} for at in range(9)), TEXT),
    "allOf of itself": a_file({"allOf": [to(0)] * 10}),
    "a long allOf": a_file({"allOf": [{"properties": {f"p{at}": {}}} for at in range(20_000)]}),
    "allOf of a wide object": a_file({"allOf": [to(1)] * 1900}, an_object(2000, TEXT)),
    "references in a circle": a_file(to(1), to(2), to(1)),
    "a fan of members": a_file(*(an_object(40, to(at + 1)) for at in range(5)), TEXT),
    "long descriptions": a_file(an_object(1900, to(1)), TEXT | {"description": "d " * 300_000}),
    "a long enumeration": a_file(an_object(1900, to(1)), TEXT | {"enum": [f"v{at}" for at in range(40_000)]}),
    "long texts": a_file(an_object(1500, TEXT | {"minLength": 10**12})),
    "aliases of aliases": b"a0: &a0 [x]\n"
    + b"".join(b"a%d: &a%d [%b]\n" % (at, at, b",".join([b"*a%d" % (at - 1)] * 9)) for at in range(1, 12))
    + YAML,
    "aliases of a long text": YAML + b"x: &a " + b"z" * 400_000 + b"\ny: [" + b"*a," * 120_000 + b"]\n",
    "aliases of a long name": YAML + b"x: &a {" + b"k" * 1000 + b": 1}\ny: [" + b"*a," * 60_000 + b"]\n",
    "merges of merges": b"a0: &a0 {k: 1, l: 2}\n"
    + b"".join(b"a%d: &a%d {<<: [%b]}\n" % (at, at, b",".join([b"*a%d" % (at - 1)] * 8)) for at in range(1, 15))
    + YAML,
    "merges that are tagged": b"a0: &a0 {k: 1}\na1: {!!merge x: *a0}\n" + YAML,
    "blank lines": YAML + b"\n" * 900_000 + b"x: [",
    "a type of Python": YAML + b"x: !!python/object/apply:os.getcwd []\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_means_too_much_is_refused_soon(text: bytes) -> None:
    start = time.process_time()
    with pytest.raises(OpenApiInvalid) as refused:
        begin("GET /a", text=text)
    assert time.process_time() - start < _SECONDS
    assert len(refused.value.detail) < 500


TAKEN = {
    "a whole number that no reader keeps": a_file(an_object(1, {"type": "integer", "minimum": 1e300})),
    "a number below all": a_file(an_object(1, {"type": "integer", "maximum": -1e300})),
    "a status of many digits": a_file(TEXT).replace(b'"200"', b'"' + b"2" * 5000 + b'"'),
    "an address without an end": a_file(TEXT, servers=[{"url": "http://[::1"}]),
    "an address of braces": a_file(TEXT, servers=[{"url": "{" * 900_000}]),
    "a token at no address": a_file(
        TEXT,
        components={
            "securitySchemes": {"o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "http://[::1"}}}}
        },
        security=[{"o": []}],
    ),
}


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
def test_what_is_odd_becomes_a_document_that_lints(text: bytes) -> None:
    start = time.process_time()
    begun = begin("GET /a", text=text)
    assert time.process_time() - start < _SECONDS
    assert {code for code, _, _ in lint(begun)} == {"todo"}


def test_names_with_characters_that_nobody_sees_stay_in_the_expression_alone() -> None:
    names = {"a\nb\x1b[2J`x`": TEXT, "\u202e": TEXT, "a'\"$(id)`": TEXT, "id": TEXT}
    begun = begin("GET /a", text=a_file({"type": "array", "items": {"type": "object", "properties": names}}))
    (contract,) = begun.contracts.values()
    assert all(name.isascii() and name.isidentifier() for name in contract["schema"]["properties"])


def test_all_operations_of_a_large_file_are_listed_soon() -> None:
    paths = {f"/{at}/{'{' * 20}": {"get": {"description": "x" * 20}} for at in range(9000)}
    start = time.process_time()
    assert len(OpenApi(json.dumps({"openapi": "3.0.0", "paths": paths}).encode()).list_operations()) == 9000
    assert time.process_time() - start < _SECONDS
