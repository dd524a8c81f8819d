"""Road segments between the contract and ArcGIS."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.pupr.mapping import (
    Edit,
    Existing,
    Kind,
    plan_edits,
    read_existing,
    read_fault,
    read_outcome,
    read_outcomes,
    read_page,
    write_edits,
    write_feature,
    write_query,
)
from bus.kit import AgencyFault, Failure, fold

LINE = {"type": "LineString", "coordinates": [[112.41, -7.11], [112.42, -7.12, 6.5]]}


def a_segment(**other: Any) -> dict[str, Any]:
    return {
        "nomor_ruas": "R-001",
        "nama_ruas": "Sukorame – Bluluk",
        "panjang_km": 7.4,
        "kondisi": "rusak ringan",
        "tahun_survei": 2026,
        "geometri": LINE,
    } | other


def test_properties_become_the_layers_fields() -> None:
    drawn = write_feature(a_segment(lebar_m=5.5, iri=8.25, jenis_permukaan="aspal", status_jalan="kabupaten"))
    assert drawn["attributes"] == {
        "NO_RUAS": "R-001",
        "NAMA_RUAS": "Sukorame – Bluluk",
        "STATUS_JALAN": "kabupaten",
        "PANJANG_KM": 7.4,
        "LEBAR_M": 5.5,
        "PERMUKAAN": "aspal",
        "KONDISI": "rusak ringan",
        "IRI": 8.25,
        "TAHUN_SURVEI": 2026,
        "KODE_KECAMATAN": None,
    }


def test_a_property_that_is_gone_clears_its_field() -> None:
    assert write_feature(a_segment())["attributes"]["IRI"] is None


def test_several_kecamatan_share_one_field() -> None:
    drawn = write_feature(a_segment(kode_wilayah=["35.24.01", "35.24.02"]))
    assert drawn["attributes"]["KODE_KECAMATAN"] == "35.24.01,35.24.02"


def test_a_line_becomes_one_path_in_wgs_84_without_heights() -> None:
    assert write_feature(a_segment())["geometry"] == {
        "paths": [[[112.41, -7.11], [112.42, -7.12]]],
        "spatialReference": {"wkid": 4326},
    }


def test_a_geometry_that_the_grant_holds_back_is_not_drawn() -> None:
    assert "geometry" not in write_feature(a_segment(geometri=None))


def test_a_quote_in_a_number_stays_inside_its_literal() -> None:
    assert write_query(["R-1", "x' OR '1'='1"])["where"] == "NO_RUAS IN ('R-1', 'x'' OR ''1''=''1')"


@pytest.mark.parametrize(
    ("ids", "deleted", "expected"),
    [
        ([], False, [Kind.ADD]),
        ([7], False, [Kind.UPDATE]),
        ([9, 7], False, [Kind.UPDATE, Kind.DELETE]),
        ([], True, []),
        ([7], True, [Kind.DELETE]),
        ([7, 9], True, [Kind.DELETE, Kind.DELETE]),
    ],
)
def test_edits_leave_the_segment_there_once_or_not_at_all(ids: list[int], deleted: bool, expected: list[Kind]) -> None:
    changes = plan_edits("R-001", None if deleted else a_segment(), Existing(ids={"R-001": ids}))
    assert [edit.kind for edit in changes] == expected


def test_an_update_names_the_oldest_feature_by_the_layers_own_id_field() -> None:
    update, surplus = plan_edits("R-001", a_segment(), Existing("FID", {"R-001": [9, 7]}))
    assert isinstance(update.value, dict)
    assert (update.value["attributes"]["FID"], surplus.value) == (7, 9)


def test_a_form_has_a_list_for_each_kind() -> None:
    sent = write_edits([Edit("a", Kind.ADD, {"attributes": {}}), Edit("b", Kind.DELETE, 4), Edit("c", Kind.DELETE, 5)])
    assert {name: json.loads(text) for name, text in sent.items()} == {"adds": [{"attributes": {}}], "deletes": [4, 5]}


@given(number=st.sampled_from(["NO_RUAS", "no_ruas", "No_Ruas"]), blanks=st.text(" ", max_size=3), text=st.booleans())
def test_existing_features_are_read_leniently(number: str, blanks: str, text: bool) -> None:
    answer = fold([{"attributes": {number: f"R-1{blanks}", "FID": f"7{blanks}" if text else 7}}])
    assert read_existing("FID", answer) == Existing("FID", {"R-1": [7]})


def test_a_feature_without_a_number_is_none_of_ours() -> None:
    assert read_existing(None, [{"attributes": {"no_ruas": None, "objectid": 1}}, {}]).ids == {}


@pytest.mark.parametrize(
    ("kind", "result", "failure"),
    [
        (Kind.ADD, {"objectid": 1, "success": True}, None),
        (Kind.ADD, {"objectid": 1, "success": "true"}, None),
        (Kind.ADD, {"success": False, "error": {"code": 1000}}, Failure.TRANSIENT),
        (Kind.ADD, {"success": False, "error": {"code": 1003}}, Failure.TRANSIENT),
        (Kind.ADD, {"success": False, "error": {"code": 1016}}, Failure.PERMANENT),
        (Kind.ADD, {"success": False, "error": {"code": "1001"}}, Failure.PERMANENT),
        (Kind.ADD, {"success": False}, Failure.TRANSIENT),
        (Kind.ADD, {}, Failure.TRANSIENT),
        (Kind.UPDATE, {"success": False, "error": {"code": 1011}}, Failure.TRANSIENT),
        (Kind.DELETE, {"success": False, "error": {"code": 1011}}, None),
    ],
)
def test_each_feature_has_its_own_outcome(kind: Kind, result: dict[str, Any], failure: Failure | None) -> None:
    assert read_outcome(kind, result).failure is failure


def test_results_are_matched_in_the_order_of_what_was_sent() -> None:
    changes = [Edit("a", Kind.ADD, {}), Edit("b", Kind.UPDATE, {}), Edit("c", Kind.ADD, {}), Edit("d", Kind.ADD, {})]
    bad = {"success": False, "error": {"code": 1001}}
    answer = {"addresults": [{"success": True}, bad, {"success": True}], "updateresults": [{}]}
    failures = {number: outcome.failure for number, outcome in read_outcomes(changes, answer).items()}
    assert failures == {"a": None, "b": Failure.TRANSIENT, "c": Failure.PERMANENT, "d": None}


@pytest.mark.parametrize("results", [[{"success": True}], [{"success": True}] * 3, [], None, {"success": True}])
def test_results_of_another_number_than_the_edits_say_nothing_about_any_of_them(results: Any) -> None:
    changes = [Edit("a", Kind.ADD, {}), Edit("b", Kind.ADD, {})]
    outcomes = read_outcomes(changes, {"addresults": results})
    assert [outcomes[number].failure for number in "ab"] == [Failure.TRANSIENT] * 2


@pytest.mark.parametrize("answer", [{}, {"features": None}, {"features": {}}, {"status": "success"}])
def test_a_page_without_features_is_not_taken_for_a_layer_without_the_segment(answer: dict[str, Any]) -> None:
    with pytest.raises(AgencyFault) as fault:
        read_page(answer, ["R-1"])
    assert fault.value.failure is Failure.TRANSIENT


def test_an_error_of_the_server_itself_is_a_fault() -> None:
    fault = read_fault({"status": "error", "messages": ["Could not find the service"], "code": 404})
    assert fault is not None
    assert fault.failure is Failure.SINK_DOWN


def test_a_segment_has_arrived_when_its_surplus_is_gone_too() -> None:
    changes = [Edit("a", Kind.UPDATE, {}), Edit("a", Kind.DELETE, 9)]
    answer = {"updateresults": [{"success": True}], "deleteresults": [{"success": False, "error": {"code": 1018}}]}
    assert read_outcomes(changes, answer)["a"].failure is Failure.TRANSIENT


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (498, Failure.SINK_DOWN),
        ("499", Failure.SINK_DOWN),
        (403, Failure.SINK_DOWN),
        (400, Failure.PERMANENT),
        (500, Failure.TRANSIENT),
        (504, Failure.TRANSIENT),
        (1003, Failure.TRANSIENT),
        (None, Failure.TRANSIENT),
    ],
)
def test_an_error_at_http_200_is_classed_by_its_code(code: Any, failure: Failure) -> None:
    fault = read_fault({"error": {"code": code, "message": "Invalid Token: rahasia"}})
    assert fault is not None
    assert (fault.failure, "rahasia" in fault.detail) == (failure, False)
