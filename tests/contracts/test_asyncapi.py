"""What an AsyncAPI document says; that it is valid AsyncAPI is tested with the official parser in tests/asyncapi."""

from typing import Any

import jsonschema
import pytest

from bus.contracts.asyncapi import describe_as_asyncapi
from bus.contracts.schemas import subschemas
from tests.builders import a_grant, a_strict_contract
from tests.contracts.documents import SHIPPED, shipped

URL = "https://bus.lamongan.example"


def _document(**changes: Any) -> dict[str, Any]:
    return describe_as_asyncapi(a_strict_contract(**changes), URL)


def _is_valid(document: dict[str, Any], schema: str, value: Any) -> bool:
    """Whether a value is valid under one of the document's schemas, read as draft-07, as AsyncAPI's tools read it."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    return bool(jsonschema.Draft7Validator(whole).is_valid(value))


def _an_event(**changes: Any) -> dict[str, Any]:
    event = {"specversion": "1.0", "id": "1", "source": "/uji", "type": "kependudukan.uji", "data": {"nik": "1" * 16}}
    return {**event, **changes}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_example_is_valid_under_the_schema_of_its_message(path: Any) -> None:
    document = describe_as_asyncapi(shipped(path), URL)
    for message in document["components"]["messages"].values():
        schema = message["payload"]["$ref"].rpartition("/")[2]
        assert all(_is_valid(document, schema, example["payload"]) for example in message.get("examples", []))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_example_is_told(path: Any) -> None:
    contract = shipped(path)
    message = describe_as_asyncapi(contract, URL)["components"]["messages"][
        "question" if contract.answer else "published"
    ]
    told = [one["payload"] if contract.answer else one["payload"]["data"] for one in message["examples"]]
    given = [one["request"] if contract.answer else one for one in contract.examples]
    assert told == [*given, None] if contract.key else told == given


def test_a_wrong_example_of_a_draft_is_left_out() -> None:
    examples = _document(examples=[{"nik": 5}, {"nik": "1" * 16}])["components"]["messages"]["published"]["examples"]
    assert [one["payload"]["data"] for one in examples] == [{"nik": "1" * 16}, None]


@pytest.mark.parametrize(
    ("event", "valid"),
    [
        (_an_event(), True),
        (_an_event(time="2026-03-02T02:15:00Z", loket=3), True),
        (_an_event(data=None, subject="1" * 16), True),
        (_an_event(data={"nik": 1}), False),
        (_an_event(type="kependudukan.lain"), False),
        (_an_event(specversion="0.3"), False),
        (_an_event(loket={"a": 1}), False),
    ],
)
def test_the_envelope_is_a_cloud_event_of_this_contract(event: Any, valid: bool) -> None:
    assert _is_valid(_document(), "published", event) is valid


def test_only_a_record_can_be_deleted() -> None:
    document = _document(kind="event", key=None, subject="/nik")
    assert not _is_valid(document, "published", _an_event(data=None))
    assert "readRecords" not in document["operations"]


RECEIVED = {"sequence": f"{1:020d}", "recordedtime": "2026-03-02T02:15:00.123456Z"}


@pytest.mark.parametrize(
    ("grant", "data", "valid"),
    [
        (a_grant(), {"nik": "1" * 16}, True),
        (a_grant(), {"nama": "Siti Rekaan"}, False),
        (a_grant(fields=["/nama"]), {"nama": "Siti Rekaan"}, True),
        (a_grant(mask={"/nik": "redact"}), {"nik": "***"}, True),
    ],
)
def test_what_is_received_may_lack_what_a_grant_leaves_out_or_masks(grant: Any, data: Any, valid: bool) -> None:
    event = _an_event(data=data) | RECEIVED
    assert _is_valid(_document(consumers=[grant]), "received", event) is valid


@pytest.mark.parametrize(("publisher", "valid"), [("dinas-uji", True), ("dinas-lain", True), ("bukan-produsen", False)])
def test_the_publisher_is_one_of_several_producers(publisher: str, valid: bool) -> None:
    event = _an_event() | RECEIVED | {"publisher": publisher}
    assert _is_valid(_document(producers=["dinas-uji", "dinas-lain"]), "received", event) is valid


def test_each_operation_needs_the_scope_that_the_bus_asks_for() -> None:
    document = _document()
    schemes = document["components"]["securitySchemes"]
    scopes = {
        name: schemes[operation["security"][0]["$ref"].rpartition("/")[2]].get("scopes")
        for name, operation in document["operations"].items()
    }
    assert scopes == {
        "publish": ["events.publish"],
        "readFeed": ["events.read"],
        "streamFeed": ["events.read"],
        "readRecords": ["events.read"],
        "receiveWebhook": None,
    }


def test_a_question_is_answered_on_the_same_request() -> None:
    document = describe_as_asyncapi(shipped(next(path for path in SHIPPED if path.stem == "cari-nik")), URL)
    ask = document["operations"]["ask"]
    assert document["channels"]["questions"]["address"] == "/v1/queries/kependudukan.cari-nik"
    assert ask["reply"]["channel"] == {"$ref": "#/channels/answers"}
    assert document["channels"]["answers"]["address"] is None


def test_the_servers_address_may_have_port_and_path() -> None:
    server = describe_as_asyncapi(a_strict_contract(), "http://127.0.0.1:8080/bus")["servers"]["bus"]
    assert (server["protocol"], server["host"], server["pathname"]) == ("http", "127.0.0.1:8080", "/bus")


def test_each_object_in_the_data_has_a_title() -> None:
    for path in SHIPPED:
        schemas = describe_as_asyncapi(shipped(path), URL)["components"]["schemas"]
        data = schemas.get("data", schemas.get("wholeAnswer"))
        certain = [one for at, one in subschemas(data) if not {"if", "then", "else", "not"} & set(at)]
        untitled = [one for one in certain if "properties" in one and "title" not in one]
        assert untitled == []
    penduduk = next(shipped(path) for path in SHIPPED if path.stem == "penduduk")
    assert (
        describe_as_asyncapi(penduduk, URL)["components"]["schemas"]["data"]["$defs"]["lamongan"]["title"] == "Alamat"
    )


def test_members_that_parsers_take_for_something_else_are_described_by_patterns() -> None:
    names = {"$ref": "^[$]ref$", "__proto__": "^__proto__$"}
    properties = {name: {"type": "object", "properties": {name: {"type": "integer"}}} for name in names}
    contract = a_strict_contract(
        schema={
            "type": "object",
            "properties": {"nik": {"type": "string"}, **properties},
            "additionalProperties": False,
        },
        examples=[{"nik": "1", "$ref": {}}, {"nik": "2"}],
    )
    document = describe_as_asyncapi(contract, URL)
    data = document["components"]["schemas"]["data"]
    assert data["properties"].keys() == {"nik"}
    for name, pattern in names.items():
        assert data["patternProperties"][pattern]["patternProperties"] == {pattern: {"type": "integer"}}
        assert jsonschema.Draft7Validator(data).is_valid({name: {name: 1}})
        assert not jsonschema.Draft7Validator(data).is_valid({name: {name: "x"}})
    examples = document["components"]["messages"]["published"]["examples"]
    assert [example["payload"]["data"] for example in examples] == [{"nik": "2"}, None]
