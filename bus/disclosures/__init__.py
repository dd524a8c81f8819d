"""Disclosures: which participant received whose personal data, when, and under which grant."""

from bus.disclosures.disclose import Shown, group_shown, make_disclosure, make_disclosures, make_group_disclosures
from bus.disclosures.disclosure import Channel, Disclosure, Found, Noted, Place, Wanted
from bus.disclosures.document import to_document, write_line
from bus.disclosures.log import DisclosureLog
from bus.disclosures.retention import Retention

__all__ = [
    "Channel",
    "Disclosure",
    "DisclosureLog",
    "Found",
    "Noted",
    "Place",
    "Retention",
    "Shown",
    "Wanted",
    "group_shown",
    "make_disclosure",
    "make_disclosures",
    "make_group_disclosures",
    "to_document",
    "write_line",
]
