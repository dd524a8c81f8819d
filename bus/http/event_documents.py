"""CloudEvents and receipts as JSON, for the OpenAPI document. Nothing is read or written by these types."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import ConfigDict, Field

# Before Python 3.12, pydantic takes no other.
from typing_extensions import TypedDict

from bus.kit import BUS_ATTRIBUTES, format_sequence

_EXAMPLE: Final = {
    "specversion": "1.0",
    "id": "2026-0001",
    "source": "/dpmptsp/perizinan",
    "type": "perizinan.izin",
    "subject": "503/0001/2026",
    "time": "2026-11-24T05:35:24Z",
    "data": {"nomor_izin": "503/0001/2026"},
}
_KEPT: Final = {"sequence": format_sequence(1), "recordedtime": "2026-11-24T05:35:25.123456Z"}
_TEXT: Final = "^[^\\x00-\\x1f\\x7f-\\x9f\\ufdd0-\\ufdef\\ufffe\\uffff]*$"
_EXTENSIONS: Final[dict[str, Any]] = {
    "propertyNames": {"pattern": "^[a-z0-9]{1,64}$", "not": {"enum": sorted(BUS_ATTRIBUTES)}},
    "additionalProperties": {
        "description": "an extension attribute",
        "anyOf": [
            {"type": "string", "maxLength": 1024, "pattern": _TEXT},
            {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
            {"type": "boolean"},
        ],
    },
}
"""Extension attributes of CloudEvents, as the gate takes them."""

Text = Annotated[str, Field(min_length=1, max_length=1024, pattern=_TEXT)]
UriReference = Annotated[str, Field(min_length=1, max_length=1024, json_schema_extra={"format": "uri-reference"})]
Data = Annotated[Any, Field(description="as the contract's schema says; null deletes a record")]
ContractName = Annotated[str, Field(description="the contract's name")]
EventId = Annotated[str, Field(description="with `source`, names the event")]


class NewEvent(TypedDict):
    """A CloudEvent to publish. Extension attributes may stand beside these."""

    __pydantic_config__ = ConfigDict(json_schema_extra={"examples": [_EXAMPLE], **_EXTENSIONS})  # type: ignore[misc]

    specversion: Literal["1.0"]
    id: Annotated[Text, Field(description="with `source`, names the event")]
    source: Annotated[UriReference, Field(description="which application says it")]
    type: Annotated[Text, Field(description="the contract's name")]
    subject: NotRequired[Annotated[Text, Field(description="the record's key")]]
    time: NotRequired[Annotated[datetime, Field(description="when it happened; without a leap second")]]
    dataschema: NotRequired[
        Annotated[
            Text,
            Field(
                description="the contract's version: the schema's address, `{name}/{v}` or `{v}`; "
                "absent: the newest active one"
            ),
        ]
    ]
    datacontenttype: NotRequired[
        Annotated[str, Field(pattern="^[a-z]+/([a-z.+-]+\\+)?json$", description="JSON; absent: application/json")]
    ]
    data: NotRequired[Data]


class CloudEvent(TypedDict):
    """A CloudEvent as your grant shows it. Extension attributes may stand beside these."""

    __pydantic_config__ = ConfigDict(  # type: ignore[misc]
        extra="allow", json_schema_extra={"examples": [_EXAMPLE | _KEPT]}
    )

    specversion: Literal["1.0"]
    id: EventId
    source: Annotated[str, Field(description="who says it; the contract, where your grant does not show everything")]
    type: ContractName
    sequence: Annotated[
        str,
        Field(
            pattern="^[0-9]{20}$",
            description="position, and above its 12 digits the epoch; it grows within every feed",
        ),
    ]
    recordedtime: Annotated[datetime, Field(description="when the bus stored it")]
    subject: NotRequired[Annotated[str, Field(description="the record's key, if your grant shows it")]]
    time: NotRequired[Annotated[datetime, Field(description="when it happened")]]
    dataschema: NotRequired[Annotated[str, Field(description="the address of the data's schema")]]
    datacontenttype: NotRequired[Annotated[str, Field(description="absent: application/json")]]
    partitionkey: NotRequired[Annotated[str, Field(description="what its publisher orders by")]]
    publisher: NotRequired[
        Annotated[str, Field(description="the participant that published it, if the contract has several producers")]
    ]
    traceparent: NotRequired[Annotated[str, Field(description="the publisher's trace (W3C Trace Context)")]]
    data: NotRequired[Data]


class WrongAttribute(TypedDict):
    """One thing that is wrong with an event, and where."""

    pointer: Annotated[str, Field(description="JSON Pointer (RFC 6901) into the event")]
    detail: str


class Receipt(TypedDict):
    """An event is stored."""

    position: Annotated[int, Field(ge=1, description="its place in the journal")]
    duplicate: Annotated[bool, Field(description="it was stored before, at this position")]


class RejectedEvent(TypedDict):
    """An event of a batch that was not stored, and why."""

    index: Annotated[int, Field(ge=0, description="its place in the batch, from 0")]
    errors: list[WrongAttribute]


class BatchReceipt(TypedDict):
    """What became of a batch."""

    accepted: Annotated[int, Field(ge=0, description="events that were stored now")]
    duplicates: Annotated[int, Field(ge=0, description="events that were stored before")]
    last_position: Annotated[int, Field(ge=0, description="the highest position among them; 0 if there is none")]
    rejected: Annotated[
        list[RejectedEvent], Field(description="only with `partial=true`; else one wrong event refuses the batch")
    ]


PUBLISHING: Final = (NewEvent, Receipt, BatchReceipt)
"""What publishing takes and gives."""
