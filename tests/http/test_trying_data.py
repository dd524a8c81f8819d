"""Validate says yes exactly where publishing would."""

import asyncio
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bus.identity.keys import Keys
from bus.storage import open_storage
from tests.a_bus import Bus, a_bus
from tests.builders import OWNER, a_document, a_nik

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


class Site:
    """A bus with the contracts, and a client that may publish and try data out."""

    def __init__(self, runner: asyncio.Runner, bus: Bus) -> None:
        self._runner = runner
        self._client = bus.reader(OWNER, "events.publish", "contracts.read")
        self._numbers = itertools.count(1)

    def is_valid(self, name: str, text: str) -> bool:
        """Whether the bus says of data that an event with them would be accepted."""
        answer = self._request(f"/v1/contracts/{name}/validate", text, {})
        assert answer.status_code in (200, 400)
        return answer.status_code == 200 and answer.json()["valid"]

    def is_published(self, name: str, text: str, *, is_structured: bool) -> bool:
        """Whether the bus accepts an event with these data."""
        named = {"specversion": "1.0", "id": f"e{next(self._numbers)}", "source": "/", "type": name}
        # A record that is deleted has its key outside of its data.
        named |= {"subject": "1"} if text == "null" and name in ("uji.rekaman", "uji.dalam") else {}
        headers = {f"ce-{key}": value for key, value in named.items()} | {"content-type": "application/json"}
        if is_structured:
            attributes = ",".join(f'"{key}":"{value}"' for key, value in named.items())
            text, headers = f'{{{attributes},"data":{text}}}', {"content-type": "application/cloudevents+json"}
        return self._request("/v1/events", text, headers).status_code == 202

    def _request(self, path: str, text: str, headers: dict[str, str]) -> httpx.Response:
        return self._runner.run(self._client.post(path, content=text.encode(), headers=headers))


@pytest.fixture(scope="module")
def site(sqlite_template: Path, bus_keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One bus for all examples: what they publish does not matter to each other."""
    folder = tmp_path_factory.mktemp("bus")
    shutil.copy(sqlite_template, folder / "bus.db")
    storage = open_storage(f"sqlite:///{folder / 'bus.db'}")
    with asyncio.Runner() as runner:
        opening = a_bus(storage, bus_keys, folder, max_depth=_DEPTH)
        bus = runner.run(opening.__aenter__())
        bus.apply(*(a_document(contract=name, **changes) for name, changes in _SCHEMAS.items()))
        yield Site(runner, bus)
        runner.run(opening.__aexit__(None, None, None))
    storage.close()


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
    site: Site, name: str, text: str, is_structured: bool
) -> None:
    assert site.is_valid(name, text) == site.is_published(name, text, is_structured=is_structured)
