"""Refused events by source and id, for their senders: what became of an event that the journal does not have.

Promise: a row holds nothing that the sender chose, but a digest of the event's source and id. Each participant has a bounded
number of rows, however many of its events are refused.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import sqlalchemy as sa

from bus import clock, json
from bus.problem import Refused
from bus.refusals.refusal import Refusal
from bus.refusals.tables import REFUSED_EVENTS
from bus.storage import Transaction

KEPT_DAYS: Final = 7
KEPT_EACH: Final = 1_000
"""Rows that one participant has; its newest refusals stay."""

_DAY: Final = 24 * 3_600_000_000
_DIGEST_BYTES: Final = 16
_WAITING_EACH: Final = 200
"""Refused events of one participant that may wait for the database."""
_WAITING: Final = 2_000
_STEP: Final = 500

_TABLE: Final = REFUSED_EVENTS.c
_ADD: Final = sa.text("""
    INSERT INTO refused_events (event, participant, at, status, slug, title, places)
    VALUES (:event, :participant, :at, :status, :slug, :title, :places)
    ON CONFLICT (event) DO UPDATE SET
        at = excluded.at, status = excluded.status, slug = excluded.slug, title = excluded.title, places = excluded.places
""")
_BOUND: Final = sa.text("""
    DELETE FROM refused_events WHERE participant = :participant AND at < (
        SELECT at FROM refused_events WHERE participant = :participant ORDER BY at DESC LIMIT 1 OFFSET :most
    )
""")
_FORGET: Final = sa.delete(REFUSED_EVENTS).where(
    _TABLE.event.in_(
        sa.select(_TABLE.event)
        .where(_TABLE.at < sa.bindparam("before"))
        .order_by(_TABLE.at)
        .limit(_STEP)
        .scalar_subquery()
    )
)


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """The last refusal of one event.

    Attributes:
        at: when it was refused.
        status: of the problem.
        slug: of the problem.
        title: of the problem.
        places: the broken rules, each with its pointer as `fold_pointer` writes it.
    """

    at: datetime
    status: int
    slug: str
    title: str
    places: tuple[tuple[str, str], ...]


class RecentRefusals:
    """Gathers refused events until `take` hands them out. Belongs to one thread."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, Mapping[str, Any]] = {}
        self._of: Counter[str] = Counter()

    def note(self, refused: Refused, refusals: Sequence[Refusal], event: Any, at: int) -> None:
        """Note the refusal of one event, if its source and id are known and there is room.

        Args:
            refused: the refusal.
            refusals: as the tally counts it.
            event: the parsed CloudEvent. Any other value has no source and id.
            at: the time, in microseconds since 1970.
        """
        source, named = (event.get("source"), event.get("id")) if type(event) is dict else (None, None)
        if type(source) is not str or type(named) is not str:
            return
        sender = refusals[0].participant
        name = name_event(sender, source, named)
        if name not in self._waiting:
            if len(self._waiting) >= _WAITING or self._of[sender] >= _WAITING_EACH:
                return
            self._of[sender] += 1
        self._waiting[name] = {
            "event": name,
            "participant": sender,
            "at": at,
            "status": refused.status,
            "slug": refused.slug,
            "title": refused.title,
            "places": json.dumps([[one.rule, one.pointer] for one in refusals]).decode(),
        }

    def take(self) -> Mapping[bytes, Mapping[str, Any]]:
        """The rows since the last call. They are then forgotten."""
        taken, self._waiting = self._waiting, {}
        self._of = Counter()
        return taken

    def put_back(self, taken: Mapping[bytes, Mapping[str, Any]]) -> None:
        """Keep rows that `take` handed out and that could not be written."""
        self._waiting = {**taken, **self._waiting}
        self._of = Counter(str(row["participant"]) for row in self._waiting.values())


def name_event(participant: str, source: str, id: str) -> bytes:
    """Names an event in the database. It holds nothing of what it is made from."""
    text = "\0".join((participant, source, id)).encode(errors="surrogatepass")
    return blake2b(text, digest_size=_DIGEST_BYTES).digest()


def add_events(transaction: Transaction, rows: Mapping[bytes, Mapping[str, Any]]) -> None:
    """Add rows, and delete the oldest of each participant that has too many."""
    if not rows:
        return
    # In order, so that two processes never wait for each other's rows.
    transaction.execute(_ADD, [rows[name] for name in sorted(rows)])
    for participant in sorted({str(row["participant"]) for row in rows.values()}):
        transaction.execute(_BOUND, {"participant": participant, "most": KEPT_EACH - 1})


def forget_events(transaction: Transaction, now: int) -> int:
    """Delete some of the rows that are older than `KEPT_DAYS`, and return how many."""
    return transaction.execute(_FORGET, {"before": now - KEPT_DAYS * _DAY})


def find_event(transaction: Transaction, participant: str, source: str, id: str) -> RefusedEvent | None:
    """The last refusal of a participant's event; None: none is known."""
    row = transaction.one(sa.select(REFUSED_EVENTS).where(_TABLE.event == name_event(participant, source, id)))
    if row is None:
        return None
    places = tuple((rule, pointer) for rule, pointer in json.loads(row.places))
    return RefusedEvent(clock.moment(row.at), row.status, row.slug, row.title, places)
