"""SIGI's layer of national roads: pages, quirks, and the records that become of its features."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from adapters.pupr.adapter import PuprAdapter, PuprFactory, PuprSettings
from adapters.pupr.client import FeatureLayer
from adapters.pupr.road import read_condition, read_lines, read_road, read_roads, read_surface
from adapters.pupr.sigi import Sigi, SigiAccount
from adapters.pupr.simulator import LAYER, ROADS, SIGI_EMAIL, SIGI_TOKEN, SIMULATOR, TOKEN, make_road
from bus.kit import AgencyFault, Failure, Polled, SimulatedFaults, fold

Violations = Callable[[str, Any], list[str]]


def a_feature(**properties: Any) -> dict[str, Any]:
    folded: dict[str, Any] = fold(make_road(1))
    return {**folded, "properties": {**folded["properties"], **properties}}


async def poll(*faults: str, token: str = SIGI_TOKEN) -> Polled:
    transport = httpx.ASGITransport(SIMULATOR.create_app(SimulatedFaults(SIMULATOR.faults, faults)))
    return await _poll(transport, token)


async def poll_answers(*pages: Any) -> Polled:
    """Polls a SIGI that gives these answers in turn, and then the last one for ever."""
    left = list(pages)

    def answer(request: httpx.Request) -> httpx.Response:
        page = left.pop(0) if len(left) > 1 else left[0]
        return page if isinstance(page, httpx.Response) else httpx.Response(200, json=page)

    return await _poll(httpx.MockTransport(answer), SIGI_TOKEN)


async def _poll(transport: Any, token: str) -> Polled:
    http = httpx.AsyncClient(transport=transport, base_url="http://pupr.test")
    sigi = Sigi(http, SigiAccount(SIGI_EMAIL, SecretStr(token)))
    return await PuprAdapter(FeatureLayer(http, LAYER, SecretStr(TOKEN)), sigi).poll("jalan-nasional", None)


def keys(polled: Polled) -> list[str | None]:
    assert polled.rows is not None
    return [row.key for row in polled.rows.rows]


@pytest.mark.parametrize("faults", [(), ("no-total",)], ids=["by total", "until empty"])
async def test_a_layer_is_read_page_by_page_until_its_total_or_an_empty_page(faults: tuple[str, ...]) -> None:
    polled = await poll(*faults)
    assert keys(polled) == [f"35.{number:03}" for number in range(1, ROADS + 1)]
    assert polled.rows is not None
    assert polled.rows.is_whole


async def test_a_layer_that_is_shorter_than_its_total_deletes_nothing() -> None:
    with pytest.raises(AgencyFault) as fault:
        await poll("short")
    assert (fault.value.failure, fault.value.status) == (Failure.TRANSIENT, 200)


async def test_an_installation_that_ignores_the_offset_is_read_once() -> None:
    page = {"features": [make_road(1), make_road(2)]}
    assert keys(await poll_answers(page, page)) == ["35.001", "35.002"]


async def test_an_installation_that_ignores_the_offset_and_has_more_is_a_fault() -> None:
    page = {"features": [make_road(1)], "totalRecords": 2}
    with pytest.raises(AgencyFault):
        await poll_answers(page, page)


async def test_features_that_are_an_object_where_a_list_was_documented_are_read() -> None:
    page = {"features": {"0": make_road(1), "2": make_road(2)}, "totalRecords": 2}
    assert keys(await poll_answers(page)) == ["35.001", "35.002"]


@pytest.mark.parametrize("faults", [("token",), ()])
async def test_a_refused_token_at_http_200_stops_the_poll_and_is_not_repeated(faults: tuple[str, ...]) -> None:
    with pytest.raises(AgencyFault) as fault:
        await poll(*faults, token=SIGI_TOKEN if faults else "rahasia-lain")
    assert fault.value.failure is Failure.SINK_DOWN
    assert "rahasia-lain" not in fault.value.detail
    assert SIGI_TOKEN not in fault.value.detail


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (httpx.Response(200, html="<html>Sedang dalam pemeliharaan</html>"), Failure.TRANSIENT),
        ({"error": {"code": 498, "message": "Invalid Token"}}, Failure.SINK_DOWN),
        ({"features": make_road(1)}, Failure.TRANSIENT),
        ([make_road(1)], Failure.TRANSIENT),
        (httpx.Response(503), Failure.TRANSIENT),
    ],
    ids=["HTML where JSON was due", "ArcGIS 498 at HTTP 200", "an object where a list was due", "a bare list", "503"],
)
async def test_an_answer_that_is_no_page_is_a_fault_and_no_empty_layer(answer: Any, failure: Failure) -> None:
    with pytest.raises(AgencyFault) as fault:
        await poll_answers(answer)
    assert fault.value.failure is failure


async def test_a_bus_without_an_account_at_sigi_says_which_settings_to_give() -> None:
    adapter = PuprFactory().create(PuprSettings(base_url="http://pupr.test", token=SecretStr("t")))
    with pytest.raises(AgencyFault, match="SIGI_TOKEN"):
        await adapter.poll("jalan-nasional", None)
    await adapter.close()


def test_every_simulated_road_is_valid_under_the_contract(violations: Violations) -> None:
    roads = [read_road(fold(make_road(number))) for number in range(1, ROADS + 1)]
    assert [violations("infrastruktur/jalan-nasional", road) for road in roads] == [[]] * ROADS


def test_a_feature_becomes_a_record_of_the_contract() -> None:
    assert read_road(fold(make_road(2))) == {
        "nomor_ruas": "35.002",
        "nama_ruas": "Ruas rekaan 2",
        "panjang_km": 1,
        "lebar_m": 7.5,
        "iri": 4.1,
        "tahun_survei": 2025,
        "kondisi": "rusak ringan",
        "jenis_permukaan": "aspal",
        "geometri": {"type": "MultiLineString", "coordinates": [[[112.12, -7.004], [112.1323457, -7.004]]]},
    }


@pytest.mark.parametrize(
    ("column", "ours"), [("panjang", 3.5), ("pjg_km", 3.5), ("panjang_km", 3.5)], ids=["2023", "2024", "2025"]
)
def test_a_column_that_is_named_otherwise_in_another_year_is_read(column: str, ours: float) -> None:
    feature = a_feature()
    del feature["properties"]["panjang"]
    feature["properties"][column] = "3,50 "
    assert read_road(feature)["panjang_km"] == ours


def test_a_road_without_an_object_of_properties_is_set_aside_and_holds_up_no_other() -> None:
    rows = read_roads([a_feature(), {"type": "Feature", "properties": None}, "teks"]).rows
    assert [row.fault is None for row in rows] == [True, False, False]


@pytest.mark.parametrize(
    ("words", "ours"),
    [("RUSAK_RINGAN", "rusak ringan"), (" Rusak  Berat", "rusak berat"), ("RB", "rusak berat"), ("hancur", "hancur")],
)
def test_a_condition_is_read_from_its_spellings(words: str, ours: str) -> None:
    assert read_condition(words) == ours


def test_a_surface_that_is_in_no_list_stays_for_the_gate_to_name() -> None:
    assert (read_surface("Aspal/Hotmix"), read_surface("kayu")) == ("aspal", "kayu")


PLACES = st.lists(
    st.tuples(st.floats(-180, 180, allow_nan=False), st.floats(-90, 90, allow_nan=False)).map(list),
    min_size=2,
    max_size=4,
)


@given(PLACES)
def test_a_line_and_its_only_part_are_the_same_axis(line: list[list[float]]) -> None:
    whole = read_lines({"type": "LineString", "coordinates": line})
    assert whole == read_lines({"type": "MultiLineString", "coordinates": [line]})
    assert whole == read_lines(whole)
    assert all(
        abs(ours - theirs) <= 1e-7
        for one, other in zip(whole["coordinates"][0], line, strict=True)
        for ours, theirs in zip(one, other, strict=True)
    )
