"""A simulator: a stand-in for an agency's API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Simulator:
    """A stand-in for an agency's API. The entry point `bus.simulators` names it, and `bus simulate` starts it.

    Attributes:
        create_app: makes the ASGI application, with the given faults on. Beside the agency's own paths it serves
            `GET /_simulator/received`: `{"received": [...]}`, everything that the bus sent to the agency.
        faults: name of each `--fault` to its description.
        settings: the adapter's settings for this simulator, made up, without BASE_URL.
    """

    create_app: Callable[[frozenset[str]], Any]
    faults: Mapping[str, str]
    settings: Mapping[str, str]
