"""An agency in the test's own process, and an adapter that a document describes for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from bus import json
from bus.declared import (
    AdapterDocument,
    DeclaredFactory,
    Judgement,
    Mapper,
    RegisteredAdapter,
    Surroundings,
    check_document,
    make_draft,
)
from bus.declared.adapter import DeclaredAdapter
from bus.heavy import Here
from bus.kit import Event
from tests.a_bus import Bus
from tests.an_actor import OPERATOR

HOST = "badan.example"
BASE = f"https://{HOST}/api"

UNCHECKED = Judgement(b"[]", (), ())
Answer = Callable[[httpx.Request], httpx.Response]


def a_delivery(**changes: Any) -> dict[str, Any]:
    """An operation that sends an event's data."""
    request = {"method": "POST", "path": "/terima", "body": {"json": "data"}}
    return {"name": "kirim", "does": "deliver", "least": "public", "fields": [], "requests": [request], **changes}


def a_poll(**changes: Any) -> dict[str, Any]:
    """An operation that lists rows, each `{"id", "nama"}`."""
    return {
        "name": "tarik",
        "does": "poll",
        "contract": "uji.baris",
        "least": "public",
        "fields": [],
        "source": "/badan/baris",
        "request": {"method": "GET", "path": "/baris"},
        "rows": "data",
        "key": "id",
        "record": '{"id": id, "nama": nama}',
        **changes,
    }


def a_query(**changes: Any) -> dict[str, Any]:
    """An operation that asks for a number."""
    request = {"method": "POST", "path": "/cari", "body": {"json": '{"nomor": nomor}'}}
    answer = '{"ditemukan": $exists(isi), "isi": isi}'
    return {
        "name": "cari",
        "does": "query",
        "least": "public",
        "fields": [],
        "requests": [request],
        "answer": answer,
        **changes,
    }


def a_body(*operations: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """An adapter document as JSON."""
    return {
        "kind": "adapter",
        "adapter": "badan",
        "version": "1.0.0",
        "title": "Badan rekaan",
        "owner": "dinas-kominfo",
        "participant": "badan",
        "agency": "Badan",
        "servers": [{"name": "uji", "url": BASE}],
        "operations": list(operations or [a_delivery()]),
        **changes,
    }


def a_declaration(*operations: Mapping[str, Any], **changes: Any) -> AdapterDocument:
    """An adapter document."""
    return check_document(a_body(*operations, **changes))


def register_draft(bus: Bus, **changes: Any) -> RegisteredAdapter:
    """A draft that the operator registered; nobody checked its examples."""
    return bus.rooms.adapters.registrar.add_draft(make_draft(a_body(**changes)), UNCHECKED, OPERATOR)


def register_active(bus: Bus, **changes: Any) -> RegisteredAdapter:
    """A version in force that the operator registered; nobody checked its examples."""
    registrar, draft = bus.rooms.adapters.registrar, register_draft(bus, **changes)
    return registrar.activate(registrar.read_candidate(draft.name, draft.version, OPERATOR), UNCHECKED, OPERATOR)


def an_event(data: Any = None, subject: str | None = "satu", number: int = 1) -> Event:
    """An event with these data."""
    return Event(str(number), "/uji", "uji.kejadian", data, subject=subject)


@dataclass
class AnAgency:
    """Answers requests, and keeps them.

    Attributes:
        answer: makes each answer; a sequence of answers is given in its order, the last one for ever.
        requests: what arrived.
    """

    answer: Answer | Sequence[httpx.Response] = (httpx.Response(200, json={}),)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if callable(self.answer):
            return self.answer(request)
        given = self.answer[min(len(self.requests), len(self.answer)) - 1]
        return httpx.Response(given.status_code, headers=given.headers, content=given.content)

    @property
    def bodies(self) -> list[Any]:
        """The JSON bodies that arrived."""
        return [json.loads(request.content) for request in self.requests]

    def adapter(self, document: AdapterDocument, **settings: str) -> DeclaredAdapter:
        """The adapter of a document, before this agency. Secrets may go to its host, unless the test says otherwise."""
        mapper = Mapper(document.adapter, Here())
        factory = DeclaredFactory(document, Surroundings(transport=httpx.MockTransport(self), mapper=mapper))
        hosts = {f"{name}_hosts": HOST for name in document.secrets}
        return factory.create(factory.settings.model_validate({**hosts, **settings}))
