"""Validate says yes exactly where publishing would."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bus.contracts import parse_contract
from bus.contracts.catalogue import Catalogue
from bus.heavy import Here
from bus.http.bodies import Bodies
from bus.http.heads import Head
from bus.http.publish import Publisher
from bus.identity.tokens import Principal
from bus.journal import Gate, try_data
from bus.problem import Refused
from tests.builders import OWNER, a_document, a_nik
from tests.contracts.a_register import OPERATOR
from tests.http.a_catalogue import a_catalogue

_DEPTH = 12
_TEXT = {"type": "string"}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "uji.terbuka": {"kind": "event", "key": None, "subject": None, "classification": "public", "schema": {}},
    "uji.rekaman": {"schema": {"type": "object", "required": ["nik"], "properties": {"nik": {}, "nama": {}}}},
    "uji.dalam": {
        "key": "/isi/kode",
        "subject": None,
        "classification": "public",
        "schema": {
            "type": "object",
            "required": ["isi"],
            "properties": {"isi": {"type": "object", "required": ["kode"], "properties": {"kode": {}}}},
        },
    },
    "uji.ketat": {
        "kind": "event",
        "key": None,
        "subject": "/nama",
        "delivery": {"max_bytes": 1024},
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "required": ["nama"],
            "properties": {
                "nik": {"type": "string", "pattern": "^[0-9]{16}$"},
                "nama": {"type": ["string", "null"], "maxLength": 900},
                "kode": {"type": "number", "multipleOf": 0.01},
                "isi": {"type": "array", "uniqueItems": True, "items": {"type": "string", "format": "date-time"}},
            },
        },
    },
}

_LEAVES = st.sampled_from(
    [
        *("1", "-0", "1.0", "1E2", "19.99", "1e400", "18446744073709551617", "0.10000000000000001", "null", "true"),
        *(
            '""',
            '"a"',
            '"a\\u0000"',
            '"\\ud800"',
            '"\\ufffe"',
            '"\\n"',
            '"2016-12-31T23:59:60Z"',
            '"2026-02-29T00:00:00Z"',
        ),
        *(
            f'"{a_nik(1)}"',
            f'"{"x" * 800}"',
            f'"{"x" * 1025}"',
            "[" * 10 + "]" * 10,
            "[" * 11 + "]" * 11,
            "[" * 300 + "]" * 300,
            "{",
        ),
    ]
)
_NAMES = st.sampled_from(['"nik"', '"nama"', '"kode"', '"isi"', '"a\\u0000"', '"' + "1" * 16 + '"'])


def _an_object(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.lists(st.tuples(_NAMES, inner).map(":".join), max_size=4)
    return members.map(lambda found: "{" + ",".join(found) + "}")


_TEXTS = st.recursive(
    _LEAVES, lambda inner: _an_object(inner) | st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    with a_catalogue(tmp_path_factory.mktemp("catalogue")) as made:
        documents = [a_document(contract=name, **changes) for name, changes in _SCHEMAS.items()]
        made.registrar.apply([parse_contract(document) for document in documents], OPERATOR)
        made.refresh()
        yield made


def _is_published(gate: Gate, name: str, text: str, *, is_structured: bool) -> bool:
    settings: Any = SimpleNamespace(settings=SimpleNamespace(max_depth=_DEPTH))
    publisher = Publisher(settings, Bodies(1, 1))
    named = {"specversion": "1.0", "id": "1", "source": "/", "type": name}
    # A record that is deleted has its key outside of its data.
    named |= {"subject": "1"} if text == "null" and name in ("uji.rekaman", "uji.dalam") else {}
    fields = {f"ce-{key}".encode(): value.encode() for key, value in named.items()} | {
        b"content-type": b"application/json"
    }
    if is_structured:
        attributes = ",".join(f'"{key}":"{value}"' for key, value in named.items())
        text, fields = f'{{{attributes},"data":{text}}}', {b"content-type": b"application/cloudevents+json"}
    try:
        event, body = publisher.read(Head.of(fields), text.encode())
        gate.admit(event, Principal(OWNER, "client_x", frozenset(), 0, ""), body)
    except Refused:
        return False
    return True


@given(st.sampled_from(list(_SCHEMAS)), _TEXTS, st.booleans())
@example("uji.rekaman", "null", True)
@example("uji.terbuka", "null", False)
@example("uji.rekaman", '{"nik":"a\\u0000"}', True)
@example("uji.rekaman", '{"nik":""}', True)
@example("uji.rekaman", '{"nik":5}', False)
@example("uji.ketat", '{"nama":"' + "x" * 899 + '"}', True)
@example("uji.terbuka", "[" * 11 + "]" * 11, True)
@example("uji.terbuka", "[" * 12 + "]" * 12, False)
def test_validate_says_yes_exactly_where_publishing_would(
    catalogue: Catalogue, name: str, text: str, is_structured: bool
) -> None:
    gate = Gate(catalogue)
    try:
        errors = asyncio.run(try_data(gate, Here(), catalogue.newest(name), text.encode(), _DEPTH, OWNER))
    except Refused:
        is_valid = False
    else:
        is_valid = not errors
    assert is_valid == _is_published(gate, name, text, is_structured=is_structured)
