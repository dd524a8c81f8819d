"""The OpenAPI description of publishing, written by hand: FastAPI does not know this route."""

from typing import Any, Final

_PROBLEM: Final[dict[str, Any]] = {"content": {"application/problem+json": {}}}
_RECEIPT: Final = {
    "type": "object",
    "properties": {"position": {"type": "integer"}, "duplicate": {"type": "boolean"}},
    "required": ["position", "duplicate"],
}
_REJECTED: Final = {
    "type": "object",
    "properties": {
        "index": {"type": "integer"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["pointer", "detail"],
            },
        },
    },
    "required": ["index", "errors"],
}
_RECEIPTS: Final = {
    "type": "object",
    "description": "of a batch",
    "properties": {
        "accepted": {"type": "integer"},
        "duplicates": {"type": "integer"},
        "last_position": {"type": "integer"},
        "rejected": {"type": "array", "items": _REJECTED},
    },
    "required": ["accepted", "duplicates", "last_position", "rejected"],
}
_EVENT: Final = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": 1024},
        "source": {"type": "string", "format": "uri-reference", "minLength": 1, "maxLength": 1024},
        "type": {"type": "string", "description": "the contract's name"},
        "subject": {"type": "string", "description": "the record's key"},
        "time": {"type": "string", "format": "date-time", "description": "without a leap second"},
        "dataschema": {
            "type": "string",
            "description": "the contract's version: the schema's address, `{name}/{v}` or `{v}`; absent: the newest active one",
        },
        "datacontenttype": {"type": "string", "description": "a JSON media type; absent: application/json"},
        "data": {"description": "as the contract's schema says; null deletes a record"},
    },
    "example": {
        "specversion": "1.0",
        "id": "2026-0001",
        "source": "/dpmptsp/perizinan",
        "type": "perizinan.izin",
        "data": {},
    },
}
OPENAPI: Final[dict[str, Any]] = {
    "tags": ["events"],
    "summary": "Publish events",
    "description": (
        "CloudEvents 1.0 in structured, binary (`ce-` headers) or batch mode. A 202 means: committed to disk. "
        "Numbers come back with the value that was sent; those that would not are refused with 422. "
        "The same event again is a duplicate, in whatever mode it comes."
    ),
    "operationId": "publish",
    "security": [{"oauth": ["events.publish"]}],
    "parameters": [
        {
            "name": "partial",
            "in": "query",
            "schema": {"type": "boolean"},
            "description": "of a batch, take what is valid and tell what is not",
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/cloudevents+json": {"schema": _EVENT},
            "application/cloudevents-batch+json": {"schema": {"type": "array", "items": _EVENT}},
            "application/json": {"schema": {"description": "the data; the attributes are in `ce-` headers"}},
        },
    },
    "responses": {
        "202": {
            "description": "Committed; under a deprecated version of the contract, it says so",
            "content": {"application/json": {"schema": {"oneOf": [_RECEIPT, _RECEIPTS]}}},
            "headers": {
                "Deprecation": {
                    "schema": {"type": "string"},
                    "description": "since when (RFC 9745), such as @1795000000",
                },
                "Sunset": {
                    "schema": {"type": "string"},
                    "description": "the day after which its owner means to retire it (RFC 8594)",
                },
                "Link": {"schema": {"type": "string"}, "description": "the successor (rel=successor-version)"},
            },
        },
        "400": {"description": "No CloudEvent", **_PROBLEM},
        "401": {"description": "No valid access token", **_PROBLEM},
        "403": {"description": "Scope missing, or not a producer of this contract", **_PROBLEM},
        "409": {"description": "Another event has this source and id", **_PROBLEM},
        "413": {"description": "Too large", **_PROBLEM},
        "415": {"description": "No content type of CloudEvents, or the data are not JSON", **_PROBLEM},
        "422": {"description": "The data do not fit the contract, or have a number that would change", **_PROBLEM},
        "503": {"description": "Too much is waiting; try again", **_PROBLEM},
        "507": {"description": "No room left", **_PROBLEM},
    },
}
