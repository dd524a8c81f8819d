"""Disclosures: which participant received whose personal data, when, and under which grant."""

from bus.disclosures.disclose import Shown, group_shown, make_disclosure, make_disclosures, make_group_disclosures
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
    "make_group_disclosures",
]
