"""A simulator: a stand-in for an agency's API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Simulator:
    """A stand-in for an agency's API, named by the entry point `bus.simulators` and started by `bus simulate`.

    Attributes:
        create_app: makes the ASGI application with the given faults switched on. Beside the agency's own paths it serves
            `GET /_simulator/received`: `{"received": [...]}`, all that the agency was sent, for tests and the demo.
        faults: name and description of each `--fault`.
        settings: what `BUS_ADAPTERS__<AGENCY>__…` must hold, beside BASE_URL, for the adapter to be let in (made-up credentials).
    """

    create_app: Callable[[frozenset[str]], Any]
    faults: Mapping[str, str]
    settings: Mapping[str, str]
