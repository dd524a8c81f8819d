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
from bus.kit.event import sequence as sequence
from bus.kit.failure import DELIVERED as DELIVERED
from bus.kit.failure import Failure as Failure
from bus.kit.failure import Outcome as Outcome
from bus.kit.fault import AgencyFault as AgencyFault
from bus.kit.fault import AgencyRefused as AgencyRefused
from bus.kit.fault import AgencyUnavailable as AgencyUnavailable
from bus.kit.fault import QuotaExhausted as QuotaExhausted
from bus.kit.operation import Does as Does
from bus.kit.operation import Operation as Operation
from bus.kit.simulator import Simulator as Simulator
from bus.problem import Refused as Refused

if TYPE_CHECKING:
    from bus.kit.adapter import Adapter as Adapter
    from bus.kit.adapter import AdapterFactory as AdapterFactory
    from bus.kit.adapter import Deliver as Deliver
    from bus.kit.adapter import Poll as Poll
    from bus.kit.adapter import Polled as Polled
    from bus.kit.adapter import Query as Query
    from bus.kit.adapter import Question as Question
    from bus.kit.answer import MOST_ROWS as MOST_ROWS
    from bus.kit.answer import Allowance as Allowance
    from bus.kit.answer import beginning as beginning
    from bus.kit.answer import folded as folded
    from bus.kit.answer import json_object as json_object
    from bus.kit.answer import read_answer as read_answer
    from bus.kit.answer import read_object as read_object
    from bus.kit.answer import rounded as rounded
    from bus.kit.answer import run_apart as run_apart
    from bus.kit.changes import MOST_EVENTS as MOST_EVENTS
    from bus.kit.changes import digest as digest
    from bus.kit.changes import find_changes as find_changes
    from bus.kit.exchange import MOST_BYTES as MOST_BYTES
    from bus.kit.exchange import by_status as by_status
    from bus.kit.exchange import http_client as http_client
    from bus.kit.exchange import require_success as require_success
    from bus.kit.exchange import send_request as send_request
    from bus.kit.exchange import status_fault as status_fault
    from bus.kit.gateway import Gateway as Gateway
    from bus.kit.gateway import SplpSettings as SplpSettings
    from bus.kit.gateway_simulator import GATEWAY_FAULTS as GATEWAY_FAULTS
    from bus.kit.gateway_simulator import GATEWAY_SETTINGS as GATEWAY_SETTINGS
    from bus.kit.gateway_simulator import gateway_app as gateway_app
    from bus.kit.outage import OUTAGES as OUTAGES
    from bus.kit.outage import simulator_app as simulator_app
    from bus.kit.settings import AdapterSettings as AdapterSettings
    from bus.kit.tls import trusting as trusting

_LATE: Final = {
    "Adapter": "adapter",
    "AdapterFactory": "adapter",
    "Deliver": "adapter",
    "Poll": "adapter",
    "Polled": "adapter",
    "Query": "adapter",
    "Question": "adapter",
    "MOST_ROWS": "answer",
    "Allowance": "answer",
    "beginning": "answer",
    "folded": "answer",
    "json_object": "answer",
    "read_answer": "answer",
    "read_object": "answer",
    "rounded": "answer",
    "run_apart": "answer",
    "MOST_EVENTS": "changes",
    "digest": "changes",
    "find_changes": "changes",
    "MOST_BYTES": "exchange",
    "by_status": "exchange",
    "http_client": "exchange",
    "require_success": "exchange",
    "send_request": "exchange",
    "status_fault": "exchange",
    "Gateway": "gateway",
    "SplpSettings": "gateway",
    "GATEWAY_FAULTS": "gateway_simulator",
    "GATEWAY_SETTINGS": "gateway_simulator",
    "gateway_app": "gateway_simulator",
    "OUTAGES": "outage",
    "simulator_app": "outage",
    "AdapterSettings": "settings",
    "trusting": "tls",
}
"""Names whose modules need a library. A module is loaded when one of its names is first asked for."""


def __getattr__(name: str) -> Any:
    """Load a name from its module (PEP 562). A command that needs `Event` alone loads neither httpx nor FastAPI."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
