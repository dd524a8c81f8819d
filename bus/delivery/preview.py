"""The preview of a replay: how many events and keys it would deliver under the grants of today. It delivers nothing."""

import time
from dataclasses import dataclass
from typing import Final

from bus import clock
from bus.contracts import Catalogue
from bus.delivery.routing import Router
from bus.delivery.subscription import Subscription
from bus.journal import History, JournalReader

_STEP: Final = 500
_SECONDS: Final = 2.0
"""How long a preview looks. A replay of millions of events is told as a part."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a replay would deliver.

    Attributes:
        events: how many events.
        keys: how many different keys of records these events have.
        until: the events up to this position were looked at.
        is_whole: whether this is the whole replay. False: there are more events.
    """

    events: int
    keys: int
    until: int
    is_whole: bool


def preview_replay(
    journal: JournalReader, catalogue: Catalogue, subscription: Subscription, after: int, until: int
) -> Preview:
    """What a replay of the events after one position, up to another, would deliver. Synchronous: call it from a thread."""
    names = [name for name in subscription.contracts if catalogue.has_active(name)]
    contract_ids = [catalogue.newest(name).contract_id for name in names]
    router, today, ends = Router(catalogue, [subscription]), clock.today(), time.monotonic() + _SECONDS
    events, keys, is_last = 0, set[tuple[int, str]](), not contract_ids
    while not is_last and time.monotonic() < ends:
        entries, is_last = journal.of_contracts(contract_ids, after, until, _STEP)
        before = History(journal, entries).before
        for entry in entries:
            if router.make_replayed(entry, subscription, today, before) is not None:
                events += 1
                if entry.key is not None:
                    keys.add((entry.contract_id, entry.key))
        after = entries[-1].position if entries else until
    return Preview(events, len(keys), until if is_last else after, is_last)
