"""Disclosures: who received whose data, when, under which grant."""

from bus.disclosures.disclose import Shown, group_shown, make_disclosure, make_disclosures, make_disclosures_of_groups
from bus.disclosures.log import Channel, Disclosure, DisclosureLog, Found, Noted

__all__ = [
    "Channel",
    "Disclosure",
    "DisclosureLog",
    "Found",
    "Noted",
    "Shown",
    "group_shown",
    "make_disclosure",
    "make_disclosures",
    "make_disclosures_of_groups",
]
