"""Searches of the disclosure log. A page costs what it holds, not what the log holds."""

from collections.abc import Iterator, Sequence
from heapq import nlargest
from itertools import islice
from typing import Final, NamedTuple

from bus import clock, json
from bus.disclosures import statements
from bus.disclosures.disclosure import Channel, Disclosure, Found, Place, Wanted
from bus.disclosures.positions import count_positions, unpack_positions
from bus.disclosures.recipients import select_recipients
from bus.disclosures.stretches import holds_position, list_blocks, pack_position
from bus.journal import Persons
from bus.storage import Storage, Transaction

_LAST: Final = 2**63 - 1
_DAY: Final = 24 * 3600 * 1_000_000
_FEWEST: Final = 100
"""Rows about a person that are read together: the search's other conditions may leave few of them."""


class _Row(NamedTuple):
    """A row of the log with its recipient, in the columns of `statements.ROWS`."""

    id: int
    at: int
    last_at: int
    times: int
    recipient_id: int
    person: str | None
    positions: bytes | None
    unsent: bytes | None
    participant: str
    client_id: str | None
    channel: str
    contract_id: int
    version: str
    purpose: str
    legal_basis: str
    fields: str
    set_by: str | None


def search(storage: Storage, persons: Persons, wanted: Wanted, after: Place | None, limit: int) -> list[Found]:
    """At most `limit` rows of the log, newest first; `DisclosureLog.search` says what the arguments are."""
    if wanted.person is None:
        with storage.read() as transaction:
            return _read_page(transaction, wanted, after or Place(_LAST, _LAST), limit)
    about = _Person(wanted.person, persons.events_about(wanted.person))
    with storage.read() as transaction:
        chosen = frozenset(select_recipients(transaction, wanted))
        rows = _read_about(transaction, about, _LAST if after is None else after.id, limit)
        fitting = (row for row in rows if row.recipient_id in chosen and _is_within(row, wanted) and about.is_in(row))
        return [_make_found(row) for row in islice(fitting, limit)]


def _read_page(transaction: Transaction, wanted: Wanted, after: Place, limit: int) -> list[Found]:
    since = clock.micros(wanted.since) if wanted.since else 0
    until = clock.micros(wanted.until) if wanted.until else _LAST
    before = min(after, Place(until, 0))
    asked = {
        "recipients": transaction.numbers(select_recipients(transaction, wanted)),
        "at": before.at,
        "id": before.id,
        "since": since,
        # A row's last time is on the day of its first time.
        "day": since - since % _DAY,
        "limit": limit,
    }
    ids = [row[0] for row in transaction.rows(statements.PAGE, asked)]
    return [_make_found(row) for row in _read_rows(transaction, ids)]


class _Person:
    """A data subject, and the events about the person by contract."""

    def __init__(self, person: str, events: Sequence[tuple[int, int]]) -> None:
        self.person = person
        self.positions = [position for position, _ in events]
        self._events = frozenset(self.positions)

    def is_in(self, row: _Row) -> bool:
        """Whether a row is about the person. Its stretches are as they were before some of its events did not leave."""
        return (
            row.unsent is None
            or row.person == self.person
            or not self._events.isdisjoint(unpack_positions(row.positions))
        )


def _read_about(transaction: Transaction, about: _Person, before: int, limit: int) -> Iterator[_Row]:
    """Rows whose answers or stretches hold the person, the newest first."""
    together = max(limit, _FEWEST)
    while ids := _find_newest(transaction, about, before, together):
        yield from _read_rows(transaction, ids)
        if len(ids) < together:
            return
        before = ids[-1]


def _find_newest(transaction: Transaction, about: _Person, before: int, limit: int) -> list[int]:
    """The ids of the newest rows about a person, the newest first. Memory holds few more than `limit` ids."""
    asked = {"person": about.person, "before": before, "limit": limit}
    ids = {row[0] for row in transaction.rows(statements.ANSWERS, asked)}
    too_old = 0
    for number in _cover(transaction, about, before):
        if number > too_old:
            ids.add(number)
        if len(ids) > 4 * limit:
            ids = set(nlargest(limit, ids))
            too_old = min(ids)
    return nlargest(limit, ids)


def _cover(transaction: Transaction, about: _Person, before: int) -> Iterator[int]:
    """The ids of rows whose stretches hold an event about a person; an id may come several times."""
    for position in about.positions:
        blocks, packed = transaction.numbers(list_blocks(position)), pack_position(position)
        asked = {"blocks": blocks, "position": position, "packed": packed, "before": before}
        rows = transaction.rows(statements.COVERING, asked)
        yield from [number for number, held in rows if holds_position(held, position)]


def _read_rows(transaction: Transaction, ids: Sequence[int]) -> list[_Row]:
    """The rows with some ids, in their order."""
    rows = {row[0]: row for row in transaction.rows(statements.ROWS, {"ids": transaction.numbers(ids)})}
    return [_Row(*rows[number]) for number in ids]


def _is_within(row: _Row, wanted: Wanted) -> bool:
    since, until = wanted.since, wanted.until
    return (since is None or row.last_at >= clock.micros(since)) and (until is None or row.at < clock.micros(until))


def _make_found(row: _Row) -> Found:
    disclosure = Disclosure(
        participant=row.participant,
        client_id=row.client_id,
        channel=Channel(row.channel),
        contract_id=row.contract_id,
        version=row.version,
        purpose=row.purpose,
        legal_basis=row.legal_basis,
        fields=json.loads(row.fields),
        person=row.person,
        set_by=row.set_by,
    )
    moments = clock.moment(row.at), clock.moment(row.last_at)
    return Found(Place(row.at, row.id), *moments, row.times, disclosure, row.positions, count_positions(row.unsent))
