"""Agencies: finds adapters by entry point, polls them, and asks them questions."""

from bus.agencies.holding import TOPIC, Holds, NoSuchAgency, NothingHeld, PollReport
from bus.agencies.job_runner import JobRunner
from bus.agencies.jobs import KEPT, MOST_QUESTIONS, Job, Jobs, QuestionState
from bus.agencies.memory import Held
from bus.agencies.pauses import LONGEST_REASON, PAUSES, AgencyPaused, Pause, Pauses
from bus.agencies.poller import Poller
from bus.agencies.queries import Collected, Queries
from bus.agencies.quotas import QuotaLedger
from bus.agencies.registry import Agencies, find_installed, list_mapped_fields, make_bindings
from bus.agencies.renewal import Renewal

__all__ = [
    "KEPT",
    "LONGEST_REASON",
    "MOST_QUESTIONS",
    "PAUSES",
    "TOPIC",
    "Agencies",
    "AgencyPaused",
    "Collected",
    "Held",
    "Holds",
    "Job",
    "JobRunner",
    "Jobs",
    "NoSuchAgency",
    "NothingHeld",
    "Pause",
    "Pauses",
    "PollReport",
    "Poller",
    "Queries",
    "QuestionState",
    "QuotaLedger",
    "Renewal",
    "find_installed",
    "list_mapped_fields",
    "make_bindings",
]
