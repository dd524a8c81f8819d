"""Disclosures: who received whose data, when, under which grant."""

from bus.disclosures.disclose import Shown, disclosures, of_grant, of_shown, shown
from bus.disclosures.log import Channel, Disclosure, DisclosureLog, Found, Noted

__all__ = [
    "Channel",
    "Disclosure",
    "DisclosureLog",
    "Found",
    "Noted",
    "Shown",
    "disclosures",
    "of_grant",
    "of_shown",
    "shown",
]
