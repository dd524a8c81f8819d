"""Judging a flow: what is missing, what is there and should not be, and what is not as it should be."""

from dataclasses import replace
from typing import Any

from samples.flow import Arrival, Flow, Wanted, Way, judge


def a_flow(**wanted: Wanted) -> Flow:
    return Flow("perizinan.izin", ("dpmptsp",), "bapenda", Way.WEBHOOK, len(wanted), wanted)


def an_arrival(key: str, data: Any = None, source: str = "/dpmptsp/contoh") -> Arrival:
    return Arrival(key, {"id": key, "source": source, "data": data})


def test_a_flow_is_complete_when_all_is_there() -> None:
    verdict = judge(a_flow(a=Wanted({"/x": 1})), [an_arrival("a", {"x": 1})])
    assert (verdict.is_complete, verdict.arrived) == (True, 1)


def test_what_has_not_arrived_is_missing() -> None:
    verdict = judge(a_flow(a=Wanted(), b=Wanted()), [an_arrival("a")])
    assert (verdict.missing, verdict.arrived) == (["b"], 1)


def test_a_repetition_counts_once() -> None:
    assert judge(a_flow(a=Wanted(), b=Wanted()), [an_arrival("a"), an_arrival("a")]).arrived == 1


def test_an_event_for_somebody_else_is_wrong() -> None:
    assert judge(a_flow(), [an_arrival("z")]).wrong == ["z: not meant for bapenda"]


def test_an_event_sent_by_hand_is_no_fault() -> None:
    assert judge(a_flow(), [an_arrival("z", source="/coba")], alone=False).is_complete
    assert not judge(a_flow(), [an_arrival("z")], alone=False).is_complete


def test_a_field_outside_the_grant_is_wrong() -> None:
    verdict = judge(a_flow(a=Wanted({"/x": 1})), [an_arrival("a", {"x": 1, "nik": "3524015203889002"})])
    assert verdict.wrong == ["a: /nik is outside the grant"]


def test_a_granted_field_that_is_not_there_is_wrong() -> None:
    assert judge(a_flow(a=Wanted({"/x": 1})), [an_arrival("a", {})]).wrong == ["a: /x is missing"]


def test_another_value_is_wrong_and_is_not_repeated() -> None:
    verdict = judge(a_flow(a=Wanted({"/x": 1})), [an_arrival("a", {"x": "3524015203889002"})])
    assert verdict.wrong == ["a: /x has another value"]


def test_a_hidden_identifier_in_the_envelope_is_wrong() -> None:
    event = Arrival("a", {"subject": "3524015203889002", "data": {}})
    verdict = judge(a_flow(a=Wanted({}, hidden=frozenset({"3524015203889002"}))), [event])
    assert verdict.wrong == ["a: shows an identifier that is hidden or masked"]


def test_a_record_that_was_read_before_its_deletion_is_missing_and_not_wrong() -> None:
    flow = replace(a_flow(a=Wanted(deleted=True, hidden=frozenset({"9111"}))), way=Way.RECORDS)
    early = judge(flow, [an_arrival("a", {"x": 1})])
    assert (early.missing, early.wrong) == (["a"], [])
    assert judge(flow, [an_arrival("a", {"x": 1}), an_arrival("a")]).is_complete
    assert judge(flow, [an_arrival("a", {"x": "9111"})]).wrong


def test_a_deletion_with_data_is_wrong() -> None:
    verdict = judge(a_flow(a=Wanted(deleted=True)), [an_arrival("a", {"x": 1})])
    assert verdict.wrong == ["a: has data, but should be a deletion"]


def test_an_answer_may_leave_fields_out_but_not_add_any() -> None:
    wanted = Wanted(within=("/ditemukan", "/penduduk/nama"))
    assert judge(a_flow(a=wanted), [an_arrival("a", {"ditemukan": False})]).is_complete
    verdict = judge(a_flow(a=wanted), [an_arrival("a", {"penduduk": {"nik": "3524015203889002"}})])
    assert verdict.wrong == ["a: /penduduk/nik is outside the grant"]


def test_a_row_in_an_earlier_state_is_still_missing() -> None:
    flow = a_flow(a=Wanted(at_least={"/nilai": 2}))
    assert judge(flow, [an_arrival("a", {"nilai": 1})]).missing == ["a"]
    assert judge(flow, [an_arrival("a", {"nilai": 1}), an_arrival("a", {"nilai": 2})]).is_complete
