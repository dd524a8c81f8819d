"""The beginning of one operation of an adapter document, with an example and a contract, from an operation of an OpenAPI file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote

from bus.declared.begin_member import (
    Member,
    join_members,
    list_members,
    list_whole,
    make_schema,
    quote_text,
    take_parameter,
    to_text,
    to_word,
    write_name,
)
from bus.declared.errors import OpenApiInvalid
from bus.declared.openapi import ApiOperation, Parameter
from bus.declared.shape import Shape

Does = Literal["deliver", "poll", "query"]
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_PAGES: Final = frozenset({"page", "halaman", "hal"})
_OFFSETS: Final = frozenset({"offset", "skip", "start", "mulai"})
_LIMITS: Final = frozenset({"limit", "per_page", "page_size", "size", "batas", "jumlah", "count"})
_KEYS: Final = ("id", "kode", "nomor", "no", "nik", "uuid")
_SCALARS: Final = frozenset({"string", "integer", "number"})
_TYPE_OF_PAGE: Final = {"page": "1", "offset": "0"}
_LIMIT: Final = 100


@dataclass(slots=True)
class Begun:
    """An operation, its contract, and the document's settings that it needs."""

    operation: dict[str, Any]
    contract: dict[str, Any]
    settings: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _List:
    """Where an answer has its rows, and what a row has."""

    path: Sequence[str]
    row: Shape
    key: str


def guess_does(operation: ApiOperation) -> Does:
    """What an operation most likely does: GET of a list polls, other GET asks, the rest delivers."""
    if operation.method != "GET":
        return "deliver"
    asks = any(one.place == "path" for one in operation.parameters)
    return "query" if asks or _find_list(operation.answer) is None else "poll"


def begin_operation(adapter: str, owner: str, name: str, api: ApiOperation, does: Does) -> Begun:
    """The operation of a document, with one example, and its contract of version 1.0.0.

    Args:
        adapter: the adapter's name, its participant and its contracts' domain.
        owner: the office that owns the contract.

    Raises:
        OpenApiInvalid: a poll's answer has no list of objects with a key.
    """
    if does == "poll":
        found = _find_list(api.answer)
        if found is None:
            raise OpenApiInvalid(
                f"The answer of {api.method} {api.path} has no list of objects with a key; take it as a query."
            )
        begun = _begin_poll(adapter, name, api, found)
    elif does == "deliver":
        begun = _begin_delivery(adapter, name, api)
    else:
        begun = _begin_query(api)
    contract = f"{adapter}.{name}"
    title = api.title or f"TODO: tulis apa guna {api.method} {api.path}"[:200]
    sends, gets = (owner, adapter) if does == "deliver" else (adapter, owner)
    named = {"contract": contract} if begun.operation["does"] == "poll" else {"contracts": [contract]}
    head = {"name": name, "does": begun.operation.pop("does"), "title": title, **named, "least": "internal"}
    rules = {"rules": [{"status": [api.status], "means": "success"}]}
    examples = begun.operation.pop("examples")
    begun.operation = {**head, **begun.operation, **rules, "examples": examples}
    begun.contract = {
        "contract": contract,
        "version": "1.0.0",
        "title": api.title or name,
        "description": f"{api.method} {api.path}, seperti dalam berkas OpenAPI instansi.",
        "owner": owner,
        "classification": "internal",
        **begun.contract,
        "compatibility": "backward",
        "producers": [sends],
        "consumers": [{"participant": gets, "purpose": "pertukaran data lewat adapter"}],
        "adapters": [{"adapter": adapter, "operation": name}],
    }
    return begun


def _begin_poll(adapter: str, name: str, api: ApiOperation, found: _List) -> Begun:
    members = [one for one in list_members(found.row) if one.name]
    key = next(one for one in members if one.name == found.key)
    row = found.row.make_up()
    row[key.name] = row.get(key.name, key.shape.make_up())
    data = {one.field: row[one.name] for one in members if one.name in row} | {key.field: to_text(row[key.name])}
    body: Any = [row]
    for step in reversed(found.path):
        body = {step: body}
    settings, request, sent = _ask_with_settings(api)
    paging = _find_paging(api)
    parts = [f"{quote_text(one.field)}: {_write_member(one, key)}" for one in members]
    request["query"] = request["query"] | {one: f"${what}" for one, what in paging.items()}
    shown = {one: str(_LIMIT) if what == "limit" else _TYPE_OF_PAGE[what] for one, what in paging.items()}
    schema = make_schema(members)
    schema["properties"][key.field] |= {"type": "string", "maxLength": _find_bound(key.shape)}
    schema["properties"][key.field] = {
        word: value for word, value in schema["properties"][key.field].items() if word not in ("minimum", "maximum")
    }
    schema["required"] = sorted({*schema["required"], key.field})
    kind = next((what for what in paging.values() if what != "limit"), None)
    return Begun(
        {
            "does": "poll",
            "source": f"/{adapter}/{name}",
            "fields": [f"/{one.field}" for one in members],
            "request": _drop_empty(request),
            **({"paging": {"kind": kind, "limit": _LIMIT}} if kind else {}),
            "rows": ".".join(map(write_name, found.path)) or "$",
            "key": f"$string({write_name(found.key)})",
            "record": "{" + ", ".join(parts) + "}",
            "examples": [
                {
                    "title": "Satu baris",
                    "request": _drop_empty(sent | {"query": sent["query"] | shown}),
                    "answer": {"status": api.status, "body": body},
                    "result": [{"key": data[key.field], "data": data}],
                }
            ],
        },
        {
            "kind": "record",
            "key": f"/{key.field}",
            "schema": schema,
            "delivery": {"ordered_by": f"/{key.field}", "retention_days": 365, "max_bytes": 65536},
            "examples": [data],
        },
        settings,
    )


def _begin_delivery(adapter: str, name: str, api: ApiOperation) -> Begun:
    asked = [one for one in _list_asked(api) if one.place != "header"]
    is_object = api.body is not None and api.body.type == "object"
    inner = list_members(api.body) if is_object and api.body is not None else list_whole("isi", api.body)
    members = join_members([take_parameter(one) for one in asked], inner)
    data = {one.field: one.shape.make_up() for one in members}
    given = None if api.body is None else api.body.make_up()
    if is_object and isinstance(given, dict):
        data |= {one.field: given[one.name] for one in inner if one.name in given}
    by_name = {one.name: one.field for one in members}
    request, sent = _fill_request(api, asked, data, by_name, "data.")
    if api.body is not None:
        _add_body(request, sent, api, inner, data, is_object=is_object)
    required = [one.field for one in members if one.is_required]
    first = next((one for one in required if isinstance(data[one], str)), None)
    event = {"id": "1", "source": f"/{adapter}", "type": f"{adapter}.{name}", "data": data}
    answer = {} if api.answer is None else {"body": api.answer.make_up()}
    return Begun(
        {
            "does": "deliver",
            "fields": [f"/{one.field}" for one in members],
            "requests": [_drop_empty(request)],
            "examples": [
                {
                    "title": "Satu peristiwa",
                    "events": [event],
                    "request": _drop_empty(sent),
                    "answer": {"status": api.status, **answer},
                    "outcomes": ["success"],
                }
            ],
        },
        {
            "kind": "event",
            "schema": make_schema(members),
            "delivery": {
                **({"ordered_by": f"/{first}"} if first else {}),
                "retention_days": 365,
                "max_bytes": 65536,
            },
            "examples": [data],
        },
        _list_header_settings(api, request, sent),
    )


def _begin_query(api: ApiOperation) -> Begun:
    asked = [one for one in api.parameters if one.place != "header"]
    is_object = api.body is not None and api.body.type == "object"
    inner = list_members(api.body) if is_object and api.body is not None else list_whole("isi", api.body)
    members = join_members([take_parameter(one) for one in asked], inner)
    question = {one.field: one.shape.make_up() for one in members}
    request, sent = _fill_request(api, asked, question, {one.name: one.field for one in members}, "")
    if api.body is not None:
        _add_body(request, sent, api, inner, question, is_object=is_object, root="")
    is_answer = api.answer is not None and api.answer.type == "object"
    answered = list_members(api.answer) if is_answer and api.answer is not None else list_whole("hasil", api.answer)
    body = None if api.answer is None else api.answer.make_up()
    if is_answer and body is not None:
        result = {one.field: body[one.name] for one in answered if one.name in body}
        expression = "{" + ", ".join(f"{quote_text(one.field)}: {write_name(one.name)}" for one in answered) + "}"
    else:
        result = {} if body is None else {"hasil": body}
        expression = '{"hasil": $}' if body is not None else "{}"
    settings = _list_header_settings(api, request, sent)
    return Begun(
        {
            "does": "query",
            "fields": [f"/{one.field}" for one in answered],
            "requests": [_drop_empty(request)],
            "answer": expression,
            "examples": [
                {
                    "title": "Satu pertanyaan",
                    "question": question,
                    "request": _drop_empty(sent),
                    "answer": {"status": api.status, **({} if body is None else {"body": body})},
                    "result": result,
                }
            ],
        },
        {
            "kind": "query",
            "request": make_schema(members),
            "answer": make_schema(answered),
            "examples": [{"request": question, "answer": result}],
        },
        settings,
    )


def _find_list(answer: Shape | None) -> _List | None:
    """The list of an answer whose rows are objects with a key, at most two objects deep."""
    if answer is None:
        return None
    waiting: list[tuple[list[str], Shape]] = [([], answer)]
    while waiting:
        path, shape = waiting.pop(0)
        if shape.type == "array" and shape.items is not None and (key := _find_key(shape.items)) is not None:
            return _List(path, shape.items, key)
        if shape.type == "object" and len(path) < 2:
            waiting += [([*path, name], inner) for name, inner in shape.properties.items()]
    return None


def _find_key(row: Shape) -> str | None:
    """The member that most likely identifies a row; None: the row has none."""
    if row.type != "object":
        return None
    possible = [name for name, one in row.properties.items() if one.type in _SCALARS and not one.is_nullable]
    possible.sort(key=lambda name: name not in row.required)
    named = {name.lower(): name for name in reversed(possible)}
    return next((named[one] for one in _KEYS if one in named), next(iter(possible), None))


def _list_asked(api: ApiOperation) -> list[Parameter]:
    return [one for one in api.parameters if one.is_required or one.place == "path"]


def _fill_request(
    api: ApiOperation, asked: Sequence[Parameter], data: Mapping[str, Any], fields: Mapping[str, str], root: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The request whose values come from data, and the one that an example's data make."""
    values = {to_word(one.name): one for one in asked if one.place == "path"}
    query = {one.name: one for one in asked if one.place == "query"}
    path = _PLACE.sub(lambda place: f"{{{to_word(place.group(1))}}}", api.path)
    texts = {word: to_text(data[fields[one.name]]) for word, one in values.items()}
    return (
        {
            "method": api.method,
            "path": path,
            "values": {word: root + write_name(fields[one.name]) for word, one in values.items()},
            "query": {name: root + write_name(fields[one.name]) for name, one in query.items()},
        },
        {
            "method": api.method,
            "path": _PLACE.sub(lambda place: quote(texts.get(place.group(1), ""), safe=""), path),
            "query": {name: to_text(data[fields[one.name]]) for name, one in query.items()},
        },
    )


def _add_body(
    request: dict[str, Any],
    sent: dict[str, Any],
    api: ApiOperation,
    inner: Sequence[Member],
    data: Mapping[str, Any],
    *,
    is_object: bool,
    root: str = "data.",
) -> None:
    """Add the body to a request and to the example's request."""
    written = {one.name: root + write_name(one.field) for one in inner}
    if api.is_form:
        request["body"] = {"form": written}
        sent["body"] = {one.name: to_text(data[one.field]) for one in inner}
    elif is_object:
        request["body"] = {
            "json": "{" + ", ".join(f"{quote_text(name)}: {text}" for name, text in written.items()) + "}"
        }
        sent["body"] = {one.name: data[one.field] for one in inner}
    else:
        request["body"] = {"json": f"{root}isi"}
        sent["body"] = data["isi"]


def _ask_with_settings(api: ApiOperation) -> tuple[dict[str, dict[str, str]], dict[str, Any], dict[str, Any]]:
    """A poll's settings, its request, and the request of its example: nobody asks, so the operator gives the parameters."""
    pages = _find_paging(api)
    asked = [one for one in _list_asked(api) if one.name not in pages and one.place != "header"]
    settings = {to_word(one.name): _make_setting(one) for one in asked}
    default = {one.name: settings[to_word(one.name)]["default"] for one in asked}
    path = _PLACE.sub(lambda place: f"{{{to_word(place.group(1))}}}", api.path)
    query = {one.name: f"$settings.{to_word(one.name)}" for one in asked if one.place == "query"}
    request = {"method": api.method, "path": path, "query": query}
    sent = {
        "method": api.method,
        "path": _PLACE.sub(lambda place: quote(default.get(place.group(1), ""), safe="/"), api.path),
        "query": {name: default[name] for name in query},
    }
    return settings | _list_header_settings(api, request, sent), request, sent


def _list_header_settings(
    api: ApiOperation, request: dict[str, Any], sent: dict[str, Any]
) -> dict[str, dict[str, str]]:
    """The settings of required headers, which are added to the request and to the example's request."""
    asked = [one for one in api.parameters if one.place == "header" and one.is_required]
    settings = {to_word(one.name): _make_setting(one) for one in asked}
    if asked:
        request["headers"] = {one.name: f"$settings.{to_word(one.name)}" for one in asked}
        sent["headers"] = {one.name: settings[to_word(one.name)]["default"] for one in asked}
    return settings


def _make_setting(one: Parameter) -> dict[str, str]:
    title = " ".join(one.shape.description.split())[:200] or f"Isi parameter {one.name}"
    return {"title": title, "default": to_text(one.shape.make_up())[:500]}


def _find_paging(api: ApiOperation) -> dict[str, str]:
    """The parameters of the query that count pages or rows: name to page, offset or limit."""
    found: dict[str, str] = {}
    for one in api.parameters:
        word = to_word(one.name)
        if one.place == "query" and word in _PAGES | _OFFSETS and not found:
            found[one.name] = "page" if word in _PAGES else "offset"
    if found:
        found |= {one.name: "limit" for one in api.parameters if one.place == "query" and to_word(one.name) in _LIMITS}
    return found


def _write_member(one: Member, key: Member) -> str:
    return f"$string({write_name(one.name)})" if one.name == key.name else write_name(one.name)


def _find_bound(shape: Shape) -> int:
    return int(shape.bounds.get("maxLength", 40))


def _drop_empty(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if value not in ({}, None)}
