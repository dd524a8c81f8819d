"""A simulator: a stand-in for an agency's API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bus.kit.simulated_fault import SimulatedFaults


@dataclass(frozen=True, slots=True)
class Simulator:
    """A stand-in for an agency's API. The entry point `bus.simulators` names it, and `bus simulate` starts it.

    Attributes:
        create_app: makes the ASGI application, as `make_simulator_app` does. It gets the faults: `"token" in faults` says
            whether a fault meets the request that is being answered.
        faults: each fault and its description: `OUTAGES`, and the agency's own.
        settings: the adapter's settings for this simulator, made up, without BASE_URL.
    """

    create_app: "Callable[[SimulatedFaults], Any]"
    faults: Mapping[str, str]
    settings: Mapping[str, str]
