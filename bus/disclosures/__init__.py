"""Disclosures: which participant received whose personal data, when, and under which grant."""

from bus.disclosures.disclose import Shown, group_shown, make_disclosure, make_disclosures, make_group_disclosures
from bus.disclosures.disclosure import Channel, Disclosure, Found, Noted, Place, Wanted
from bus.disclosures.log import DisclosureLog
from bus.disclosures.positions import join_ranges
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
    "join_ranges",
    "make_disclosure",
    "make_disclosures",
    "make_group_disclosures",
]
