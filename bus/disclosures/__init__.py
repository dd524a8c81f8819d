"""Disclosures: which participant received whose personal data, when, and under which grant."""

from bus.disclosures.disclose import Shown, group_shown, make_disclosure, make_disclosures, make_group_disclosures
from bus.disclosures.disclosure import Channel, Disclosure, Found, Noted, Place, Wanted
from bus.disclosures.document import to_document, write_line
from bus.disclosures.log import DisclosureLog
from bus.disclosures.looks import Looks
from bus.disclosures.opening import HIDDEN, EventUnknown, Openings, ShownEvent, hide_values
from bus.disclosures.reason import LONGEST_REASON, ReasonMissing, check_reason
from bus.disclosures.retention import Retention

__all__ = [
    "HIDDEN",
    "LONGEST_REASON",
    "Channel",
    "Disclosure",
    "DisclosureLog",
    "EventUnknown",
    "Found",
    "Looks",
    "Noted",
    "Openings",
    "Place",
    "ReasonMissing",
    "Retention",
    "Shown",
    "ShownEvent",
    "Wanted",
    "check_reason",
    "group_shown",
    "hide_values",
    "make_disclosure",
    "make_disclosures",
    "make_group_disclosures",
    "to_document",
    "write_line",
]
