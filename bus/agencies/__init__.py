"""Agencies: finds adapters by entry point and in the register of documents, polls them, and asks them questions."""

from bus.agencies.circuits import OpenCircuits
from bus.agencies.factories import find_adapters, find_installed, list_coded, list_shipped
from bus.agencies.holding import TOPIC, Holds, NoSuchAgency, NothingHeld, PollReport
from bus.agencies.job_runner import JobRunner
from bus.agencies.jobs import KEPT, MOST_QUESTIONS, Job, Jobs, QuestionState
from bus.agencies.known import KnownAgency, list_configured, list_serving
from bus.agencies.memory import Held
from bus.agencies.off import find_off
from bus.agencies.offers import (
    Declared,
    find_factory,
    list_mapped_fields,
    list_names,
    list_polls,
    make_bindings,
    none_declared,
    read_declared,
)
from bus.agencies.pauses import LONGEST_REASON, PAUSES, AgencyPaused, Pause, Pauses
from bus.agencies.poll_failure import PollFailure, PollFailureKind
from bus.agencies.poller import Poller
from bus.agencies.pushes import Pushes
from bus.agencies.queries import Collected, Queries
from bus.agencies.quotas import QuotaLedger
from bus.agencies.registry import AdapterOff, Agencies
from bus.agencies.renewal import Renewal

__all__ = [
    "KEPT",
    "LONGEST_REASON",
    "MOST_QUESTIONS",
    "PAUSES",
    "TOPIC",
    "AdapterOff",
    "Agencies",
    "AgencyPaused",
    "Collected",
    "Declared",
    "Held",
    "Holds",
    "Job",
    "JobRunner",
    "Jobs",
    "KnownAgency",
    "NoSuchAgency",
    "NothingHeld",
    "OpenCircuits",
    "Pause",
    "Pauses",
    "PollFailure",
    "PollFailureKind",
    "PollReport",
    "Poller",
    "Pushes",
    "Queries",
    "QuestionState",
    "QuotaLedger",
    "Renewal",
    "find_adapters",
    "find_factory",
    "find_installed",
    "find_off",
    "list_coded",
    "list_configured",
    "list_mapped_fields",
    "list_names",
    "list_polls",
    "list_serving",
    "list_shipped",
    "make_bindings",
    "none_declared",
    "read_declared",
]
