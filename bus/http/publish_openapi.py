"""The OpenAPI description of publishing, written by hand: FastAPI does not know this route."""

from typing import Any, Final

from bus.http.event_documents import BatchReceipt, NewEvent, Receipt
from bus.http.openapi_parts import refer, refer_headers
from bus.identity import Scope


def _refer(model: type[Any]) -> dict[str, Any]:
    return refer("schemas", model.__name__)


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
        {
            "name": "partial",
            "in": "query",
            "schema": {"type": "boolean", "default": False},
            "description": "of a batch, take what is valid and tell what is not",
        }
    ],
    "requestBody": {
        "required": True,
        "description": "one event, a batch, or the data alone with the attributes in `ce-` headers",
        "content": {
            "application/cloudevents+json": {"schema": _refer(NewEvent)},
            "application/cloudevents-batch+json": {"schema": {"type": "array", "items": _refer(NewEvent)}},
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
