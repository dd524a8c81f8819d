"""The kit: all of the bus that an agency's adapter imports.

The kit imports no other room, so that rooms change without breaking adapters. See docs/decisions/kit-is-a-leaf.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from bus.clock import WIB as WIB
from bus.clock import local_date as local_date
from bus.clock import now as now
from bus.json import dump_canonical as dump_canonical
from bus.kit.classification import Classification as Classification
from bus.kit.event import BUS_ATTRIBUTES as BUS_ATTRIBUTES
from bus.kit.event import CORE_ATTRIBUTES as CORE_ATTRIBUTES
from bus.kit.event import Event as Event
from bus.kit.event import Extension as Extension
from bus.kit.event import format_sequence as format_sequence
from bus.kit.failure import DELIVERED as DELIVERED
from bus.kit.failure import Failure as Failure
from bus.kit.failure import Outcome as Outcome
from bus.kit.fault import AgencyFault as AgencyFault
from bus.kit.fault import AgencyRefused as AgencyRefused
from bus.kit.fault import AgencyUnavailable as AgencyUnavailable
from bus.kit.fault import QuotaExhausted as QuotaExhausted
from bus.kit.folding import fold as fold
from bus.kit.operation import Does as Does
from bus.kit.operation import Operation as Operation
from bus.kit.quota import UNLIMITED as UNLIMITED
from bus.kit.quota import Quota as Quota
from bus.kit.simulator import Simulator as Simulator
from bus.kit.unfit import add_unfit as add_unfit
from bus.kit.unfit import hide_unfit as hide_unfit
from bus.kit.waiting import LONGEST_WAIT as LONGEST_WAIT
from bus.kit.waiting import read_next_access as read_next_access
from bus.kit.waiting import read_retry_after as read_retry_after
from bus.kit.words import read_success as read_success
from bus.kit.words import says_absent as says_absent
from bus.kit.words import says_denied as says_denied
from bus.kit.words import says_success as says_success
from bus.kit.words import split_words as split_words
from bus.problem import Refused as Refused

if TYPE_CHECKING:
    from bus.kit.adapter import Adapter as Adapter
    from bus.kit.adapter import AdapterFactory as AdapterFactory
    from bus.kit.adapter import Deliver as Deliver
    from bus.kit.adapter import Poll as Poll
    from bus.kit.adapter import Polled as Polled
    from bus.kit.adapter import Query as Query
    from bus.kit.adapter import Question as Question
    from bus.kit.adapter import deliver_one_by_one as deliver_one_by_one
    from bus.kit.answer import MOST_ROWS as MOST_ROWS
    from bus.kit.answer import Allowance as Allowance
    from bus.kit.answer import parse_object as parse_object
    from bus.kit.answer import read_answer as read_answer
    from bus.kit.answer import read_as_sent as read_as_sent
    from bus.kit.answer import read_beginning as read_beginning
    from bus.kit.answer import read_list as read_list
    from bus.kit.answer import read_object as read_object
    from bus.kit.answer import round_decimal as round_decimal
    from bus.kit.answer import run_apart as run_apart
    from bus.kit.exchange import MOST_BYTES as MOST_BYTES
    from bus.kit.exchange import classify_status as classify_status
    from bus.kit.exchange import make_http_client as make_http_client
    from bus.kit.exchange import make_status_fault as make_status_fault
    from bus.kit.exchange import require_success as require_success
    from bus.kit.exchange import send_request as send_request
    from bus.kit.figures import read_decimal as read_decimal
    from bus.kit.figures import read_number as read_number
    from bus.kit.figures import read_rupiah as read_rupiah
    from bus.kit.gateway import Gateway as Gateway
    from bus.kit.gateway import SplpSettings as SplpSettings
    from bus.kit.gateway_simulator import GATEWAY_APIKEY as GATEWAY_APIKEY
    from bus.kit.gateway_simulator import GATEWAY_FAULTS as GATEWAY_FAULTS
    from bus.kit.gateway_simulator import GATEWAY_SETTINGS as GATEWAY_SETTINGS
    from bus.kit.gateway_simulator import make_gateway_app as make_gateway_app
    from bus.kit.outage import OUTAGES as OUTAGES
    from bus.kit.population import FAMILY_NAMES as FAMILY_NAMES
    from bus.kit.population import POPULATION_SEED as POPULATION_SEED
    from bus.kit.population import SEMBUNG as SEMBUNG
    from bus.kit.population import TODAY as TODAY
    from bus.kit.population import make_alamat as make_alamat
    from bus.kit.population import make_all_penduduk as make_all_penduduk
    from bus.kit.population import make_full_name as make_full_name
    from bus.kit.population import make_keluarga as make_keluarga
    from bus.kit.population import make_nik as make_nik
    from bus.kit.population import make_penduduk as make_penduduk
    from bus.kit.population import make_population as make_population
    from bus.kit.population import pick_birth_date as pick_birth_date
    from bus.kit.population import pick_day as pick_day
    from bus.kit.push import Push as Push
    from bus.kit.push import PushAnswer as PushAnswer
    from bus.kit.push import PushRequest as PushRequest
    from bus.kit.push import PushUnreadable as PushUnreadable
    from bus.kit.push import Verdict as Verdict
    from bus.kit.rows import Row as Row
    from bus.kit.rows import Rows as Rows
    from bus.kit.rows import RowUnreadable as RowUnreadable
    from bus.kit.rows import digest as digest
    from bus.kit.rows import read_rows as read_rows
    from bus.kit.settings import AdapterSettings as AdapterSettings
    from bus.kit.settings import BaseUrl as BaseUrl
    from bus.kit.simulated_fault import FaultUnfit as FaultUnfit
    from bus.kit.simulated_fault import SimulatedFault as SimulatedFault
    from bus.kit.simulated_fault import SimulatedFaults as SimulatedFaults
    from bus.kit.simulated_fault import parse_simulated_fault as parse_simulated_fault
    from bus.kit.simulator_app import SimulatorApp as SimulatorApp
    from bus.kit.simulator_app import make_simulator_app as make_simulator_app
    from bus.kit.tls import get_tls_context as get_tls_context
    from bus.kit.wilayah import Wilayah as Wilayah
    from bus.kit.wilayah import read_wilayah as read_wilayah

_LATE: Final = {
    "Adapter": "adapter",
    "AdapterFactory": "adapter",
    "Deliver": "adapter",
    "Poll": "adapter",
    "Polled": "adapter",
    "Query": "adapter",
    "Question": "adapter",
    "deliver_one_by_one": "adapter",
    "MOST_ROWS": "answer",
    "Allowance": "answer",
    "read_beginning": "answer",
    "parse_object": "answer",
    "read_answer": "answer",
    "read_as_sent": "answer",
    "read_list": "answer",
    "read_object": "answer",
    "round_decimal": "answer",
    "run_apart": "answer",
    "MOST_BYTES": "exchange",
    "classify_status": "exchange",
    "make_http_client": "exchange",
    "require_success": "exchange",
    "send_request": "exchange",
    "make_status_fault": "exchange",
    "read_decimal": "figures",
    "read_number": "figures",
    "read_rupiah": "figures",
    "Gateway": "gateway",
    "SplpSettings": "gateway",
    "GATEWAY_APIKEY": "gateway_simulator",
    "GATEWAY_FAULTS": "gateway_simulator",
    "GATEWAY_SETTINGS": "gateway_simulator",
    "make_gateway_app": "gateway_simulator",
    "OUTAGES": "outage",
    "FAMILY_NAMES": "population",
    "POPULATION_SEED": "population",
    "SEMBUNG": "population",
    "TODAY": "population",
    "make_alamat": "population",
    "make_all_penduduk": "population",
    "make_full_name": "population",
    "make_keluarga": "population",
    "make_nik": "population",
    "make_penduduk": "population",
    "make_population": "population",
    "pick_birth_date": "population",
    "pick_day": "population",
    "Push": "push",
    "PushAnswer": "push",
    "PushRequest": "push",
    "PushUnreadable": "push",
    "Verdict": "push",
    "Row": "rows",
    "RowUnreadable": "rows",
    "Rows": "rows",
    "digest": "rows",
    "read_rows": "rows",
    "AdapterSettings": "settings",
    "BaseUrl": "settings",
    "FaultUnfit": "simulated_fault",
    "SimulatedFault": "simulated_fault",
    "SimulatedFaults": "simulated_fault",
    "parse_simulated_fault": "simulated_fault",
    "SimulatorApp": "simulator_app",
    "make_simulator_app": "simulator_app",
    "get_tls_context": "tls",
    "Wilayah": "wilayah",
    "read_wilayah": "wilayah",
}
"""Each name whose module needs a library, and that module. The first use of a name loads its module."""


def __getattr__(name: str) -> Any:
    """The value of a name in `_LATE`, loaded from its module (PEP 562).

    A command that needs `Event` alone loads neither httpx nor FastAPI.

    Raises:
        AttributeError: the kit has no such name.
    """
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
