"""The contracts of the service tests: one of facts without order, one of records in order by key."""

from typing import Any

from tests.builders import a_public_document, an_event

FACT = "uji.kabar"
RECORD = "uji.keadaan"
PRODUCER = "dpmptsp"
CONSUMERS = ("bapenda", "dpupr", "dinkes")

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["nomor"],
    "additionalProperties": False,
    "properties": {
        "kunci": {"type": "string", "maxLength": 40},
        "nomor": {"type": "integer"},
        "isi": {"type": "string"},
    },
}


def documents() -> list[dict[str, Any]]:
    """The contract documents; every consumer gets everything."""
    record: dict[str, Any] = {"kind": "record", "key": "/kunci", "delivery": {"ordered_by": "/kunci"}}
    record["schema"] = _SCHEMA | {"required": ["kunci", "nomor"]}
    fact = {"kind": "event", "schema": _SCHEMA}
    return [
        a_public_document(FACT, PRODUCER, *CONSUMERS, **fact),
        a_public_document(RECORD, PRODUCER, *CONSUMERS, **record),
    ]


def an_agreed_event(id: str, type: str = FACT, **data: Any) -> dict[str, Any]:
    """A CloudEvent from the producer; `data` completes the payload."""
    return an_event(id=id, type=type, data={"nomor": 1, **data})
