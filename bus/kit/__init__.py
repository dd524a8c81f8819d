"""The kit: what an agency's adapter is written with, and all of the bus that an adapter imports.

It is a leaf, so that an adapter builds on nothing that the bus may change inside. See docs/decisions/kit-is-a-leaf.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from bus.clock import WIB as WIB
from bus.clock import local_date as local_date
from bus.clock import now as now
from bus.json import canonical as canonical
from bus.kit.classification import Classification as Classification
from bus.kit.event import BUS_ATTRIBUTES as BUS_ATTRIBUTES
from bus.kit.event import CORE_ATTRIBUTES as CORE_ATTRIBUTES
from bus.kit.event import Event as Event
from bus.kit.event import Extension as Extension
from bus.kit.event import from_document as from_document
from bus.kit.event import sequence as sequence
from bus.problem import Refused as Refused

if TYPE_CHECKING:
    from bus.kit.adapter import DELIVERED as DELIVERED
    from bus.kit.adapter import Adapter as Adapter
    from bus.kit.adapter import AdapterFactory as AdapterFactory
    from bus.kit.adapter import AdapterSettings as AdapterSettings
    from bus.kit.adapter import AgencyFault as AgencyFault
    from bus.kit.adapter import AgencyRefused as AgencyRefused
    from bus.kit.adapter import AgencyUnavailable as AgencyUnavailable
    from bus.kit.adapter import Does as Does
    from bus.kit.adapter import Failure as Failure
    from bus.kit.adapter import Operation as Operation
    from bus.kit.adapter import Outcome as Outcome
    from bus.kit.adapter import Polled as Polled
    from bus.kit.adapter import Question as Question
    from bus.kit.adapter import QuotaExhausted as QuotaExhausted
    from bus.kit.adapter import Simulator as Simulator
    from bus.kit.adapter import http_client as http_client
    from bus.kit.changes import MOST_EVENTS as MOST_EVENTS
    from bus.kit.changes import digest as digest
    from bus.kit.changes import look as look
    from bus.kit.exchange import MOST_BYTES as MOST_BYTES
    from bus.kit.exchange import by_status as by_status
    from bus.kit.exchange import folded as folded
    from bus.kit.exchange import json_object as json_object
    from bus.kit.exchange import require_success as require_success
    from bus.kit.exchange import send_request as send_request
    from bus.kit.exchange import status_fault as status_fault
    from bus.kit.gateway import Gateway as Gateway
    from bus.kit.gateway import SplpSettings as SplpSettings
    from bus.kit.gateway_simulator import GATEWAY_FAULTS as GATEWAY_FAULTS
    from bus.kit.gateway_simulator import GATEWAY_SETTINGS as GATEWAY_SETTINGS
    from bus.kit.gateway_simulator import gateway_app as gateway_app
    from bus.kit.simulator import OUTAGES as OUTAGES
    from bus.kit.simulator import simulator_app as simulator_app
    from bus.kit.tls import trusting as trusting

_LATE: Final = {
    "adapter": (
        "DELIVERED",
        "Adapter",
        "AdapterFactory",
        "AdapterSettings",
        "AgencyFault",
        "AgencyRefused",
        "AgencyUnavailable",
        "Does",
        "Failure",
        "Operation",
        "Outcome",
        "Polled",
        "Question",
        "QuotaExhausted",
        "Simulator",
        "http_client",
    ),
    "changes": (
        "MOST_EVENTS",
        "digest",
        "look",
    ),
    "exchange": (
        "MOST_BYTES",
        "by_status",
        "folded",
        "json_object",
        "require_success",
        "send_request",
        "status_fault",
    ),
    "gateway": (
        "Gateway",
        "SplpSettings",
    ),
    "gateway_simulator": (
        "GATEWAY_FAULTS",
        "GATEWAY_SETTINGS",
        "gateway_app",
    ),
    "simulator": (
        "OUTAGES",
        "simulator_app",
    ),
    "tls": ("trusting",),
}
"""The modules that need a library of their own, and their names. Each is loaded when a name of it is first asked for."""


def __getattr__(name: str) -> Any:
    """Load a name from its module (PEP 562): a command that needs `Event` alone does without httpx and FastAPI."""
    for module, names in _LATE.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
