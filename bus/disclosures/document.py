"""Disclosures as JSON objects, for the API and the command line."""

from typing import Any

from bus import clock, json
from bus.contracts import Catalogue
from bus.disclosures.disclosure import Found
from bus.disclosures.positions import join_ranges


def to_document(found: Found, catalogue: Catalogue) -> dict[str, Any]:
    """The JSON object of a disclosure from the log."""
    disclosure = found.disclosure
    return {
        "at": clock.rfc3339(found.at),
        "last_at": clock.rfc3339(found.last_at),
        "times": found.times,
        "participant": disclosure.participant,
        "client_id": disclosure.client_id,
        "channel": disclosure.channel.value,
        "contract": catalogue.name_of(disclosure.contract_id),
        "version": disclosure.version,
        "purpose": disclosure.purpose,
        "legal_basis": disclosure.legal_basis,
        "fields": list(disclosure.fields),
        "events": found.events,
        "unsent": found.unsent,
        "set_by": disclosure.set_by,
    }


def write_line(found: Found, catalogue: Catalogue) -> bytes:
    """A line of an export: the JSON object of a disclosure, with `positions` as ranges of the events' places."""
    return json.dumps({**to_document(found, catalogue), "positions": join_ranges(found.positions)}) + b"\n"
