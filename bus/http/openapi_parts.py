"""What operations of the OpenAPI document share: refusals by status, header fields, tags and security schemes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"

_LARGEST: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps (RFC 8259, section 6)."""

Part = dict[str, Any]
"""A part of an OpenAPI document."""


def refer(kind: str, name: str) -> Part:
    """A reference to a component; `kind` is such as `schemas`."""
    return {"$ref": f"#/components/{kind}/{name}"}


def _text_header(description: str, example: str, **schema: Any) -> Part:
    return {"description": description, "schema": {"type": "string", **schema}, "example": example}


HEADERS: Final[Mapping[str, Part]] = {
    "RateLimit": _text_header(
        "how much of your limit is left (`r`), and the seconds until it is whole again (`t`)", '"read";r=1999;t=1'
    ),
    "RateLimit-Policy": _text_header("your limit: so much (`q`) in so many seconds (`w`)", '"read";q=2000;w=10'),
    "Retry-After": {
        "description": "seconds after which to try again (RFC 9110, section 10.2.3)",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1,
    },
    "WWW-Authenticate": _text_header(
        "which access token is asked for (RFC 6750, section 3), and where to learn how to get it (RFC 9728)",
        'Bearer realm="bus", error="invalid_token"',
    ),
    "ETag": _text_header(
        "names the state of what is shown; give it as `If-None-Match` or `If-Match` (RFC 9110, section 8.8.3)",
        '"3f9a0c"',
        pattern='^(W/)?"[^"]*"$',
    ),
    "Bus-Next": _text_header("give it as `after`, now or later, for what changed since", "K6DmcgByZWNvcmRzADQy"),
    "Bus-Count": {
        "description": "the number of records in the stream, where the bus knows it before it reads them",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1_200_000,
    },
    "Content-Disposition": _text_header(
        "a name for the file (RFC 6266)", 'attachment; filename="kependudukan.penduduk.ndjson"'
    ),
    "Location": _text_header("where the new resource is", "/v1/subscriptions/sub_k3v5m2qa7xw4c6dnb5ty"),
    "Deprecation": _text_header(
        "since when the contract version is deprecated (RFC 9745)", "@1795000000", pattern="^@-?[0-9]+$"
    ),
    "Sunset": _text_header(
        "the day after which the version's owner means to retire it (RFC 8594)", "Fri, 31 Dec 2027 17:00:00 GMT"
    ),
    "Link": _text_header(
        'the version that succeeds it, with `rel="successor-version"` (RFC 8288)',
        '<https://bus.lamongan.example/v1/contracts/perizinan.izin/versions/2.0.0>; rel="successor-version"',
    ),
}
"""Header fields of answers, by name."""

LIMITS: Final = ("RateLimit", "RateLimit-Policy")
"""Header fields of every answer to a caller that the bus knows."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    name: str
    description: str
    headers: tuple[str, ...] = ()

    def describe(self) -> Part:
        """The response of the OpenAPI document."""
        return {
            "description": self.description,
            "headers": refer_headers(*self.headers),
            "content": {PROBLEM: {"schema": refer("schemas", "Problem")}},
        }


def refer_headers(*names: str) -> Part:
    """References to header fields, for the `headers` of a response."""
    return {name: refer("headers", name) for name in names}


REFUSALS: Final[Mapping[int, _Refusal]] = {
    400: _Refusal("BadRequest", "The request is malformed; `errors` point at what is wrong", LIMITS),
    401: _Refusal("Unauthorized", "There is no valid access token", ("WWW-Authenticate",)),
    403: _Refusal("Forbidden", "The token lacks the scope, or you may not do this", LIMITS),
    404: _Refusal("NotFound", "There is nothing here that you may see", LIMITS),
    406: _Refusal("NotAcceptable", "None of the media types that `Accept` names is given here", LIMITS),
    409: _Refusal("Conflict", "The request conflicts with the current state", LIMITS),
    410: _Refusal("Gone", "What this cursor needs is gone; `next` goes on, or begin without a cursor", LIMITS),
    412: _Refusal("PreconditionFailed", "It is no longer what `If-Match` names", LIMITS),
    413: _Refusal("ContentTooLarge", "The body is too large", LIMITS),
    415: _Refusal("UnsupportedMediaType", "The body's media type or coding is not taken here", LIMITS),
    422: _Refusal("UnprocessableContent", "What the request says cannot be done; `errors` point at why", LIMITS),
    428: _Refusal("PreconditionRequired", "`If-Match` is missing", LIMITS),
    429: _Refusal("TooManyRequests", "You have used up a limit", ("Retry-After", *LIMITS)),
    431: _Refusal(
        "RequestHeaderFieldsTooLarge", "The head of the request is larger than 16 kB, or has more than 100 fields"
    ),
    500: _Refusal("InternalServerError", "The bus failed in a way that it did not foresee"),
    502: _Refusal("BadGateway", "The agency's answer is not what the contract says", LIMITS),
    503: _Refusal("ServiceUnavailable", "The bus cannot do this at the moment", ("Retry-After",)),
    507: _Refusal("InsufficientStorage", "The disk is full; nothing was stored"),
}
"""What an operation may refuse with, by status."""

PROBLEM_SCHEMA: Final[Part] = {
    "title": "Problem",
    "description": "Why a request was refused, and what to do (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "`urn:bus:problem:…` for what a caller can do something about; else `about:blank`",
        },
        "title": {"type": "string", "description": "the kind of refusal, in one sentence"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "the HTTP status"},
        "detail": {"type": "string", "description": "why, and what to do"},
        "errors": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/WrongField"},
            "description": "what is wrong where",
        },
    },
    "examples": [
        {
            "type": "urn:bus:problem:data-invalid",
            "title": "The data do not fit the contract's schema.",
            "status": 422,
            "detail": "The data do not fit perizinan.izin 1.0.0.",
            "errors": [{"pointer": "/data/nomor_izin", "detail": "is required"}],
        }
    ],
}
WRONG_FIELD_SCHEMA: Final[Part] = {
    "title": "WrongField",
    "description": "One thing that is wrong, and where.",
    "type": "object",
    "required": ["pointer", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": "JSON Pointer (RFC 6901) into what was sent"},
        "detail": {"type": "string", "description": "what is wrong there"},
    },
}

_NAMES_AND_TEXTS: Final[Part] = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"minLength": 1},
    "additionalProperties": {
        "anyOf": [
            {"type": "string", "minLength": 1},
            {"type": "integer", "minimum": -_LARGEST, "maximum": _LARGEST},
            {"type": "boolean"},
        ]
    },
}
# No reference to itself: generators of requests spend minutes on a recursive schema.
_FILTER: Final[Part] = {"type": "object", "minProperties": 1, "maxProperties": 1, "description": "a filter again"}
_FILTERS: Final[Part] = {"type": "array", "minItems": 1, "items": _FILTER}
FILTER_SCHEMA: Final[Part] = {
    "title": "Filter",
    "description": "A filter of CloudEvents Subscriptions over context attributes as you see them. It has one member.",
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        "exact": {**_NAMES_AND_TEXTS, "description": "each attribute equals its text"},
        "prefix": {**_NAMES_AND_TEXTS, "description": "each attribute begins with its text"},
        "suffix": {**_NAMES_AND_TEXTS, "description": "each attribute ends with its text"},
        "all": {**_FILTERS, "description": "every filter holds"},
        "any": {**_FILTERS, "description": "at least one filter holds"},
        "not": _FILTER,
    },
    "examples": [{"prefix": {"source": "urn:app:simpenduk"}}],
}

TAGS: Final[Mapping[str, str]] = {
    "Events": "Publish events; look up one event, and what became of it.",
    "Feeds": "Read a contract's events in order, in pages, by long-poll or as a stream.",
    "Records": "Read the newest event of each key.",
    "Queries": "Ask an agency, and get the answer at once.",
    "Subscriptions": "Have events delivered to a webhook or to an agency, or pull them.",
    "Pulls": "Pull the events of a subscription, hold them under a lease, and acknowledge or return them.",
    "Deliveries": "See what became of each delivery, and try again.",
    "Agencies": "See how agencies are polled, and release deletions that a poll holds back, as the operator.",
    "Contracts": "Read the catalogue; register, check, approve and retire contract versions.",
    "Adapters": "Register, check, approve, swap and roll back documents that describe an agency's API.",
    "Staff": "Say who uses the console, with which role, as the operator.",
    "Domains": "Say who proposes and activates contracts in which domain, as the operator.",
    "Participants": "Manage participants, their clients and their limits, as the operator.",
    "Disclosures": "See who received whose personal data.",
    "Actions": "See who changed what.",
    "OAuth": "Get, revoke and look at access tokens.",
    "Operation": "See how this process is.",
}
"""Groups of operations, with what they are for."""

CLIENT_PROOF: Final = "client"
"""The security scheme of the endpoints where a client proves itself."""
CLIENT_SCHEME: Final[Part] = {
    "type": "http",
    "scheme": "basic",
    "description": "`client_secret_basic` (RFC 6749, section 2.3.1). The proof may stand in the form instead.",
}
