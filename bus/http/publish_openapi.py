"""The OpenAPI description of publishing, written by hand: FastAPI does not know this route."""

from typing import Any, Final

from bus.http.event_documents import BatchReceipt, NewEvent, Receipt
from bus.http.openapi_parts import refer, refer_headers
from bus.identity import Scope


def _refer(model: type[Any]) -> dict[str, Any]:
    return refer("schemas", model.__name__)


def _attribute(name: str, meaning: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "pattern": "^[!-~]+$"}
    return {"name": f"ce-{name}", "in": "header", "required": False, "schema": schema, "description": meaning}


_BINARY_ATTRIBUTES: Final = [
    _attribute("specversion", "binary mode: `1.0`; it makes the body the event's `data` alone"),
    _attribute("id", "binary mode: with `ce-source`, names the event"),
    _attribute("source", "binary mode: which application says it"),
    _attribute("type", "binary mode: the contract's name"),
    _attribute("subject", "binary mode: the record's key, in percent-encoded UTF-8"),
    _attribute("time", "binary mode: when it happened"),
    _attribute("dataschema", "binary mode: the contract's version; absent: the newest active one"),
]
"""Header fields of binary mode (CloudEvents HTTP binding 1.0.2, section 3.1). Extensions have such fields too."""

OPENAPI: Final[dict[str, Any]] = {
    "tags": ["Events"],
    "summary": "Publish events",
    "description": (
        "CloudEvents 1.0 in structured, binary (`ce-` headers) or batch mode. A 202 means: committed to disk. "
        "Numbers come back with the value that was sent; those that would not are refused with 422. "
        "The same event again is a duplicate, in whatever mode it comes."
    ),
    "operationId": "publish_events",
    "security": [{"oauth": [Scope.EVENTS_PUBLISH.value]}],
    "parameters": [
        *_BINARY_ATTRIBUTES,
        {
            "name": "partial",
            "in": "query",
            "schema": {"type": "boolean", "default": False},
            "description": "of a batch, take what is valid and tell what is not",
        },
    ],
    "requestBody": {
        "required": True,
        "description": "one event, a batch, or the data alone with the attributes in `ce-` headers",
        "content": {
            "application/cloudevents+json": {"schema": _refer(NewEvent)},
            "application/cloudevents-batch+json": {"schema": {"type": "array", "items": _refer(NewEvent)}},
            "application/json": {"schema": {"description": "binary mode: an event's `data` alone"}},
        },
    },
    "responses": {
        "202": {
            "description": "Committed to disk; under a deprecated version of the contract, header fields say so",
            "content": {"application/json": {"schema": {"anyOf": [_refer(Receipt), _refer(BatchReceipt)]}}},
            "headers": refer_headers("Deprecation", "Sunset", "Link"),
        },
        "400": {"description": "It is no CloudEvent; `errors` point at what is wrong"},
        "403": {"description": "The scope is missing, or you are not a producer of this contract"},
        "409": {"description": "Another event has this source and id"},
        "415": {"description": "The content type is none of CloudEvents, or the data are not JSON"},
        "422": {"description": "The contract is unknown, the data do not fit it, or a number in them would change"},
        "503": {"description": "Too much is waiting; try again"},
    },
}
