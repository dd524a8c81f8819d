"""The contracts of the service tests: one of facts without order, one of records in order by key."""

from typing import Any

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
    record = {"kind": "record", "key": "/kunci", "delivery": {"ordered_by": "/kunci"}}
    record["schema"] = _SCHEMA | {"required": ["kunci", "nomor"]}
    return [_document(FACT, kind="event", schema=_SCHEMA), _document(RECORD, **record)]


def _document(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "contract": name,
        "version": "1.0.0",
        "title": "Data rekaan untuk pengujian",
        "owner": PRODUCER,
        "classification": "public",
        "producers": [PRODUCER],
        "consumers": [{"participant": name} for name in CONSUMERS],
        **changes,
    }


def an_event(id: str, type: str = FACT, **data: Any) -> dict[str, Any]:
    """A CloudEvent from the producer; `data` completes the payload."""
    return {"specversion": "1.0", "id": id, "source": "/uji", "type": type, "data": {"nomor": 1, **data}}
