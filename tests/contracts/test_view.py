"""Views: nothing outside the grant, in the data and in the envelope."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import json
from bus.contracts.document import Mask
from bus.contracts.fields import compile_fields
from bus.contracts.view import View
from tests.builders import NIK, SCHEMA, a_grant, a_strict_contract, an_event

SECRET = b"a secret of this instance, 32 B."
DATA = {
    "nik": NIK,
    "nama": "Siti Rekaan",
    "tanggal_lahir": "1990-01-01",
    "kode_wilayah": "35.24.05.2001",
    "jumlah": 3,
    "alamat": {"jalan": "Dusun Contoh 1", "kode_wilayah": "35.24.05.2001"},
    "keluarga": [{"nik": "3524010101909002", "nama": "Budi Misalnya"}],
}


def a_view(
    secret: bytes = SECRET, participant: str = "bapenda", contract: Mapping[str, Any] | None = None, **grant: Any
) -> View:
    version = a_strict_contract(consumers=[a_grant(participant=participant, **grant)], **(contract or {}))
    return View(version, version.grants[0], secret)


def a_stored_event(data: Any = DATA, **attributes: Any) -> dict[str, Any]:
    """An event with what the bus adds to it."""
    stored = {
        "type": "kependudukan.uji",
        "subject": NIK,
        "time": "2026-11-24T05:00:00Z",
        "sequence": "00000000000000000007",
        "recordedtime": "2026-11-24T05:00:01.000000Z",
        "data": data,
    }
    return an_event(**(stored | attributes))


CLOSED = {"schema": {**SCHEMA, "properties": {"nik": {"type": "string"}, "nama": {"type": "string"}}}}


def test_a_grant_without_limits_lets_events_pass_as_they_are() -> None:
    event = a_stored_event({"nik": NIK, "nama": "Siti"}, loket="3")
    assert a_view(contract=CLOSED).is_whole
    assert a_view().reduce(event) == a_view(contract=CLOSED).reduce(event) == event


def test_what_an_open_schema_does_not_declare_is_not_shown_nor_is_the_envelope_that_came_with_it() -> None:
    event = a_stored_event({**DATA, "alamat": {"jalan": "Dusun Contoh 1", "sandi": "rahasia"}}, id="rahasia")
    shown = a_view().reduce(event)
    assert shown["data"] == {**DATA, "alamat": {"jalan": "Dusun Contoh 1"}}
    assert "rahasia" not in json.dumps(shown).decode()
    assert shown["subject"] == NIK


def test_fields_cut_the_data_and_a_container_comes_with_all_below_it() -> None:
    assert a_view(fields=["/nama", "/alamat"]).reduce_data(DATA) == {"nama": DATA["nama"], "alamat": DATA["alamat"]}


def test_a_field_inside_a_container_comes_without_its_siblings() -> None:
    assert a_view(fields=["/alamat/kode_wilayah"]).reduce_data(DATA) == {"alamat": {"kode_wilayah": "35.24.05.2001"}}


def test_a_star_grants_in_every_item_of_an_array() -> None:
    assert a_view(fields=["/keluarga/*/nama"]).reduce_data(DATA) == {"keluarga": [{"nama": "Budi Misalnya"}]}


def test_a_field_of_objects_does_not_open_an_array() -> None:
    assert a_view(fields=["/keluarga/nama"]).reduce_data(DATA) == {"keluarga": []}


def test_a_granted_field_that_is_absent_stays_absent() -> None:
    assert a_view(fields=["/nama", "/alamat/jalan"]).reduce_data({"nik": NIK}) == {}


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        ("redact", "Siti", "***"),
        ("last4", NIK, "************9001"),
        ("last4", "1234", "***4"),
        ("last4", "123456", "*****6"),
        ("last4", "123", "***"),
        ("last4", "", ""),
        ("last4", "            9001", "***************1"),
        ("year", "1990-01-01", "1990"),
        ("year", "1990-01-01T07:30:00+07:00", "1990"),
        ("year", "01-01-1990", "***"),
        ("year", "1990-02-30", "***"),
        ("year", "1990-01-01 3524", "***"),
        ("year", "3524-01-52", "***"),
        ("redact", None, None),
        ("last4", 12345678, "***"),
        ("pseudonym", ["a"], "***"),
        ("pseudonym", 0.5, "***"),
        ("year", {"tahun": 1990}, "***"),
        ("redact", False, "***"),
    ],
)
def test_a_mask(mask: str, value: Any, shown: Any) -> None:
    free = {"schema": {**SCHEMA, "properties": {**SCHEMA["properties"], "apa": {}}}}
    assert a_view(contract=free, mask={"/apa": mask}).reduce_data({"apa": value}) == {"apa": shown}


def test_a_mask_above_granted_fields_masks_them_as_one() -> None:
    assert a_view(fields=["/alamat/jalan"], mask={"/alamat": "redact"}).reduce_data(DATA) == {"alamat": "***"}


def test_a_mask_inside_a_granted_container_masks_that_part() -> None:
    shown = a_view(fields=["/alamat"], mask={"/alamat/jalan": "redact"}).reduce_data(DATA)
    assert shown == {"alamat": {"jalan": "***", "kode_wilayah": "35.24.05.2001"}}


def test_a_mask_on_what_is_not_granted_grants_nothing() -> None:
    assert a_view(fields=["/nama"], mask={"/nik": "last4", "/alamat/jalan": "redact"}).reduce_data(DATA) == {
        "nama": DATA["nama"]
    }


def test_a_mask_for_a_member_hides_an_array_that_comes_instead() -> None:
    assert a_view(mask={"/alamat/jalan": "redact"}).reduce_data({"alamat": [{"jalan": "x"}]}) == {}
    tree = compile_fields(None, {"/alamat/jalan": Mask.REDACT}, lambda _: str)
    assert tree.cut({"alamat": [{"jalan": "x"}]}) == {"alamat": "***"}


def test_a_mask_on_every_member_masks_those_that_have_pointers_of_their_own_too() -> None:
    tree = compile_fields(None, {"/peta/*/nik": Mask.REDACT, "/peta/a/nama": Mask.REDACT}, lambda _: str)
    assert tree.cut({"peta": {"a": {"nik": "1", "nama": "x"}, "b": {"nik": "2", "nama": "y"}}}) == {
        "peta": {"a": {"nik": "***", "nama": "***"}, "b": {"nik": "***", "nama": "y"}}
    }


def test_a_consumer_who_is_also_a_producer_gets_no_pseudonym_of_a_key() -> None:
    # It would delete guessed keys and see their pseudonyms.
    view = a_view(mask={"/nik": "pseudonym"}, contract={"producers": ["dukcapil-lamongan", "bapenda"]})
    assert view.reduce_data(DATA)["nik"] == "***"
    assert a_view(mask={"/nik": "pseudonym"}).reduce_data(DATA)["nik"] != "***"


def test_a_pseudonym_is_stable_for_one_consumer_and_unlinkable_between_consumers() -> None:
    def pseudonym(**of: Any) -> Any:
        return a_view(mask={"/nik": "pseudonym"}, **of).reduce_data(DATA)["nik"]

    others = {
        pseudonym(participant="dinkes"),
        pseudonym(contract={"contract": "kependudukan.lain"}),
        pseudonym(secret=b"x" * 32),
    }
    assert pseudonym() == pseudonym()
    assert len(pseudonym()) == 26
    assert len({pseudonym(), *others}) == 4


def test_rows_choose_by_all_their_conditions() -> None:
    view = a_view(rows=[{"prefix": {"kode_wilayah": "35.24.05"}}, {"exact": {"/alamat/jalan": "Dusun Contoh 1"}}])
    assert view.shows(DATA)
    assert not view.shows({**DATA, "kode_wilayah": "35.24.06.2001"})
    assert not view.shows({**DATA, "alamat": {}})


def test_a_deletion_is_not_shown_under_a_row_filter_by_itself() -> None:
    assert not a_view(rows=[{"not": {"exact": {"kode_wilayah": "35"}}}]).shows(None)


def test_a_key_that_is_shown_stays_in_the_envelope() -> None:
    view = a_view(fields=["/nik"])
    shown = view.reduce(a_stored_event(partitionkey=NIK))
    assert (shown["subject"], shown["partitionkey"]) == (NIK, NIK)
    assert view.can_look_up_by_key


@pytest.mark.parametrize("mask", ["pseudonym", "last4"])
def test_a_masked_key_is_a_pseudonym_in_the_envelope_too(mask: str) -> None:
    view = a_view(mask={"/nik": mask})
    shown, gone = view.reduce(a_stored_event(partitionkey=NIK)), view.reduce(a_stored_event(None, partitionkey=NIK))
    (name,) = {shown["subject"], shown["partitionkey"], shown["data"]["nik"], gone["subject"], gone["partitionkey"]}
    assert (len(name), name.isalnum()) == (26, True)
    assert not view.can_look_up_by_key


def test_a_key_that_is_a_number_has_a_pseudonym_that_its_deletion_has_too() -> None:
    view = a_view(mask={"/jumlah": "pseudonym"}, contract={"key": "/jumlah", "subject": "/nik"})
    shown = view.reduce(a_stored_event({"nik": NIK, "jumlah": 3}, subject="3"))
    assert shown["subject"] == shown["data"]["jumlah"] == view.reduce(a_stored_event(None, subject="3"))["subject"]


def test_a_partition_key_of_a_deletion_that_is_not_the_key_is_left_out() -> None:
    shown = a_view(fields=["/nik"]).reduce(a_stored_event(None, partitionkey="Siti Rekaan"))
    assert (shown["subject"], "partitionkey" in shown) == (NIK, False)


def test_a_hidden_key_is_left_out_of_the_envelope() -> None:
    for data in (DATA, None):
        shown = a_view(fields=["/nama"]).reduce(a_stored_event(data, partitionkey=NIK))
        assert not {"subject", "partitionkey"} & shown.keys()


def test_a_cut_event_has_no_attribute_but_the_standards_and_those_that_the_contract_names() -> None:
    event = a_stored_event(loket="3", traceparent="00-a-b-01", tahun=2026, datacontenttype='application/json; nik="1"')
    shown = a_view(fields=["/nama"], contract={"attributes": ["tahun", "lain"]}).reduce(event)
    assert shown.keys() == {
        *("specversion", "id", "source", "type", "time", "dataschema", "datacontenttype", "tahun", "sequence"),
        *("recordedtime", "data"),
    }
    assert (shown["tahun"], shown["datacontenttype"]) == (2026, "application/json")


def test_no_contract_names_an_attribute_that_has_rules_of_its_own() -> None:
    shown = a_view(fields=["/nama"], contract={"attributes": ["subject", "partitionkey", "id", "source"]}).reduce(
        a_stored_event(partitionkey="a", id="b", source="/c")
    )
    assert not {"subject", "partitionkey"} & shown.keys()
    assert not {"b", "/c"} & {shown["id"], shown["source"]}


def test_the_schema_is_named_by_its_own_address_whatever_the_publisher_wrote() -> None:
    shown = a_view(fields=["/nama"]).reduce(
        a_stored_event(dataschema=f"https://x/{NIK}/v1/contracts/kependudukan.uji/1.0.0")
    )
    assert shown["dataschema"] == "/v1/contracts/kependudukan.uji/versions/1.0.0/schema"


def test_an_id_is_the_buss_own_and_tells_events_apart() -> None:
    view = a_view(fields=["/nama"])
    first, again, other = (view.reduce(a_stored_event(sequence=f"{n:020}", id="a")) for n in (7, 7, 8))
    assert first["id"] == again["id"] != other["id"]
    assert first["source"] == other["source"] == "urn:bus:contract:kependudukan.uji"
    elsewhere = a_view(fields=["/nama"], participant="dinkes").reduce(a_stored_event())
    assert elsewhere["id"] != first["id"]


def test_an_id_does_not_depend_on_what_the_publisher_wrote() -> None:
    view = a_view(fields=["/nama"])
    assert (
        view.reduce(a_stored_event(id="a", source="/a"))["id"] == view.reduce(a_stored_event(id="b", source="/b"))["id"]
    )


def test_a_consumer_cannot_try_values_out_by_publishing_them_itself() -> None:
    both = {"producers": ["dukcapil-lamongan", "bapenda"], "kind": "event", "key": None, "subject": "/nik"}
    view = a_view(mask={"/nik": "pseudonym"}, contract=both)
    others, own = view.reduce(a_stored_event(), "dukcapil-lamongan"), view.reduce(a_stored_event(), "bapenda")
    assert others["data"]["nik"] != own["data"]["nik"]
    assert others["subject"] != own["subject"]


def test_a_record_has_one_pseudonym_whoever_writes_it() -> None:
    view = a_view(mask={"/nik": "pseudonym"}, contract={"producers": ["dukcapil-lamongan", "bapenda"]})
    assert view.reduce(a_stored_event(), "dukcapil-lamongan") == view.reduce(a_stored_event(), "bapenda")


def test_a_deletion_says_nothing_of_a_hidden_person() -> None:
    view = a_view(fields=["/nama"], contract={"key": "/nama", "subject": "/nik"})
    shown = view.reduce(a_stored_event(None, subject="Siti", id=f"x-{NIK}", source=f"/x/{NIK}"))
    assert NIK.encode() not in json.dumps(shown)
    assert shown["subject"] == "Siti"


def test_the_event_that_takes_a_record_out_of_the_view_tells_nothing_of_where_it_went() -> None:
    view = a_view(rows=[{"prefix": {"kode_wilayah": "35.24.05"}}])
    event = a_stored_event(
        {**DATA, "kode_wilayah": "35.24.14"}, id="ke 35.24.14", tujuan="35.24.14", partitionkey="35.24.14"
    )
    shown = view.withdraw(event)
    assert (shown["data"], shown["subject"]) == (None, NIK)
    assert "35.24.14" not in json.dumps(shown).decode()


def test_events_are_ordered_by_what_their_consumer_tells_apart() -> None:
    masks = {"/nama": "pseudonym", "/kode_wilayah": "last4", "/alamat": "pseudonym"}
    view = a_view(fields=["/nik", "/nama", "/kode_wilayah", "/alamat"], mask=masks)
    orders = {at: view.orders_by(at) for at in ("/nik", "/nama", "/kode_wilayah", "/alamat/jalan", "/jumlah", "/tiada")}
    assert [at for at, by in orders.items() if by] == ["/nik", "/nama"]
    assert view.order_value(DATA, "/nama", "x") == view.reduce_data(DATA)["nama"]


def test_an_event_without_key_keeps_a_subject_only_when_its_data_show_it() -> None:
    view = a_view(fields=["/nama", "/kode_wilayah"], contract={"kind": "event", "key": None, "subject": "/nik"})
    assert view.reduce(a_stored_event(subject="35.24.05.2001"))["subject"] == "35.24.05.2001"
    assert "subject" not in view.reduce(a_stored_event(subject="Dusun Contoh 1"))


def test_what_is_reduced_leaves_the_given_event_alone() -> None:
    given_event = a_stored_event()
    a_view(fields=["/nama"], mask={"/nama": "redact"}).reduce(given_event)
    assert given_event == a_stored_event()


POINTERS = st.sampled_from(
    ["/nik", "/nama", "/tanggal_lahir", "/jumlah", "/alamat", "/alamat/jalan", "/keluarga", "/keluarga/*/nik"]
)
MASKS = st.dictionaries(POINTERS, st.sampled_from([mask.value for mask in Mask]))
MARKED = {
    "nik": "nik",
    "nama": "nama",
    "tanggal_lahir": "1990-12-31",
    "jumlah": 987654321,
    "alamat": {"jalan": "alamat/jalan", "kode_wilayah": "alamat/kode_wilayah"},
    "keluarga": [{"nik": "keluarga/*/nik", "nama": "keluarga/*/nama"}] * 2,
}


def _leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for name, inner in value.items() for leaf in _leaves(inner, f"{path}/{name}")]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner, f"{path}/*")]
    return [(path, value)]


def _is_under(path: str, pointers: Any) -> bool:
    return any(path == pointer or path.startswith(pointer + "/") for pointer in pointers)


@given(
    st.none() | st.lists(POINTERS, min_size=1, unique=True),
    MASKS,
)
def test_every_leaf_is_shown_exactly_when_granted_and_not_masked(
    fields: list[str] | None, mask: dict[str, str]
) -> None:
    grant: dict[str, Any] = {"mask": mask} if fields is None else {"mask": mask, "fields": fields}
    shown = _leaves(a_view(**grant).reduce_data(MARKED))
    granted = [leaf for leaf in _leaves(MARKED) if fields is None or _is_under(leaf[0], fields)]
    plain = [leaf for leaf in granted if not _is_under(leaf[0], mask)]
    # What is shown unmasked is exactly what is granted and not masked; nothing else keeps its value.
    assert sorted(map(str, (leaf for leaf in shown if leaf in _leaves(MARKED)))) == sorted(map(str, plain))
    assert {path for path, _ in shown} <= {path for path, _ in granted} | set(mask)


def test_fields_granted_are_named_for_the_disclosure_log() -> None:
    assert (a_view(fields=["/nama"]).fields_granted, a_view().fields_granted) == (["/nama"], [""])


def test_a_grant_holds_to_the_end_of_its_last_day() -> None:
    grant = a_view(until="2027-12-31").grant
    assert (grant.has_ended(date(2027, 12, 31)), grant.has_ended(date(2028, 1, 1))) == (False, True)
