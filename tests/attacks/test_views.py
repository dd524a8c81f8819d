"""Attacks on what a grant hides: by order, by old versions, by copies, and by what `/access` does not tell."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import json
from bus.contracts.access import describe_access
from bus.contracts.catalogue import Catalogue
from bus.contracts.declared import find_declared
from bus.contracts.document import Mask, parse_contract
from bus.contracts.lint import find_errors
from bus.contracts.schemas import has_property
from bus.contracts.validation import Validator
from bus.contracts.view import View
from bus.delivery.routing import Router
from bus.storage import Storage
from tests.a_bus import Bus
from tests.an_actor import OPERATOR
from tests.an_agency import AnAdapter, join
from tests.builders import (
    OWNER,
    WARGA,
    Document,
    a_document,
    a_grant,
    a_nik,
    a_person,
    a_subscription,
    an_entry,
    an_event,
)

TODAY = date(2026, 11, 24)
SUBSCRIPTIONS = "/v1/subscriptions"
HOOK = {"url": "http://127.0.0.1:1027/hook"}
sqlite_alone = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# Order.


def a_catalogue(storage: Storage, contract: Document) -> Catalogue:
    made = Catalogue(storage, b"k" * 32)
    made.registrar.apply([parse_contract(contract)], OPERATOR)
    return made


def order_of(catalogue: Catalogue, participant: str, data: Document, sender: str, by: str | None = None) -> int | None:
    version = catalogue.newest(WARGA)
    key = data["nik"] if version.is_record else None
    of = {"contract_id": version.contract_id, "version_id": version.id, "participant": sender, "key": key}
    entry = an_entry(1, an_event(data=data), **of)
    (made,) = Router(catalogue, [a_subscription(participant, ordered_by=by)]).make_deliveries(
        entry, TODAY, lambda _: None
    )
    return made.key


EVENTS = {"kind": "event", "key": None, "producers": [OWNER, "dinkes"], "delivery": {"ordered_by": "/nik"}}
HIDDEN = {"left out": {"fields": ["/desa"]}, "masked": {"mask": {"/nik": "last4"}}}


@sqlite_alone
@pytest.mark.parametrize("ordered_by", [None, "/nik"])
@pytest.mark.parametrize("grant", HIDDEN.values(), ids=HIDDEN)
def test_no_order_by_a_hidden_field_tells_which_events_share_its_value(
    storage: Storage, grant: Document, ordered_by: str | None
) -> None:
    catalogue = a_catalogue(storage, a_document(a_grant("dinkes", **grant), a_grant("bapenda"), **EVENTS))
    assert order_of(catalogue, "dinkes", a_person(1), OWNER, ordered_by) is None
    assert order_of(catalogue, "bapenda", a_person(1), OWNER, ordered_by) is not None


@sqlite_alone
def test_a_guess_that_a_consumer_publishes_itself_waits_behind_no_event_of_another(storage: Storage) -> None:
    catalogue = a_catalogue(storage, a_document(a_grant("dinkes", mask={"/nik": "pseudonym"}), **EVENTS))
    guess, hidden = (order_of(catalogue, "dinkes", a_person(1), sender) for sender in ("dinkes", OWNER))
    assert None not in (guess, hidden)
    assert guess != hidden
    assert hidden == order_of(catalogue, "dinkes", a_person(1, desa="lain"), OWNER)


@sqlite_alone
@pytest.mark.parametrize("ordered_by", ["/nik", "/nama", "/lahir", "/lahir/tempat"])
async def test_an_order_by_what_the_grant_hides_or_masks_is_refused(bus: Bus, ordered_by: str) -> None:
    grant = a_grant(
        "bapenda", fields=["/nik", "/desa", "/lahir"], mask={"/nik": "pseudonym", "/lahir/tempat": "redact"}
    )
    bus.apply(a_document(grant))
    order = {"contracts": [WARGA], "sink": HOOK, "ordered_by": ordered_by}
    answer = await bus.reader("bapenda", "subscriptions.manage").post(SUBSCRIPTIONS, json=order)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/ordered_by")
    assert "your grant" in answer.json()["errors"][0]["detail"]


@sqlite_alone
async def test_every_version_in_force_has_to_show_what_is_ordered_by(bus: Bus) -> None:
    join(bus, AnAdapter())
    bus.apply(a_document(a_grant("bapenda")))
    bus.apply(a_document(a_grant("bapenda", fields=["/nik"]), version="1.1.0"))
    http = bus.reader("bapenda", "subscriptions.manage")
    order = {"contracts": [WARGA], "sink": HOOK}
    assert (await http.post(SUBSCRIPTIONS, json=order | {"ordered_by": "/desa"})).status_code == 422
    made = await http.post(SUBSCRIPTIONS, json=order | {"ordered_by": "/nik"})
    assert made.status_code == 201, made.text


@sqlite_alone
def test_a_standing_order_ends_where_a_new_version_hides_its_field(storage: Storage) -> None:
    catalogue = a_catalogue(storage, a_document(a_grant("bapenda")))
    assert order_of(catalogue, "bapenda", a_person(1), OWNER, "/desa") is not None
    hides = a_document(a_grant("bapenda", fields=["/nik"]), version="1.1.0")
    catalogue.registrar.apply([parse_contract(hides)], OPERATOR)
    assert order_of(catalogue, "bapenda", a_person(1), OWNER, "/desa") is None


# Look-up.


@sqlite_alone
@pytest.mark.parametrize("grant", [{"fields": ["/desa"]}, {"mask": {"/nik": "pseudonym"}}])
async def test_a_key_that_is_not_shown_cannot_be_tried(bus: Bus, grant: Document) -> None:
    bus.apply(a_document(a_grant("bapenda", **grant)))
    await bus.publish(a_person(1))
    http = bus.reader("bapenda")
    there, not_there = [await http.get(f"/v1/records/{WARGA}/{a_nik(number)}") for number in (1, 2)]
    assert (there.status_code, there.json()) == (403, not_there.json())


# Keys.


@pytest.mark.parametrize("mask", ["last4", "year", "redact"])
@pytest.mark.parametrize("key", ["/nik", "/orang/nik"])
def test_a_mask_that_does_not_keep_keys_apart_is_an_error(mask: str, key: str) -> None:
    assert masked_keys(key, {key: mask}) == [key]
    assert masked_keys(key, {key: "pseudonym"}) == []
    assert masked_keys(key, {key: mask}, fields=["/desa"]) == []


def test_a_mask_above_or_below_the_key_is_an_error_whatever_it_is() -> None:
    assert masked_keys("/orang/nik", {"/orang": "pseudonym"}) == ["/orang"]
    assert masked_keys("/orang/nik", {"/*/nik": "redact"}) == ["/*/nik"]
    assert masked_keys("/orang/nik", {"/orang/nama": "redact", "/desa": "last4"}) == []


def masked_keys(key: str, mask: Document, **grant: Any) -> list[str]:
    text = {"type": "string"}
    person = {"type": "object", "required": ["nik"], "properties": {"nik": text, "nama": text}}
    properties = {"nik": text, "orang": person, "desa": text}
    schema = {"type": "object", "properties": properties, "required": ["nik", "orang"], "additionalProperties": person}
    contract = parse_contract(a_document(a_grant("bapenda", mask=mask, **grant), key=key, subject=key, schema=schema))
    found = [one.pointer for one in find_errors(contract) if one.code == "masked-key"]
    assert all(pointer.startswith("/consumers/0/mask/") for pointer in found)
    return [json.parse_pointer(pointer)[-1] for pointer in found]


@sqlite_alone
async def test_who_sees_keys_as_pseudonyms_keeps_a_copy_all_the_same(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda", mask={"/nik": "pseudonym"}), a_grant("dinkes")))
    await bus.publish_all([a_person(number) for number in range(1, 20)])
    await bus.publish_all([a_person(number, desa="paciran") for number in range(5, 9)])
    await bus.publish(None, subject=a_nik(3))
    await bus.publish(a_person(4, nama="Lain"))
    from_feed = await a_copy(bus.reader("bapenda"), "feeds", "events")
    from_records = await a_copy(bus.reader("bapenda"), "records", "records")
    whole = await a_copy(bus.reader("dinkes"), "records", "records")
    assert from_feed == from_records
    assert all(data["nik"] == subject for subject, data in from_feed.items())
    assert sorted(without_nik(data) for data in from_feed.values()) == sorted(
        without_nik(data) for data in whole.values()
    )


async def a_copy(http: httpx.AsyncClient, listing: str, member: str) -> dict[str, Document]:
    """What a consumer holds who keeps the newest data of each subject."""
    copy: dict[str, Document] = {}
    page: Document = {"next": ""}
    while True:
        page = (await http.get(f"/v1/{listing}/{WARGA}?limit=7&after={page['next']}")).json()
        if not page[member]:
            return copy
        for event in page[member]:
            if event["data"] is None:
                copy.pop(event["subject"], None)
            else:
                copy[event["subject"]] = event["data"]


def without_nik(data: Document) -> str:
    return json.dump_canonical({name: value for name, value in data.items() if name != "nik"}).decode()


# Old versions.

TEXT = {"type": "string"}


def a_schema(**properties: Any) -> Document:
    return {"type": "object", "properties": {"nik": TEXT, **properties}, "required": ["nik"]}


@pytest.mark.parametrize("listing", ["feeds", "records"])
async def test_a_field_that_the_active_version_no_longer_has_is_gone_from_old_data_too(bus: Bus, listing: str) -> None:
    old = a_schema(desa=TEXT, agama=TEXT, lahir={"type": "object", "properties": {"tempat": TEXT, "ibu": TEXT}})
    new = a_schema(desa=TEXT, lahir={"type": "object", "properties": {"tempat": TEXT}})
    bus.apply(a_document(a_grant("bapenda"), schema=old))
    data = {"nik": a_nik(1), "desa": "sembung", "agama": "islam", "lahir": {"tempat": "Lamongan", "ibu": "Wati"}}
    position = await bus.publish(data, id="islam", agama="islam", source="/islam")
    bus.apply(a_document(a_grant("bapenda"), schema=new, version="2.0.0"))
    http = bus.reader("bapenda")
    assert "Wati" in (await http.get(f"/v1/{listing}/{WARGA}")).text
    await bus.reader("operator", "contracts.approve", "admin").post(f"/v1/contracts/{WARGA}/versions/1.0.0/retire")
    for path in (f"/v1/{listing}/{WARGA}", f"/v1/events/{position}", f"/v1/records/{WARGA}/{a_nik(1)}"):
        text = (await http.get(path)).text
        assert a_nik(1) in text
        assert "Lamongan" in text
        assert "islam" not in text
        assert "Wati" not in text


@sqlite_alone
async def test_a_field_that_the_active_version_hides_is_hidden_in_old_data_too(bus: Bus) -> None:
    bus.apply(a_document(a_grant("bapenda")))
    position = await bus.publish(a_person(1), id=a_nik(1))
    bus.apply(a_document(a_grant("bapenda", fields=["/desa"]), version="2.0.0"))
    bus.rooms.catalogue.registrar.retire(WARGA, "1.0.0", OPERATOR)
    answer = await bus.reader("bapenda").get(f"/v1/events/{position}")
    assert answer.json()["event"]["data"] == {"desa": "sembung"}
    assert a_nik(1) not in answer.text


@sqlite_alone
async def test_the_key_of_an_old_version_is_hidden_where_the_active_one_hides_that_field(bus: Bus) -> None:
    both = {"type": "object", "properties": {"nik": TEXT, "nomor": TEXT}, "required": ["nik", "nomor"]}
    bus.apply(a_document(a_grant("bapenda"), schema=both))
    position = await bus.publish({"nik": a_nik(1), "nomor": "7"}, partitionkey=a_nik(1))
    grant = a_grant("bapenda", fields=["/nomor"])
    bus.apply(a_document(grant, schema=both, key="/nomor", subject="/nik", version="2.0.0"))
    bus.rooms.catalogue.registrar.retire(WARGA, "1.0.0", OPERATOR)
    http = bus.reader("bapenda")
    assert a_nik(1) not in (await http.get(f"/v1/events/{position}")).text
    assert (await http.get(f"/v1/records/{WARGA}/{a_nik(1)}")).status_code == 404


FORMS = {
    "a text where a text and more was": ({"type": "object", "properties": {"ibu": TEXT}}, TEXT, {"ibu": "rahasia"}),
    "an object where a text was": (TEXT, {"type": "object", "properties": {"ibu": TEXT}}, "rahasia"),
    "an array where an object was": ({"type": "object"}, {"type": "array", "items": TEXT}, {"ibu": "rahasia"}),
    "an object where an array was": ({"type": "array"}, {"type": "object", "properties": {"0": TEXT}}, ["rahasia"]),
    "fewer places in an array": (
        {"type": "array"},
        {"type": "array", "prefixItems": [TEXT], "items": False},
        ["x", "rahasia"],
    ),
    "values where anything was": ({}, {"enum": ["a", "b"]}, {"ibu": "rahasia"}),
}


@pytest.mark.parametrize(("before", "now", "value"), FORMS.values(), ids=FORMS)
def test_data_of_another_form_than_the_active_version_declares_are_not_shown(before: Any, now: Any, value: Any) -> None:
    assert Validator(before).is_valid(value)
    old = parse_contract(a_document(a_grant("bapenda"), schema=a_schema(apa=before)))
    new = parse_contract(a_document(a_grant("bapenda"), schema=a_schema(apa=now), version="2.0.0"))
    view = View(new, new.grants[0], b"k" * 32, None, old)
    shown = view.reduce({"type": WARGA, "sequence": "1", "data": {"nik": a_nik(1), "apa": value}})
    assert "rahasia" not in json.dumps(shown).decode()


def test_a_schema_that_refers_to_itself_declares_as_deep_as_data_go() -> None:
    schema = {
        "$ref": "#/$defs/simpul",
        "$defs": {"simpul": {"type": "object", "properties": {"nama": TEXT, "anak": {"$ref": "#/$defs/simpul"}}}},
    }
    deep: Any = {"nama": "x", "sandi": "rahasia"}
    for _ in range(200):
        deep = {"nama": "x", "sandi": "rahasia", "anak": deep}
    shown = json.dumps(find_declared(schema).cut(deep)).decode()
    assert shown.count("nama") == 201
    assert "rahasia" not in shown


# What /access says.

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}, {}])


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def made(properties: Any, closed: Any, parts: Any) -> Any:
        schema: Document = {"type": "object", "properties": properties}
        if closed is not None:
            schema["additionalProperties"] = closed
        return {"allOf": [{"type": "object", "properties": parts}, schema]} if parts and closed is None else schema

    return st.builds(
        made,
        st.dictionaries(NAMES, inner, min_size=1),
        st.sampled_from([None, False, True]),
        st.dictionaries(NAMES, inner),
    )


SCHEMAS = _objects(
    st.recursive(
        SCALARS,
        lambda inner: _objects(inner) | st.builds(lambda items: {"type": "array", "items": items}, inner),
        max_leaves=6,
    )
)
VALUES = st.recursive(
    st.sampled_from(["teks", 7, None]),
    lambda inner: (
        st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), inner, max_size=4) | st.lists(inner, max_size=2)
    ),
    max_leaves=12,
)


@st.composite
def grants(draw: st.DrawFn) -> tuple[Any, Document]:
    """A schema, and a grant whose pointers it declares, as lint asks."""
    schema = draw(SCHEMAS)
    paths = {path[:end] for path in find_declared(schema).leaves() for end in range(1, len(path) + 1)}
    paths |= {(*path, "a") for path in paths}
    pointers = [pointer for path in sorted(paths) if has_property(schema, pointer := json.to_pointer(path))]
    fields = draw(st.none() | st.lists(st.sampled_from(pointers), min_size=1, max_size=4, unique=True))
    masks = st.dictionaries(st.sampled_from(pointers), st.sampled_from(["redact", "pseudonym"]), max_size=2)
    return schema, {"mask": draw(masks)} | ({} if fields is None else {"fields": fields})


DATA = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), VALUES, min_size=1)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _leaves(inner, (*path, "*"))
    else:
        yield json.to_pointer(path), value


def _entry_for(leaf: str, entries: Mapping[str, Mask | None]) -> tuple[str, Mask | None] | None:
    above = [pointer for pointer in entries if leaf == pointer or leaf.startswith(f"{pointer}/")]
    return (longest := max(above, key=len), entries[longest]) if above else None


@settings(max_examples=200)
@given(grants(), DATA, st.booleans())
def test_the_view_shows_what_access_says_and_nothing_else(
    granted: tuple[Any, Document], data: Any, is_old: bool
) -> None:
    schema, of_grant = granted
    grant = a_grant("bapenda", **of_grant)
    of = {"kind": "event", "key": None, "subject": None, "classification": "public", "schema": schema}
    contract = parse_contract(a_document(grant, **of))
    is_valid = Validator(schema).is_valid(data)
    old = (
        parse_contract(a_document(grant, **(of | {"schema": {}, "version": "0.1.0"})))
        if is_old or not is_valid
        else None
    )
    view = View(contract, contract.grants[0], b"k" * 32, None, old)
    event = {"type": WARGA, "sequence": "1", "data": data}
    shown = view.reduce(event)["data"]
    (told,) = describe_access(contract, TODAY)
    entries = {field.pointer: field.mask for field in told.fields}
    for leaf, value in _leaves(shown):
        # Nothing, or no more than that there is something.
        if value in ({}, [], None, "***"):
            continue
        entry = _entry_for(leaf, entries)
        assert entry is not None, (leaf, entries)
        if entry[1] is not None:
            assert len(value) == 26
    if is_valid:
        seen = set(map(str, _leaves(shown)))
        for leaf, value in _leaves(data):
            entry = _entry_for(leaf, entries)
            if value in ({}, [], None) or entry is None or entry[1] is not None:
                continue
            if not _is_declared_there(schema, leaf):
                continue
            assert str((leaf, value)) in seen, (leaf, entries)


def _is_declared_there(schema: Any, leaf: str) -> bool:
    return find_declared(schema).declares(json.parse_pointer(leaf))
