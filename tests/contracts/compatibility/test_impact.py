"""Whom a change touches: everybody who relies on what goes away, and nobody else."""

import copy
import time
from typing import Any

import pytest

from bus.contracts.compatibility import Mappings, Standing, Touched, What, compare_versions, find_touched
from bus.contracts.document import AdapterUse, Contract
from tests.builders import SCHEMA, a_grant, a_strict_contract
from tests.contracts.compatibility.versions import a_query_contract


def without(name: str) -> dict[str, Any]:
    schema = copy.deepcopy(SCHEMA)
    del schema["properties"][name]
    return schema


def with_(name: str, **property_: Any) -> dict[str, Any]:
    return {**SCHEMA, "properties": {**SCHEMA["properties"], name: property_}}


def changed(
    schema: dict[str, Any],
    grants: list[dict[str, Any]] | None = None,
    subscriptions: list[Standing] | None = None,
    mappings: Mappings | None = None,
    **changes: Any,
) -> list[Touched]:
    """Whom a new schema touches, beside the producers."""
    consumers = grants or [a_grant()]
    old = a_strict_contract(consumers=consumers, **changes)
    new = a_strict_contract(consumers=consumers, **{**changes, "version": "2.0.0", "schema": schema})
    return beside_producers(new, old, subscriptions, mappings)


def beside_producers(
    new: Contract, old: Contract, subscriptions: list[Standing] | None = None, mappings: Mappings | None = None
) -> list[Touched]:
    touched = find_touched(compare_versions(new, [old]), new, old, subscriptions or [], mappings)
    return [each for each in touched if each.what is not What.DATA_SENT]


def told(touched: list[Touched]) -> list[tuple[str, What, str]]:
    return [(each.participant, each.what, each.pointer) for each in touched]


def test_a_granted_field_that_is_gone() -> None:
    touched = changed(
        without("nama"), [a_grant(fields=["/nik", "/nama"]), a_grant(participant="dinkes", fields=["/nik"])]
    )
    assert told(touched) == [("bapenda", What.FIELD, "/nama")]


def test_a_granted_field_of_another_type() -> None:
    (touched,) = changed(with_("jumlah", type="string"), [a_grant(fields=["/nik", "/jumlah"])])
    assert touched.why == "Its type changes from integer to string."


def test_a_field_of_who_was_granted_all_of_them() -> None:
    touched = changed(without("nama"), [a_grant(), a_grant(participant="dinkes", fields=["/nik"])])
    assert told(touched) == [("bapenda", What.FIELD, "/nama")]


def test_what_is_gone_is_told_once_with_all_that_was_in_it() -> None:
    inner = {"type": "object", "properties": {"kode_wilayah": {"type": "string"}, "jalan": {"type": "string"}}}
    fields = {
        "alamat": inner,
        "anak": {"type": "array", "items": {"type": "object", "properties": {"nik": {}, "nama": {}}}},
    }
    before = {**SCHEMA, "properties": {**SCHEMA["properties"], **fields}}
    after = copy.deepcopy(before)
    del after["properties"]["alamat"]
    del after["properties"]["anak"]["items"]["properties"]["nama"]
    old = a_strict_contract(consumers=[a_grant()], schema=before)
    new = a_strict_contract(consumers=[a_grant()], schema=after, version="2.0.0")
    assert told(beside_producers(new, old)) == [
        ("bapenda", What.FIELD, "/alamat"),
        ("bapenda", What.FIELD, "/anak/*/nama"),
    ]


def test_a_field_inside_a_granted_one() -> None:
    schema = with_("alamat", type="object", properties={"kode_wilayah": {"type": "string"}})
    touched = changed(schema, [a_grant(fields=["/nik", "/alamat/jalan"])])
    assert told(touched) == [("bapenda", What.FIELD, "/alamat/jalan")]


def test_a_mask_for_what_is_no_text_any_more() -> None:
    grant = a_grant(mask={"/tanggal_lahir": "year"})
    touched = changed(with_("tanggal_lahir", type="integer"), [grant])
    assert told(touched) == [("bapenda", What.FIELD, "/tanggal_lahir"), ("bapenda", What.MASK, "/tanggal_lahir")]


def test_a_row_filter_on_what_is_gone() -> None:
    rows = [{"any": [{"prefix": {"kode_wilayah": "35.24"}}, {"not": {"exact": {"/alamat/kode_wilayah": "35.24"}}}]}]
    touched = changed(without("kode_wilayah"), [a_grant(fields=["/nik"], rows=rows)])
    assert told(touched) == [("bapenda", What.ROWS, "/kode_wilayah")]


def test_a_grant_that_is_no_longer_there() -> None:
    old = a_strict_contract(consumers=[a_grant(), a_grant(participant="dinkes")])
    new = a_strict_contract(version="1.1.0")
    assert told(beside_producers(new, old)) == [("dinkes", What.GRANT, "")]


def test_a_grant_of_fewer_fields() -> None:
    old = a_strict_contract(consumers=[a_grant(fields=["/nik", "/alamat/jalan", "/nama"])])
    new = a_strict_contract(consumers=[a_grant(fields=["/nik", "/alamat"])], version="1.1.0")
    assert told(beside_producers(new, old)) == [("bapenda", What.FIELD, "/nama")]


def test_a_field_that_is_masked_from_now_on() -> None:
    old = a_strict_contract(consumers=[a_grant(fields=["/nik", "/nama"])])
    new = a_strict_contract(consumers=[a_grant(fields=["/nik", "/nama"], mask={"/nik": "last4"})], version="1.1.0")
    (touched,) = beside_producers(new, old)
    assert (touched.what, touched.pointer) == (What.MASK, "/nik")
    assert touched.why == "Its mask changes from none to last4."


def test_a_mask_on_what_a_consumer_did_not_get_is_nothing_to_it() -> None:
    old = a_strict_contract(consumers=[a_grant(fields=["/nik"])])
    new = a_strict_contract(consumers=[a_grant(fields=["/nik", "/nama"], mask={"/nama": "redact"})], version="1.1.0")
    assert beside_producers(new, old) == []


def test_a_grant_of_other_rows() -> None:
    old = a_strict_contract(consumers=[a_grant()])
    new = a_strict_contract(consumers=[a_grant(rows=[{"prefix": {"kode_wilayah": "35.24"}}])], version="1.1.0")
    assert told(beside_producers(new, old)) == [("bapenda", What.ROWS, "")]


@pytest.mark.heavy
def test_hundreds_of_consumers_of_thousands_of_fields_are_told_in_bounded_time_and_space() -> None:
    # It took minutes, and would have told of two million things.
    def wide(type_: str) -> dict[str, Any]:
        return {"type": "object", "properties": {f"p{n}": {"type": type_} for n in range(4000)}}

    some = {"fields": [f"/p{n}" for n in range(200)]}
    grants = [a_grant(participant=f"dinas-{n}", **(some if n % 2 else {})) for n in range(300)]
    terms = {
        "consumers": grants,
        "kind": "event",
        "key": None,
        "subject": None,
        "classification": "internal",
        "examples": [],
    }
    old = a_strict_contract(**terms, schema=wide("integer"))
    new = a_strict_contract(**terms, schema=wide("string"), version="2.0.0", compatibility="full")
    report = compare_versions(new, [old])
    begun = time.process_time()
    touched = find_touched(report, new, old)
    assert time.process_time() - begun < 5
    of_one = [each for each in touched if each.participant == "dinas-0"]
    assert len(of_one) == 101
    assert of_one[-1].why == "There is more: 100 things are listed."


def test_a_consumer_whose_reader_refuses_new_data() -> None:
    grants = [a_grant(fields=["/nik", "/nama"]), a_grant(participant="dinkes", fields=["/nik"])]
    touched = changed(with_("nama", type="string", maxLength=200), grants, compatibility="forward")
    assert told(touched) == [("bapenda", What.FIELD, "/nama")]


def test_a_consumer_whose_reader_refuses_a_new_item() -> None:
    def family(limit: int) -> dict[str, Any]:
        members = {"type": "object", "additionalProperties": {"type": "string", "maxLength": limit}}
        return with_("keluarga", type="array", items=members)

    grants = [a_grant(fields=["/nik", "/keluarga/*/nama"]), a_grant(participant="dinkes", fields=["/nik"])]
    old = a_strict_contract(schema=family(5), consumers=grants)
    new = a_strict_contract(schema=family(9), consumers=grants, version="2.0.0", compatibility="forward")
    assert told(beside_producers(new, old)) == [("bapenda", What.FIELD, "/keluarga/*/*")]


def test_a_producer_whose_data_are_refused() -> None:
    old, new = (
        a_strict_contract(),
        a_strict_contract(version="2.0.0", schema=with_("nama", type="string", maxLength=50)),
    )
    (touched,) = find_touched(compare_versions(new, [old]), new, old)
    assert (touched.participant, touched.what, touched.pointer) == ("dukcapil-lamongan", What.DATA_SENT, "/nama")


def test_who_asks_is_touched_by_questions_that_are_refused() -> None:
    consumers = [{"participant": "dinkes"}]
    old = a_query_contract({"type": "object"}, {"type": "object"}, consumers=consumers)
    new = a_query_contract(
        {"type": "object", "required": ["nik"]}, {"type": "object"}, consumers=consumers, version="2.0.0"
    )
    (touched,) = find_touched(compare_versions(new, [old]), new, old)
    assert (touched.participant, touched.what) == ("dinkes", What.DATA_SENT)


def test_a_subscription_ordered_by_what_is_gone() -> None:
    touched = changed(without("kode_wilayah"), subscriptions=[Standing("dinkes", ordered_by="/kode_wilayah")])
    assert ("dinkes", What.ORDER, "/kode_wilayah") in told(touched)


def test_a_subscription_that_filters_on_what_the_envelope_repeats() -> None:
    filters: list[dict[str, Any]] = [
        {"prefix": {"subject": "3524"}},
        {"not": {"exact": {"dataschema": "kependudukan.uji/1.0.0"}}},
    ]
    old, new = a_strict_contract(subject="/nik"), a_strict_contract(version="2.0.0", key="/nama", subject="/nik")
    touched = beside_producers(new, old, [Standing("dinkes", filters)])
    assert told(touched) == [("dinkes", What.FILTER, "subject"), ("dinkes", What.FILTER, "dataschema")]


def test_a_subscription_that_filters_on_what_events_were_ordered_by() -> None:
    old, new = (
        a_strict_contract(delivery={"ordered_by": "/nik"}),
        a_strict_contract(delivery={"ordered_by": "/nama"}, version="2.0.0"),
    )
    touched = beside_producers(new, old, [Standing("dinkes", [{"exact": {"partitionkey": "3524"}}])])
    assert told(touched) == [("bapenda", What.ORDER, "/nik"), ("dinkes", What.FILTER, "partitionkey")]


def test_a_question_that_an_old_server_refuses_takes_no_field_of_the_answer_away() -> None:
    consumers = [{"participant": "dinkes"}]
    old = a_query_contract({"type": "object", "required": ["nik"]}, {"type": "object"}, consumers=consumers)
    new = a_query_contract(
        {"type": "object"}, {"type": "object"}, consumers=consumers, version="2.0.0", compatibility="forward"
    )
    assert beside_producers(new, old) == []


def test_an_adapter_that_maps_what_is_gone() -> None:
    use = AdapterUse("kemendagri", "cari-nik")
    adapters = [{"adapter": "kemendagri", "operation": "cari-nik"}]
    touched = changed(without("nama"), [a_grant(fields=["/nik"])], mappings={use: ["/nik", "/nama"]}, adapters=adapters)
    assert told(touched) == [("kemendagri", What.MAPPING, "/nama")]


def test_an_adapter_that_no_longer_serves_the_contract() -> None:
    old = a_strict_contract(adapters=[{"adapter": "kemendagri", "operation": "cari-nik"}])
    assert told(beside_producers(a_strict_contract(version="1.1.0"), old)) == [("kemendagri", What.MAPPING, "")]


def test_words_touch_nobody() -> None:
    old, new = a_strict_contract(), a_strict_contract(version="1.0.1", title="Penduduk")
    report, standing = compare_versions(new, [old]), Standing("dinkes", [{"exact": {"type": "kependudukan.uji"}}])
    assert find_touched(report, new, old, [standing]) == []
