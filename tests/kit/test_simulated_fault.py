"""Faults of a simulator: which requests they meet, and for how long."""

from random import Random

import pytest

from bus.kit import FaultUnfit, SimulatedFault, SimulatedFaults, parse_simulated_fault

KNOWN = {"down": "503", "latency": "slow", "token": "refused"}


def meets(faults: SimulatedFaults, name: str = "down", *, method: str = "GET", path: str = "/data") -> bool:
    """Whether a fault meets one request."""
    with faults.judge(method, path):
        return name in faults


def test_a_fault_in_a_text_has_its_settings() -> None:
    assert parse_simulated_fault("latency:seconds=2,share=0.5,path=/geo/*") == SimulatedFault(
        name="latency", seconds=2, share=0.5, path="/geo/*"
    )


@pytest.mark.parametrize(
    "text", ["down:sahre=1", "down:share=0", "down:share=2", "down:count=-1", "down:count=x", "down:x"]
)
def test_a_setting_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(FaultUnfit, match="should be NAME:SETTING=VALUE"):
        parse_simulated_fault(text)


def test_an_unknown_fault_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(FaultUnfit, match="did you mean 'latency'"):
        SimulatedFaults(KNOWN, ["latancy"])


def test_a_fault_with_a_count_meets_so_many_requests() -> None:
    faults = SimulatedFaults(KNOWN, ["down:count=2"])
    assert [meets(faults) for _ in range(3)] == [True, True, False]
    assert faults.list_on() == []


def test_a_request_is_counted_once_however_often_it_is_judged() -> None:
    faults = SimulatedFaults(KNOWN, ["down:count=1"])
    with faults.judge("GET", "/data"):
        assert ("down" in faults, "down" in faults) == (True, True)
    assert not meets(faults)


def test_a_fault_meets_the_requests_of_its_path_and_method() -> None:
    faults = SimulatedFaults(KNOWN, ["down:path=/geo/*,method=POST"])
    assert meets(faults, method="POST", path="/geo/1")
    assert not meets(faults, method="GET", path="/geo/1")
    assert not meets(faults, method="POST", path="/token")


def test_a_share_meets_about_so_many_requests() -> None:
    faults = SimulatedFaults(KNOWN, ["down:share=0.3"], random=Random(3524))
    assert 250 < sum(meets(faults) for _ in range(1000)) < 350


def test_a_fault_is_off_after_its_time() -> None:
    at = 100.0
    faults = SimulatedFaults(KNOWN, ["down:lasts=5"], clock=lambda: at)
    assert meets(faults)
    at = 105.0
    assert not meets(faults)


def test_a_fault_that_is_switched_on_again_replaces_itself() -> None:
    faults = SimulatedFaults(KNOWN, ["down:count=9"])
    faults.switch_on(SimulatedFault(name="down", count=1))
    assert [fault.count for fault in faults.list_on()] == [1]


def test_faults_are_switched_off_by_name_or_altogether() -> None:
    faults = SimulatedFaults(KNOWN, ["down", "token", "latency"])
    faults.switch_off("down")
    assert [fault.name for fault in faults.list_on()] == ["token", "latency"]
    faults.switch_off()
    assert not meets(faults, "token")
