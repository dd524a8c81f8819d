"""Documents, contracts, persons, events, entries and subscriptions with good defaults: a test names only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bus import json
from bus.contracts.document import Contract, parse_contract
from bus.delivery.subscription import NewSubscription, Subscription, SubscriptionState, Webhook
from bus.journal import Entry, Submission
from bus.refusals.refusal import Refusal

OWNER = "dukcapil-lamongan"
WARGA = "kependudukan.warga"
NIK = "3524010101909001"
FAR = "2099-12-31"
"""The end of grants that outlive every test."""

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["nik"],
    "additionalProperties": False,
    "properties": {
        "nik": {"type": "string", "pattern": "^[0-9]{16}$", "maxLength": 16},
        "nama": {"type": "string", "maxLength": 100},
        "tanggal_lahir": {"type": "string", "format": "date"},
        "kode_wilayah": {"type": "string", "maxLength": 13},
        "jumlah": {"type": "integer"},
        "alamat": {
            "type": "object",
            "properties": {"jalan": {"type": "string"}, "kode_wilayah": {"type": "string"}},
        },
        "keluarga": {
            "type": "array",
            "items": {"type": "object", "properties": {"nik": {"type": "string"}, "nama": {"type": "string"}}},
        },
    },
}
"""The closed schema of strict documents."""

_TEXT = {"type": "string"}
_OPEN_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "nik": _TEXT,
        "nama": _TEXT,
        "desa": _TEXT,
        "lahir": {"type": "object", "properties": {"tempat": _TEXT}},
    },
    "required": ["nik"],
}

Document = dict[str, Any]


def a_grant(participant: str = "bapenda", **changes: Any) -> Document:
    """All fields of everybody, for long; a change to None takes the member away."""
    grant = {"participant": participant, "purpose": "uji", "legal_basis": "PKS 1/2026", "until": FAR}
    return _without_none(grant | changes)


def a_document(*grants: Document, **changes: Any) -> Document:
    """A personal record contract of residents, by NIK, that takes nearly any data; a change to None takes the member away."""
    document: Document = {
        "contract": WARGA,
        "version": "1.0.0",
        "kind": "record",
        "title": "Warga rekaan",
        "owner": OWNER,
        "classification": "personal",
        "key": "/nik",
        "subject": "/nik",
        "schema": _OPEN_SCHEMA,
        "compatibility": "none",
        "producers": [OWNER],
        "consumers": list(grants),
    }
    return _without_none(document | changes)


def a_strict_document(**changes: Any) -> Document:
    """A contract with which lint finds no fault: a closed schema, limits, one grant and an example."""
    strict: Document = {
        "contract": "kependudukan.uji",
        "title": "Penduduk rekaan",
        "subject": None,
        "schema": SCHEMA,
        "compatibility": None,
        "consumers": [a_grant()],
        "examples": [{"nik": NIK, "nama": "Siti Rekaan"}],
    }
    return a_document(**(strict | changes))


def a_strict_contract(**changes: Any) -> Contract:
    """A strict document, parsed."""
    return parse_contract(a_strict_document(**changes))


def a_public_document(name: str, owner: str, *consumers: str, **changes: Any) -> Document:
    """A contract about nobody, whose consumers get everything; its kind and schema are the test's."""
    public: Document = {
        "contract": name,
        "title": "Data rekaan untuk pengujian",
        "owner": owner,
        "classification": "public",
        "key": None,
        "subject": None,
        "schema": None,
        "compatibility": None,
        "producers": [owner],
        "consumers": [{"participant": consumer} for consumer in consumers],
    }
    return a_document(**(public | changes))


def of_nobody(contract: Document) -> Document:
    """A contract whose records have numbers in the place of NIKs, and so are about nobody."""
    schema = contract["schema"]
    properties = {"nomor" if name == "nik" else name: one for name, one in schema["properties"].items()}
    changed = {
        "key": "/nomor",
        "classification": "public",
        "schema": schema | {"properties": properties, "required": ["nomor"]},
    }
    return {name: value for name, value in (contract | changed).items() if name != "subject"}


def a_person(number: int = 1, **changes: Any) -> Document:
    """A fictitious resident."""
    return {"nik": a_nik(number), "nama": f"Rekaan {number}", "desa": "sembung"} | changes


def a_nik(number: int) -> str:
    """A NIK of nobody."""
    return f"3524{number:012d}"


def an_event(number: int = 1, **changes: Any) -> Document:
    """A CloudEvent about a resident, as an app sends it; a change to `...` takes the attribute away."""
    event = {"specversion": "1.0", "id": f"e{number}", "source": "/uji", "type": WARGA, "data": a_person(number)}
    return {name: value for name, value in (event | changes).items() if value is not ...}


def a_submission(number: int = 1, **changes: Any) -> Submission:
    """An event that passed the gate; its number decides what is a duplicate of it."""
    submission = Submission(
        contract_id=1,
        version_id=1,
        participant=OWNER,
        identity=b"%d" % number,
        key=None,
        person=None,
        body=b'{"data":1}',
    )
    return submission._replace(**changes)


def an_entry(position: int = 1, event: Document | None = None, **changes: Any) -> Entry:
    """An event as the journal holds it; one about a resident, who is its key, by default."""
    event = an_event(position) if event is None else event
    key = (event.get("data") or {}).get("nik")
    entry = Entry(position, 1, 1, OWNER, key=key, person=key, recorded_at=0, body=json.dumps(event))
    return entry._replace(**changes)


def a_new_subscription(participant: str = "bapenda", **changes: Any) -> NewSubscription:
    """What a participant orders: all events of the residents from the beginning, to its webhook."""
    new = NewSubscription(participant, (WARGA,), Webhook("https://pajak.example/hook"), (), None, 0)
    return replace(new, **changes)


def a_subscription(participant: str = "bapenda", **changes: Any) -> Subscription:
    """A subscription that has caught up with the journal."""
    subscription = Subscription(
        number=1,
        id="sub_1",
        participant=participant,
        contracts=(WARGA,),
        sink=Webhook("https://pajak.example/hook"),
        filters=(),
        ordered_by=None,
        state=SubscriptionState.ACTIVE,
        from_position=0,
        replay_position=None,
        replay_until=None,
        secrets=(),
        created_at=datetime(2026, 11, 24, tzinfo=UTC),
        sink_set_by=None,
    )
    return replace(subscription, **changes)


def a_refusal(pointer: str = "/data/nik", **changes: Any) -> Refusal:
    """An event without a member that its contract requires."""
    refusal = Refusal(
        hour=3_600_000_000,
        contract=WARGA,
        version="1.0.0",
        owner=OWNER,
        participant="desa-sembung",
        client_id="client_1",
        rule="required",
        pointer=pointer,
    )
    return refusal._replace(**changes)


def _without_none(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}
