"""The spool's decisions: what is sent next, and what becomes of an event that the bus refuses."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bus_lamongan_client.dialogue import Dialogue, Exchange
from bus_lamongan_client.errors import BusError, CredentialsRefused, FieldError, Refused, Unreachable
from bus_lamongan_client.store import RefusedEvent, Store, StoredEvent

__all__ = ["MAX_AGE", "MAX_BYTES", "RefusedEvent", "Report", "send_spooled"]

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_AGE: Final = 30 * 24 * 3600.0
_MOST: Final = 100
"""Events in a batch."""
_MOST_BYTES: Final = 128 * 1024
"""Bytes in a batch. A slow line breaks off a longer request too often."""
_ABOUT_CLIENT: Final = frozenset({"urn:bus:problem:scope-missing", "urn:bus:problem:not-found"})
"""Problems of the client and its settings: no event is to blame."""
_INDEX: Final = re.compile(r"/(\d+)(/.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the spool's events.

    Attributes:
        sent: events that the bus has now.
        refused: events that it refused; see `Spool.list_refused`.
        waiting: events that are still to be sent.
        error: why sending stopped; None: everything that could be sent is sent.
    """

    sent: int
    refused: int
    waiting: int
    error: BusError | None


def send_spooled(dialogue: Dialogue, store: Store) -> Exchange[Report]:
    """Send what waits, in order for each key.

    A batch is taken whole or not at all. So no event overtakes an earlier one of its key that the bus refuses.
    """
    sent = refused = 0
    error: BusError | None = None
    most = _MOST
    while error is None and (batch := store.read_batch(most, _MOST_BYTES)):
        try:
            yield from dialogue.publish_texts([event.text for event in batch], partial=False)
        except (Unreachable, CredentialsRefused) as failure:
            error = failure
        except Refused as refusal:
            faults = find_faults(refusal, batch)
            if refusal.type in _ABOUT_CLIENT:
                error = refusal
            elif faults:
                for event, reasons in faults:
                    store.set_aside(event, reasons)
                refused += len(faults)
            else:
                most = len(batch) // 2
        else:
            store.remove(batch)
            sent += len(batch)
            most = min(_MOST, most * 2)
    return Report(sent, refused, store.count_waiting(), error)


def find_faults(refusal: Refused, batch: Sequence[StoredEvent]) -> list[tuple[StoredEvent, list[FieldError]]]:
    """The first event of each key that the bus refuses, with the reasons. Empty: the refusal names no event of several."""
    reasons: dict[int, list[FieldError]] = {}
    for error in refusal.errors:
        place = _INDEX.fullmatch(error.pointer)
        if place and int(place[1]) < len(batch):
            reasons.setdefault(int(place[1]), []).append(FieldError(place[2] or "", error.detail))
    if not reasons and len(batch) == 1:
        reasons[0] = [FieldError("", refusal.detail or refusal.title)]
    first: dict[str, tuple[StoredEvent, list[FieldError]]] = {}
    for index in sorted(reasons):
        first.setdefault(batch[index].key, (batch[index], reasons[index]))
    return list(first.values())
