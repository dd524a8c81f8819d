"""How an agency stands as a whole: what stops it comes before what it holds, and what is wrong comes first."""

from bus import clock
from bus.agencies import KnownAgency, Pause
from bus.delivery import AgencySink, Health
from bus.status import Standing
from bus.status.agency import sum_agencies

NOW = clock.now()


def a_pause(agency: str, operation: str | None = None) -> Pause:
    return Pause(agency, operation, "pemeliharaan", "operator", NOW)


def test_an_adapter_that_is_off_is_off_also_under_a_pause() -> None:
    (state,) = sum_agencies([KnownAgency("pupr", off="no token")], [a_pause("pupr")], [], [])
    assert (state.standing, state.why, state.is_troubled) == (Standing.OFF, "no token", True)


def test_a_pause_of_one_operation_leaves_the_agency_serving() -> None:
    (state,) = sum_agencies([KnownAgency("pupr")], [a_pause("pupr", "ruas")], [], [])
    assert (state.standing, state.why) == (Standing.SERVING, None)


def test_an_agency_that_is_left_in_peace_or_has_no_quota_comes_first() -> None:
    known = [KnownAgency("a"), KnownAgency("b", quota_daily=9, quota_left=0), KnownAgency("c", is_left_in_peace=True)]
    states = sum_agencies(known, [], [], [])
    assert [(one.known.name, one.is_troubled) for one in states] == [("b", True), ("c", True), ("a", False)]


def test_a_delivery_that_fails_tells_of_its_agency_without_settings() -> None:
    health = Health(failed_at=NOW, failing_since=NOW, circuit_since=NOW, detail="PUPR answered 500")
    (state,) = sum_agencies([], [], [], [(AgencySink("pupr", "ruas"), health), (AgencySink("pupr", "lain"), Health())])
    failure = state.last_failure
    assert failure is not None
    assert (state.known.name, failure.detail, state.is_delivery_open) == ("pupr", "PUPR answered 500", True)
