"""The conformance suite finds each flaw of an adapter, and none in an adapter that is right."""

from collections.abc import Iterator
from typing import Any

import pytest

from bus.kit import Failure
from bus.kit.conformance import AdapterConformance, RunningAgency
from tests.kit.a_tiny_agency import NIK, SIMULATOR, a_case

pytestmark = pytest.mark.process

FLAWS: list[tuple[str, str, dict[str, str]]] = [
    ("lacks a method", "test_an_operation_is_done_by_a_method", {"operation": "tanya"}),
    ("forgets an outcome", "test_an_undisturbed_operation_succeeds", {"operation": "surat"}),
    ("sends again", "test_an_event_that_is_sent_again_changes_nothing", {"delivery": "surat"}),
    ("sends again", "test_an_event_whose_answer_was_lost_arrives_once", {"delivery": "surat", "loss": "drop-answer"}),
    ("kills events", "test_an_outage_is_waited_out", {"operation": "surat", "outage": "down"}),
    ("believes HTTP 200", "test_an_outage_is_waited_out", {"operation": "daftar", "outage": "garbage"}),
    ("lets errors through", "test_an_outage_is_waited_out", {"operation": "tanya", "outage": "drop"}),
    ("takes silence for success", "test_an_outage_is_waited_out", {"operation": "surat", "outage": "drop-midway"}),
    ("waits for ever", "test_an_outage_is_waited_out", {"operation": "surat", "outage": "slow"}),
    (
        "classes all as transient",
        "test_a_fault_of_the_agency_has_its_class",
        {"operation": "surat", "own_fault": "closed"},
    ),
    (
        "forgets the wait",
        "test_the_agency_is_given_the_time_that_it_asks_for",
        {"operation": "tanya", "refusal": "down"},
    ),
    ("repeats the answer", "test_an_answer_that_repeats_the_request_leaks_nothing", {"operation": "surat"}),
    ("logs a person", "test_no_fault_leaks_anything", {"operation": "surat"}),
    ("logs the address", "test_no_fault_leaks_anything", {"operation": "daftar"}),
    ("remembers the page", "test_a_poll_goes_on_from_its_cursor_alone", {"poll": "daftar"}),
    ("takes a fault for the end", "test_a_step_that_failed_is_read_again_from_its_cursor", {"poll": "daftar"}),
    ("repeats keys", "test_rows_are_json_with_keys_of_their_own", {"poll": "daftar"}),
    (
        "takes silence for success",
        "test_a_broken_connection_is_waited_out",
        {"operation": "surat", "manner": "talks nonsense"},
    ),
    (
        "takes silence for success",
        "test_a_broken_connection_is_waited_out",
        {"operation": "daftar", "manner": "half-closes"},
    ),
    ("waits for ever", "test_a_broken_connection_is_waited_out", {"operation": "tanya", "manner": "stays silent"}),
    ("swallows cancellation", "test_a_call_that_is_cancelled_ends_and_holds_up_no_other", {"operation": "surat"}),
    ("keeps a lock", "test_a_call_that_is_cancelled_ends_and_holds_up_no_other", {"operation": "tanya"}),
    ("works alone", "test_many_calls_at_once_all_end", {"operation": "tanya"}),
    ("trusts the clock", "test_a_clock_that_jumps_changes_nothing", {"operation": "daftar"}),
    ("loses keys", "test_a_push_of_the_agency_gives_rows", {"push": "kabar"}),
    ("lets anybody in", "test_a_push_without_the_agencys_proof_is_refused", {"push": "kabar"}),
    ("keeps old proofs", "test_a_proof_that_is_too_old_is_refused", {"push": "kabar"}),
    ("numbers rows", "test_a_push_that_comes_again_gives_the_same_rows", {"push": "kabar"}),
    ("breaks at nonsense", "test_a_push_of_nonsense_is_refused_and_breaks_nothing", {"push": "kabar"}),
    ("answers with its secret", "test_each_verdict_has_an_answer_without_secrets", {"push": "kabar"}),
    ("logs a push", "test_no_push_leaks_anything", {"push": "kabar"}),
    ("uses the proxy", "test_a_proxy_of_the_environment_is_not_used", {"operation": "tanya"}),
]
"""A flaw, the check that finds it, and the check's arguments."""

_OF_CHECKS = {"test_a_clock_that_jumps_changes_nothing", "test_a_proxy_of_the_environment_is_not_used"}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningAgency]:
    """One server for all checks."""
    with RunningAgency(SIMULATOR) as running:
        yield running


def run_check(case: AdapterConformance, name: str, server: RunningAgency, **arguments: Any) -> None:
    """Run one check of the suite."""
    server.renew()
    if name != "test_a_broken_connection_is_waited_out" and "push" not in arguments:
        arguments["agency"] = server
    if name not in _OF_CHECKS:
        arguments.pop("monkeypatch")
    getattr(case, name)(**arguments)


@pytest.mark.parametrize(("flaw", "check", "arguments"), FLAWS, ids=[f"{flaw}: {check}" for flaw, check, _ in FLAWS])
def test_a_flaw_is_found_and_its_absence_too(
    flaw: str, check: str, arguments: dict[str, str], server: RunningAgency, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_check(a_case(), check, server, **arguments, monkeypatch=monkeypatch)
    monkeypatch.undo()
    with pytest.raises((Exception, pytest.fail.Exception)) as found:
        run_check(a_case(flaw), check, server, **arguments, monkeypatch=monkeypatch)
    if flaw != "breaks at nonsense":
        assert not isinstance(found.value, (TypeError, AttributeError, KeyError))


def test_every_check_has_a_flaw_that_it_finds() -> None:
    checks = {name for name in dir(AdapterConformance) if name.startswith("test_")}
    of_the_case = {name for name in checks if name.startswith(("test_names_", "test_the_case_"))}
    assert checks - of_the_case == {check for _, check, _ in FLAWS}


@pytest.mark.parametrize(
    ("check", "attributes"),
    [
        ("test_the_case_names_what_each_operation_needs", {"events": {}}),
        ("test_the_case_names_what_each_operation_needs", {"questions": {}}),
        ("test_the_case_names_what_each_operation_needs", {"events": {"surat": []}}),
        ("test_the_case_names_what_each_operation_needs", {"pushes": {}}),
        ("test_the_case_names_each_fault_of_the_agency", {"faults": {}}),
        ("test_the_case_names_each_fault_of_the_agency", {"faults": {"closed": {"surta": Failure.SINK_DOWN}}}),
        ("test_the_case_names_each_fault_of_the_agency", {"faults": {"closed": {}, "token": Failure.SINK_DOWN}}),
    ],
)
def test_a_case_that_is_not_whole_is_found(check: str, attributes: dict[str, Any]) -> None:
    getattr(a_case(), check)()
    with pytest.raises(AssertionError):
        getattr(a_case(**attributes), check)()


def test_two_operations_of_one_name_are_found() -> None:
    case = a_case()
    case.test_names_are_given_once()
    case.factory.operations = case.factory.operations[:1] * 2  # type: ignore[misc]
    with pytest.raises(AssertionError):
        case.test_names_are_given_once()


def test_a_leak_is_reported_without_what_leaked(server: RunningAgency, capfd: pytest.CaptureFixture[str]) -> None:
    server.renew()
    with pytest.raises(AssertionError) as found:
        a_case("logs a person").test_no_fault_leaks_anything(server, "surat")
    assert NIK not in str(found.value)


def test_a_simulator_without_a_state_is_told_so(server: RunningAgency) -> None:
    server.renew()
    server.read_state = dict  # type: ignore[method-assign]
    try:
        with pytest.raises(AssertionError, match="show_state"):
            a_case().test_an_event_that_is_sent_again_changes_nothing(server, "surat")
    finally:
        del server.read_state
