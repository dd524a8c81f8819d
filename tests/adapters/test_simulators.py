"""What all five simulators have for a developer."""

from importlib.metadata import entry_points

import pytest

from bus.kit import OUTAGES, SimulatedFaults

SIMULATORS = {entry.name: entry for entry in entry_points(group="bus.simulators")}


@pytest.mark.parametrize("agency", sorted(SIMULATORS))
def test_each_operation_is_described(agency: str) -> None:
    simulator = SIMULATORS[agency].load()
    paths = simulator.create_app(SimulatedFaults(simulator.faults)).openapi()["paths"]
    operations = [(path, method, said) for path, item in paths.items() for method, said in item.items()]
    assert any(not path.startswith("/_simulator") for path, _, _ in operations)
    assert [(path, method) for path, method, said in operations if not said.get("description")] == []


@pytest.mark.parametrize("agency", sorted(SIMULATORS))
def test_each_has_every_outage_and_errors_of_its_own(agency: str) -> None:
    assert SIMULATORS[agency].load().faults.keys() > OUTAGES.keys()
