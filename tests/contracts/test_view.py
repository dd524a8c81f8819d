"""Views: nothing outside the grant, in the data and in the envelope."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import json
from bus.contracts.document import Mask, parse
from bus.contracts.view import View
from tests.contracts.documents import NIK, SCHEMA, a_contract, a_document, a_grant

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
    version = a_contract(consumers=[a_grant(participant=participant, **grant)], **(contract or {}))
    return View(version, version.grants[0], secret)


def an_event(data: Any = DATA, **attributes: Any) -> dict[str, Any]:
    document = {
        "specversion": "1.0",
        "id": "a-1",
        "source": "/dukcapil",
        "type": "kependudukan.uji",
        "subject": NIK,
        "time": "2026-11-24T05:00:00Z",
        "sequence": "00000000000000000007",
        "recordedtime": "2026-11-24T05:00:01.000000Z",
        **attributes,
        "data": data,
    }
    return {name: value for name, value in document.items() if value is not None or name == "data"}


def test_a_grant_without_limits_lets_events_pass_as_they_are() -> None:
    view = a_view()
    assert (view.is_whole, view.reduce(an_event(loket="3"))) == (True, an_event(loket="3"))


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
        ("last4", "1234", "****"),
        ("last4", "", ""),
        ("year", "1990-01-01", "1990"),
        ("year", "01-01-1990", "***"),
        ("redact", None, None),
        ("last4", 12345678, "***"),
        ("pseudonym", ["a"], "***"),
        ("year", {"tahun": 1990}, "***"),
        ("redact", False, "***"),
    ],
)
def test_a_mask(mask: str, value: Any, shown: Any) -> None:
    assert a_view(mask={"/nama": mask}).reduce_data({"nama": value}) == {"nama": shown}


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
    assert a_view(mask={"/alamat/jalan": "redact"}).reduce_data({"alamat": [{"jalan": "x"}]}) == {"alamat": "***"}


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
    shown = view.reduce(an_event(partitionkey=NIK, id=f"penduduk-{NIK}"))
    assert (shown["subject"], shown["partitionkey"], shown["id"]) == (NIK, NIK, f"penduduk-{NIK}")
    assert view.can_look_up_by_key


def test_a_masked_key_is_masked_in_the_envelope_too() -> None:
    view = a_view(mask={"/nik": "last4"})
    shown = view.reduce(an_event(partitionkey=NIK, source=f"/dukcapil/{NIK}"))
    assert {shown["subject"], shown["partitionkey"], shown["data"]["nik"]} == {"************9001"}
    assert shown["source"] == "/dukcapil/************9001"
    assert not view.can_look_up_by_key


def test_a_hidden_key_is_left_out_of_the_envelope() -> None:
    shown = a_view(fields=["/nama"]).reduce(an_event(partitionkey=NIK))
    assert not {"subject", "partitionkey"} & shown.keys()


def test_extensions_are_left_out_where_a_view_cuts() -> None:
    shown = a_view(fields=["/nama"]).reduce(an_event(loket="3", traceparent="00-a-b-01"))
    assert ("loket" in shown, shown["traceparent"]) == (False, "00-a-b-01")


def test_an_id_that_holds_a_hidden_key_becomes_a_pseudonym_that_tells_events_apart() -> None:
    view = a_view(fields=["/nama"])
    first, again = (view.reduce(an_event(id=f"{NIK}/1")) for _ in range(2))
    other = view.reduce(an_event(id=f"{NIK}/2"))
    assert first["id"] == again["id"] != other["id"]


def test_two_events_that_only_their_sources_tell_apart_stay_two() -> None:
    view = a_view(fields=["/nama"])
    other = "3524010101909003"
    one = view.reduce(an_event(id="1", source=f"/p/{NIK}"))
    two = view.reduce(an_event({**DATA, "nik": other}, id="1", source=f"/p/{other}", subject=other))
    assert (one["source"], one["id"]) != (two["source"], two["id"])


def test_a_deletion_masks_the_key_that_only_its_subject_tells() -> None:
    shown = a_view(mask={"/nik": "last4"}).reduce(an_event(None, id=f"hapus-{NIK}"))
    assert (shown["data"], shown["subject"]) == (None, "************9001")
    assert NIK.encode() not in json.dumps(shown)


def test_a_deletion_cannot_tell_a_hidden_person_and_so_shows_neither_id_nor_source() -> None:
    view = a_view(fields=["/nama"], contract={"key": "/nama", "subject": "/nik"})
    shown = view.reduce(an_event(None, subject="Siti", id=f"x-{NIK}", source=f"/x/{NIK}"))
    assert NIK.encode() not in json.dumps(shown)
    assert shown["subject"] == "Siti"


def test_an_event_without_key_keeps_a_subject_only_when_its_data_show_it() -> None:
    view = a_view(fields=["/nama", "/kode_wilayah"], contract={"kind": "event", "key": None, "subject": "/nik"})
    assert view.reduce(an_event(subject="35.24.05.2001"))["subject"] == "35.24.05.2001"
    assert "subject" not in view.reduce(an_event(subject="Dusun Contoh 1"))


def test_what_is_reduced_leaves_the_given_event_alone() -> None:
    given_event = an_event()
    a_view(fields=["/nama"], mask={"/nama": "redact"}).reduce(given_event)
    assert given_event == an_event()


POINTERS = st.sampled_from(
    ["/nik", "/nama", "/tanggal_lahir", "/jumlah", "/alamat", "/alamat/jalan", "/keluarga", "/keluarga/*/nik"]
)
MASKS = st.dictionaries(POINTERS, st.sampled_from([mask.value for mask in Mask]))
NIKS = st.text("0123456789", min_size=12, max_size=12).map("3524".__add__).filter(lambda nik: nik not in str(DATA))
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


@settings(max_examples=300)
@given(
    nik=NIKS,
    fields=st.none() | st.lists(st.sampled_from(["/nama", "/alamat", "/keluarga"]), min_size=1, unique=True),
    mask=st.sampled_from(["redact", "last4", "year", "pseudonym"]),
    envelope=st.dictionaries(
        st.sampled_from(
            ["id", "source", "partitionkey", "dataschema", "traceparent", "tracestate", "loket", "subject"]
        ),
        st.sampled_from(["{}", "a{}b", "{}{}", "/x/{}?y={}", "urn:nik:{}"]),
    ),
    deleted=st.booleans(),
)
def test_no_byte_of_the_output_tells_a_key_that_is_masked_or_not_granted(
    nik: str, fields: list[str] | None, mask: str, envelope: dict[str, str], deleted: bool
) -> None:
    view = a_view(**({"mask": {"/nik": mask}} if fields is None else {"fields": fields, "mask": {"/nik": mask}}))
    attributes = {name: text.replace("{}", nik) for name, text in envelope.items()}
    event = an_event(None if deleted else {**DATA, "nik": nik}, **{"subject": nik, **attributes})
    if deleted:
        event["subject"] = nik
    assert nik.encode() not in json.dumps(view.reduce(event))


@given(st.text("ab/ %?é", min_size=6, max_size=12))
def test_a_hidden_key_is_found_in_its_percent_encoded_writing_too(key: str) -> None:
    schema = {**SCHEMA, "properties": {**SCHEMA["properties"], "nik": {"type": "string"}}}
    contract = parse(a_document(schema=schema, consumers=[a_grant(fields=["/nama"])], examples=[]))
    event = an_event({"nik": key, "nama": "n"}, subject=key, source=f"/x/{quote(key, safe='')}", id=f"i:{quote(key)}")
    shown = View(contract, contract.grants[0], SECRET).reduce(event)
    text = json.dumps(shown).decode()
    assert quote(key, safe="") not in text
    assert quote(key) not in text


def test_fields_granted_are_named_for_the_disclosure_log() -> None:
    assert (a_view(fields=["/nama"]).fields_granted, a_view().fields_granted) == (["/nama"], [""])


def test_a_grant_holds_to_the_end_of_its_last_day() -> None:
    grant = a_view(until="2027-12-31").grant
    assert (grant.has_ended(date(2027, 12, 31)), grant.has_ended(date(2028, 1, 1))) == (False, True)
