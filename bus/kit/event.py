"""An event (CloudEvents 1.0.2), as the bus and its adapters hold it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from bus import clock

Extension = str | int | bool

CORE_ATTRIBUTES = frozenset(
    {"specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "data", "data_base64"}
)
BUS_ATTRIBUTES = frozenset({"sequence", "recordedtime", "publisher"})
"""Extensions that the bus alone sets, on events that it hands out."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        id: identifies the event, together with `source` and the publishing participant.
        source: URI reference of the app that made the event.
        type: the contract's name.
        data: a JSON value; None under a record contract deletes the record.
        subject: the record's key, or what the event is about.
        time: when it happened, in RFC 3339.
        dataschema: names the contract's version; None means the newest active version.
        datacontenttype: the media type of `data`.
        extensions: further context attributes, such as `traceparent` and `partitionkey`.
        position: the event's place in the journal; None before the journal has it.
        recorded: when the journal took the event; None before.
        publisher: the participant that published the event; None if the contract has one producer.
    """

    id: str
    source: str
    type: str
    data: Any
    subject: str | None = None
    time: str | None = None
    dataschema: str | None = None
    datacontenttype: str | None = None
    extensions: Mapping[str, Extension] = field(default_factory=dict)
    position: int | None = None
    recorded: datetime | None = None
    publisher: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Event":
        """The event in a CloudEvents JSON document, which must be well formed."""
        return cls(
            id=document["id"],
            source=document["source"],
            type=document["type"],
            data=document.get("data"),
            subject=document.get("subject"),
            time=document.get("time"),
            dataschema=document.get("dataschema"),
            datacontenttype=document.get("datacontenttype"),
            extensions={k: v for k, v in document.items() if k not in CORE_ATTRIBUTES and k not in BUS_ATTRIBUTES},
            publisher=document.get("publisher"),
        )

    @property
    def reference(self) -> str:
        """Ten characters that name this event in what an agency gets, where the agency takes no id.

        Each delivery of the event has the same reference. Two events with the same data have different ones.
        """
        identity = "\0".join((self.publisher or "", self.source, self.id))
        return sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:10]

    def to_document(self) -> dict[str, Any]:
        """The event in CloudEvents' JSON format (structured mode), with the bus's extensions."""
        document: dict[str, Any] = {"specversion": "1.0", "id": self.id, "source": self.source, "type": self.type}
        for name in ("subject", "time", "dataschema", "datacontenttype"):
            value = getattr(self, name)
            if value is not None:
                document[name] = value
        document.update(self.extensions)
        if self.position is not None:
            document["sequence"] = format_sequence(self.position)
        if self.recorded is not None:
            document["recordedtime"] = clock.rfc3339(self.recorded)
        if self.publisher is not None:
            document["publisher"] = self.publisher
        document["data"] = self.data
        return document


def format_sequence(position: int) -> str:
    """A position as the extension `sequence`: 20 digits, so that text order is number order."""
    return f"{position:020d}"
