"""A contract as an AsyncAPI 3.0 document, from which an app's developer generates code and documentation.

It is written from the app's side, as AsyncAPI 3 asks: a producer `send`s, a consumer `receive`s.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from bus import json
from bus.contracts.document import Contract, Kind
from bus.contracts.draft07 import convert_to_draft07, has_trap
from bus.contracts.flat import flatten
from bus.contracts.schemas import Schema
from bus.contracts.titles import make_type_name, title_parts
from bus.contracts.validation import Validator
from bus.identity import MEANINGS, Scope
from bus.texts import escape_unseen, to_markdown

Document = dict[str, Any]

_STRUCTURED: Final = "application/cloudevents+json"
_JSON: Final = "application/json"
_HTTP_BINDING: Final = "0.3.0"
_WHEN: Final = "2026-03-02T02:15:00Z"
_TEXT: Final[Schema] = {"type": "string"}
_ID: Final = (
    "With source, it names the event; send it again unchanged. Who does not see the event whole gets both from the bus."
)
_POSITION: Final[Schema] = {"type": "integer", "minimum": 1, "description": "The event's place in the journal."}


def describe_as_asyncapi(contract: Contract, url: str) -> Document:
    """The AsyncAPI document of one contract version.

    Args:
        contract: the version.
        url: where clients reach the bus, without a slash at the end.
    """
    parts = _write_query_parts(contract) if contract.kind is Kind.QUERY else _write_event_parts(contract, url)
    return {
        "asyncapi": "3.0.0",
        "id": f"{url}/v1/contracts/{contract.name}/versions/{contract.version}",
        "info": _write_info(contract),
        "servers": {"bus": _write_server(url)},
        "defaultContentType": _JSON if contract.kind is Kind.QUERY else _STRUCTURED,
        **parts,
        "components": {**parts["components"], "securitySchemes": _write_security(contract, url)},
    }


def make_schema_url(contract: Contract, url: str) -> str:
    """Where the bus serves the contract version's schema: its `$id`, and what an event's `dataschema` names."""
    return f"{url}/v1/contracts/{contract.name}/versions/{contract.version}/schema"


def _write_info(contract: Contract) -> Document:
    told = to_markdown(contract.document.get("description", contract.title))
    return {
        "title": escape_unseen(f"{contract.name}: {contract.title}"),
        "version": contract.version,
        "description": f"{told}\n\nData owner: {contract.owner}. Classification: {contract.classification.value}.",
        "tags": [{"name": contract.name.partition(".")[0]}, {"name": contract.kind.value}],
    }


def _write_server(url: str) -> Document:
    parts = urlsplit(url)
    server = {"host": parts.netloc, "protocol": parts.scheme, "description": "The regency's data-exchange bus."}
    return server | ({"pathname": parts.path} if parts.path else {})


def _write_security(contract: Contract, url: str) -> Document:
    if contract.kind is Kind.QUERY:
        return {"ask": _write_oauth(Scope.QUERIES_CALL, url)}
    signature = {
        "type": "httpApiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks: HMAC-SHA256 with the subscription's secret; verify it before you believe.",
    }
    return {
        "publish": _write_oauth(Scope.EVENTS_PUBLISH, url),
        "read": _write_oauth(Scope.EVENTS_READ, url),
        "signature": signature,
    }


def _write_oauth(scope: Scope, url: str) -> Document:
    flow = {"tokenUrl": f"{url}/oauth/token", "availableScopes": {scope.value: MEANINGS[scope]}}
    return {"type": "oauth2", "flows": {"clientCredentials": flow}, "scopes": [scope.value]}


def _write_event_parts(contract: Contract, url: str) -> Document:
    schemas = _write_event_schemas(contract, url)
    messages = {
        "published": _write_message("An event as a producer sends it", "published", _write_published(contract, url)),
        "received": _write_message("An event as a consumer gets it", "received", _write_received(contract, url)),
        "streamed": _write_message(
            "An event in a stream: the data line", "received", (), contentType="text/event-stream"
        ),
        "feedPage": _write_message("A page of the feed", "feedPage", (), contentType=_JSON),
        "receipt": _write_message("What was done with the event", "receipt", _RECEIPTS, contentType=_JSON),
    }
    messages["received"]["headers"] = _WEBHOOK_HEADERS
    channels = {
        "events": _write_channel("/v1/events", "Where producers publish.", "published"),
        "receipts": _write_channel(None, "The HTTP answer to a published event.", "receipt"),
        "feed": _write_channel(f"/v1/feeds/{contract.name}", "Events in order, by cursor.", "feedPage", "streamed"),
        "webhook": _write_channel(
            None, "Your subscription's sink; you register it with POST /v1/subscriptions.", "received"
        ),
    }
    operations = {
        "publish": _write_operation("send", "events", "published", "publish", "POST")
        | _write_reply("receipts", "receipt"),
        "readFeed": _write_operation("receive", "feed", "feedPage", "read", "GET", _PAGE_QUERY),
        "streamFeed": _write_operation("receive", "feed", "streamed", "read", "GET"),
        "receiveWebhook": _write_operation("receive", "webhook", "received", "signature", "POST"),
    }
    if contract.kind is Kind.RECORD:
        messages["recordPage"] = _write_message("A page of the newest events", "recordPage", (), contentType=_JSON)
        address = f"/v1/records/{contract.name}"
        channels["records"] = _write_channel(address, "The newest event of each key, by cursor.", "recordPage")
        operations["readRecords"] = _write_operation("receive", "records", "recordPage", "read", "GET", _LIST_QUERY)
    return {"channels": channels, "operations": operations, "components": {"messages": messages, "schemas": schemas}}


def _write_query_parts(contract: Contract) -> Document:
    questions, answers = list(_pick_valid(contract, "request")), list(_pick_valid(contract, "answer"))
    messages = {
        "question": _write_message("The question", "question", questions, contentType=_JSON),
        "answer": _write_message("The answer, as your grant shows it", "answer", answers, contentType=_JSON),
    }
    channels = {
        "questions": _write_channel(f"/v1/queries/{contract.name}", "Where consumers ask.", "question"),
        "answers": _write_channel(None, "The HTTP answer to the question.", "answer"),
    }
    asking = _write_operation("send", "questions", "question", "ask", "POST") | _write_reply("answers", "answer")
    schemas = {
        "question": _write_data_schema(contract, "question", "Request"),
        "wholeAnswer": _write_data_schema(contract, "wholeAnswer", "Answer"),
        "answer": _write_granted_schema(contract, "wholeAnswer"),
    }
    return {
        "channels": channels,
        "operations": {"ask": asking},
        "components": {"messages": messages, "schemas": schemas},
    }


def _write_event_schemas(contract: Contract, url: str) -> Document:
    schemas = {
        "data": _write_data_schema(contract, "data"),
        "shown": _write_granted_schema(contract, "data"),
        "published": _write_envelope(contract, url, "data"),
        "received": _write_envelope(contract, url, "shown"),
        "feedPage": _write_page_schema("events"),
        "receipt": {
            "type": "object",
            "required": ["position", "duplicate"],
            "properties": {"position": _POSITION, "duplicate": {"type": "boolean", "description": "It was known."}},
        },
    }
    received = schemas["received"]
    received["properties"] |= {
        "sequence": {
            "type": "string",
            "pattern": "^[0-9]{20}$",
            "description": "Its position, and the epoch above 12 digits.",
        },
        "recordedtime": {"type": "string", "format": "date-time", "description": "When the bus accepted it."},
    }
    if len(contract.producers) > 1:
        names = sorted(contract.producers)
        received["properties"]["publisher"] = {"enum": names, "description": "The participant that published it."}
    received["required"] = [*received["required"], "sequence", "recordedtime", "data"]
    if contract.kind is Kind.RECORD:
        schemas["recordPage"] = _write_page_schema("records")
    return schemas


def _write_data_schema(contract: Contract, place: str, part: str = "") -> Schema:
    """The schema of data, with a title for each object in it: generators name types by their titles."""
    schema = contract.shown if part == "Answer" else contract.sent
    titled = title_parts(flatten(schema), make_type_name(contract.name.partition(".")[2]) + part)
    return convert_to_draft07(titled, f"#/components/schemas/{place}")


def _write_envelope(contract: Contract, url: str, data: str) -> Schema:
    """A CloudEvent in JSON format (CloudEvents 1.0.2)."""
    shown: Schema = {"$ref": f"#/components/schemas/{data}"}
    about = f"The key, as {contract.key} in the data." if contract.key else "What the event is about."
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**_TEXT, "minLength": 1, "description": _ID},
            "source": {**_TEXT, "minLength": 1, "format": "uri-reference", "description": "The app that says it."},
            "type": {"const": contract.name},
            "subject": {**_TEXT, "description": about},
            "time": {**_TEXT, "format": "date-time", "description": "When it happened."},
            "dataschema": {**_TEXT, "description": f"The version's schema: {make_schema_url(contract, url)}."},
            "datacontenttype": {**_TEXT, "description": "A JSON media type; absent: application/json."},
            "data": {"anyOf": [shown, {"type": "null"}]} if contract.kind is Kind.RECORD else shown,
        },
        "additionalProperties": {"type": ["string", "integer", "boolean"], "description": "An extension attribute."},
    }


def _write_granted_schema(contract: Contract, whole: str) -> Schema:
    """The schema of what consumers get. If a grant leaves fields out or masks them, the contract's own schema does not fit."""
    reference: Schema = {"$ref": f"#/components/schemas/{whole}"}
    if all(grant.fields is None and not grant.mask for grant in contract.grants):
        return reference
    cut = {"type": "object", "description": "What your grant shows: fields are absent, and masked values are texts."}
    return {"anyOf": [reference, cut]}


def _write_page_schema(name: str) -> Schema:
    events = {"type": "array", "items": {"$ref": "#/components/schemas/received"}}
    following = {**_TEXT, "description": "The cursor: give it as `after`."}
    return {"type": "object", "required": [name, "next"], "properties": {name: events, "next": following}}


def _write_message(summary: str, schema: str, payloads: Sequence[Any], **members: Any) -> Document:
    message = {"name": schema, "summary": summary, "payload": {"$ref": f"#/components/schemas/{schema}"}, **members}
    examples = [{"name": f"{schema}-{n}", "payload": payload} for n, payload in enumerate(payloads, 1)]
    return message | ({"examples": examples} if examples else {})


def _write_channel(address: str | None, description: str, *messages: str) -> Document:
    references = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    channel: Document = {"address": address, "description": description, "messages": references}
    # Only the bus's own channels have an address: a sink is not on the bus.
    return channel | ({"servers": [{"$ref": "#/servers/bus"}]} if address else {})


def _write_operation(
    action: str, channel: str, message: str, scheme: str, method: str, query: Schema | None = None
) -> Document:
    binding = {"method": method, "bindingVersion": _HTTP_BINDING} | ({"query": query} if query else {})
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
        "security": [{"$ref": f"#/components/securitySchemes/{scheme}"}],
        "bindings": {"http": binding},
    }


def _write_reply(channel: str, message: str) -> Document:
    reference = {"$ref": f"#/channels/{channel}/messages/{message}"}
    return {"reply": {"channel": {"$ref": f"#/channels/{channel}"}, "messages": [reference]}}


def _write_published(contract: Contract, url: str) -> list[Any]:
    """Examples of events; for a record contract also of a deletion."""
    events = [
        _write_event(contract, url, number, data) for number, data in enumerate(_pick_valid(contract, "schema"), 1)
    ]
    if contract.kind is Kind.RECORD and events:
        events.append({**events[0], "id": "example-deletion", "data": None})
    return events


def _write_received(contract: Contract, url: str) -> list[Any]:
    publisher = {"publisher": min(contract.producers)} if len(contract.producers) > 1 else {}
    return [
        {**event, "sequence": f"{position:020d}", "recordedtime": "2026-03-02T02:15:00.123456Z", **publisher}
        for position, event in enumerate(_write_published(contract, url), 1)
    ]


def _write_event(contract: Contract, url: str, number: int, data: Any) -> Document:
    subject = json.find(data, contract.key) if contract.key else None
    return {
        "specversion": "1.0",
        "id": f"example-{number}",
        "source": f"/{min(contract.producers)}",
        "type": contract.name,
        **({"subject": str(subject)} if subject is not None else {}),
        "time": _WHEN,
        "dataschema": make_schema_url(contract, url),
        "data": data,
    }


def _pick_valid(contract: Contract, part: str) -> Iterator[Any]:
    """The contract's examples that fit its schema. A draft's may not, and AsyncAPI allows only examples that fit.

    Examples are left out too if AsyncAPI's parser cannot read the names of their members.
    """
    validator = Validator(contract.shown if part == "answer" else contract.sent)
    examples = contract.examples if part == "schema" else [example[part] for example in contract.examples]
    return (example for example in examples if validator.is_valid(example) and not has_trap(example))


_RECEIPTS: Final = [{"position": 4711, "duplicate": False}]
_LIST_QUERY: Final[Schema] = {
    "type": "object",
    "properties": {
        "after": {**_TEXT, "description": "The cursor of the page before; absent: from the beginning."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    },
}
_PAGE_QUERY: Final[Schema] = {
    "type": "object",
    "properties": {
        **_LIST_QUERY["properties"],
        "wait": {"type": "number", "minimum": 0, "maximum": 60, "description": "Seconds to wait for an event."},
    },
}
_WEBHOOK_HEADERS: Final[Schema] = {
    "type": "object",
    "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
    "properties": {
        "webhook-id": {**_TEXT, "description": "The same for every attempt of a delivery."},
        "webhook-timestamp": {**_TEXT, "description": "Seconds since 1970 at the attempt."},
        "webhook-signature": {**_TEXT, "description": "One or more, separated by spaces: v1,<base64>."},
    },
}
