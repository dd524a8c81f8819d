"""The disclosure log: who received which personal data, when, and under which grant (UU 27/2022, art. 31)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from bus import clock, json
from bus.disclosures import statements
from bus.disclosures.tables import DISCLOSURES
from bus.journal import Persons
from bus.storage import Storage, Transaction
from bus.telemetry import DISCLOSED

_DAY: Final = 24 * 3600 * 1_000_000


class Channel(Enum):
    """The way by which data left the bus."""

    EVENT = "event"
    FEED = "feed"
    RECORDS = "records"
    QUERY = "query"
    WEBHOOK = "webhook"
    PULL = "pull"
    ADAPTER = "adapter"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One answer, or one batch of deliveries, with personal data under one grant.

    Attributes:
        participant: the participant that received the data.
        client_id: the client that asked; None for a delivery.
        fields: JSON Pointers of the granted fields. The empty pointer means all fields.
        positions: the positions of the events that the answer or batch held.
        person: one of the persons of a query's answer, which is not in the journal.
        set_by: who set the sink of a delivery, if not the participant itself.
    """

    participant: str
    client_id: str | None
    channel: Channel
    contract_id: int
    version: str
    purpose: str
    legal_basis: str
    fields: Sequence[str]
    positions: Sequence[int] = ()
    person: str | None = None
    set_by: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A row of the log: equal disclosures of one day.

    Attributes:
        at: the first time.
        last_at: the last time.
        times: how often the disclosure happened on that day.
        unsent: how many events were announced with it and certainly did not leave.
    """

    id: int
    at: datetime
    last_at: datetime
    times: int
    disclosure: Disclosure
    unsent: int


class Noted(NamedTuple):
    """A row of the log that holds an announced disclosure of deliveries.

    Attributes:
        digest: the row's digest. Every transaction locks rows in the order of digests, so no two can deadlock.
        row: the row's id.
        times: how many disclosures the row counts.
        positions: the caller's events in that row. The row may hold events of other callers too.
    """

    digest: bytes
    row: int
    times: int
    positions: frozenset[int]


class DisclosureLog:
    """Writes and finds disclosures. Synchronous: call it from threads."""

    def __init__(self, storage: Storage, persons: Persons) -> None:
        self._storage = storage
        self._persons = persons

    def record(self, disclosures: Sequence[Disclosure]) -> None:
        """Write disclosures durably. Call it before the answer leaves.

        A disclosure that was written on the same day only counts one more time.
        """
        with self._storage.write() as transaction:
            _write(transaction, disclosures)

    def announce(self, runs: Sequence[Sequence[Disclosure]]) -> list[list[Noted]]:
        """Write durably, in one transaction, the disclosures that runs of deliveries are about to make.

        Disclosures of several runs under one grant share a row, as long as the row holds no event twice.

        Returns:
            For each run the rows that hold its disclosures. If events do not leave, give them to `withdraw`.
        """
        rows = _share_rows(runs)
        with self._storage.write() as transaction:
            written = _write(transaction, [replace(row.grant, positions=tuple(row.positions)) for row in rows])
        noted: list[list[Noted]] = [[] for _ in runs]
        for row, (digest, number, times) in zip(rows, written, strict=True):
            for run, positions in row.parts:
                noted[run].append(Noted(digest, number, times, frozenset(positions)))
        return noted

    def withdraw(self, transaction: Transaction, unsent: Iterable[Noted]) -> None:
        """Mark announced events as unsent, since they certainly did not leave.

        A row that counts several disclosures stays as it is: the log may say too much, never too little.

        Args:
            transaction: the caller's, which writes the outcomes of the deliveries.
            unsent: for each row the events that did not leave.
        """
        for noted in sorted(unsent):
            if noted.times > 1:
                continue
            found = transaction.one(statements.ONCE, {"id": noted.row})
            if found is None:
                continue
            left = [position for position in _unpack_optional(found[0]) if position not in noted.positions]
            gone = sorted(noted.positions.union(_unpack_optional(found[1])))
            written = {
                "id": noted.row,
                "positions": pack_positions(left) if left else None,
                "unsent": pack_positions(gone),
            }
            transaction.execute(statements.WITHDRAW, written)

    def search(self, person: str | None, participant: str | None, before: int | None, limit: int) -> list[Found]:
        """At most `limit` rows of the log, newest first.

        Args:
            person: the data subject; None: any.
            participant: the participant that received data; None: any.
            before: only rows with a lower id, for the next page. None: the first page.
        """
        table = DISCLOSURES.c
        conditions: list[sa.ColumnElement[bool]] = []
        if participant is not None:
            conditions.append(table.participant == participant)
        held: dict[int, list[int]] = {}
        if person is not None:
            for position, contract_id in self._persons.events_about(person):
                held.setdefault(contract_id, []).append(position)
            conditions.append(sa.or_(table.person == person, *(_may_hold(c, ps) for c, ps in held.items())))
        return self._read_page(conditions, person, {c: set(ps) for c, ps in held.items()}, before, limit)

    def _read_page(
        self,
        conditions: Sequence[sa.ColumnElement[bool]],
        person: str | None,
        held: dict[int, set[int]],
        before: int | None,
        limit: int,
    ) -> list[Found]:
        """Read until the page is full. A row's range of positions may cover a person's event that the row does not hold."""
        found: list[Found] = []
        while len(found) < limit:
            statement = sa.select(DISCLOSURES).where(*conditions).order_by(DISCLOSURES.c.id.desc()).limit(limit)
            if before is not None:
                statement = statement.where(DISCLOSURES.c.id < before)
            with self._storage.read() as transaction:
                rows = transaction.rows(statement)
            candidates = [_make_found(row) for row in rows]
            found.extend(one for one in candidates if person is None or _concerns(one.disclosure, person, held))
            if len(rows) < limit:
                break
            before = rows[-1].id
        return found[:limit]


def _may_hold(contract_id: int, positions: Sequence[int]) -> sa.ColumnElement[bool]:
    table = DISCLOSURES.c
    return sa.and_(
        table.contract_id == contract_id,
        table.first_position <= positions[-1],
        table.last_position >= positions[0],
    )


def _concerns(disclosure: Disclosure, person: str, held: dict[int, set[int]]) -> bool:
    return disclosure.person == person or not held.get(disclosure.contract_id, set()).isdisjoint(disclosure.positions)


@dataclass(slots=True)
class _Shared:
    """One row for disclosures of several runs under one grant.

    Attributes:
        grant: the disclosure without its events.
        positions: the events of all runs.
        parts: the number of each run, with the run's events.
    """

    grant: Disclosure
    positions: set[int]
    parts: list[tuple[int, Sequence[int]]]


def _share_rows(runs: Sequence[Sequence[Disclosure]]) -> list[_Shared]:
    rows: dict[Disclosure, list[_Shared]] = {}
    for run, disclosures in enumerate(runs):
        for disclosure in disclosures:
            grant = replace(disclosure, positions=(), fields=tuple(disclosure.fields))
            of_grant = rows.setdefault(grant, [])
            # Two subscriptions of a participant may get the same event. If only one of them fails, the other's row must stay.
            if not of_grant or not of_grant[-1].positions.isdisjoint(disclosure.positions):
                of_grant.append(_Shared(grant, set(), []))
            of_grant[-1].positions.update(disclosure.positions)
            of_grant[-1].parts.append((run, disclosure.positions))
    return [row for of_grant in rows.values() for row in of_grant]


def _write(transaction: Transaction, disclosures: Sequence[Disclosure]) -> list[tuple[bytes, int, int]]:
    """Write disclosures, and return for each its digest, its row's id, and how many disclosures the row counts."""
    now = clock.micros(clock.now())
    rows = [_make_row(disclosure) for disclosure in disclosures]
    digests = [_digest(row) for row in rows]
    written = [(b"", 0, 0)] * len(rows)
    # In the order of digests, so that two transactions never wait for each other's rows.
    for index in sorted(range(len(rows)), key=digests.__getitem__):
        asked = {**rows[index], "digest": digests[index], "at": now, "day": now // _DAY}
        ((row, times),) = transaction.rows(statements.INSERT, asked)
        written[index] = (digests[index], row, times)
        DISCLOSED.labels(disclosures[index].channel.value).inc()
    return written


def _digest(row: Mapping[str, Any]) -> bytes:
    """A digest of all columns: equal disclosures have equal digests."""
    return blake2b(repr(sorted(row.items())).encode(), digest_size=16).digest()


def _make_row(disclosure: Disclosure) -> dict[str, Any]:
    positions = sorted(disclosure.positions)
    return {
        "participant": disclosure.participant,
        "client_id": disclosure.client_id,
        "channel": disclosure.channel.value,
        "contract_id": disclosure.contract_id,
        "version": disclosure.version,
        "purpose": disclosure.purpose,
        "legal_basis": disclosure.legal_basis,
        "fields": json.dumps(list(disclosure.fields)).decode(),
        "first_position": positions[0] if positions else None,
        "last_position": positions[-1] if positions else None,
        "positions": pack_positions(positions) if positions else None,
        "person": disclosure.person,
        "set_by": disclosure.set_by,
    }


def _make_found(row: sa.Row[tuple[object, ...]]) -> Found:
    disclosure = Disclosure(
        participant=row.participant,
        client_id=row.client_id,
        channel=Channel(row.channel),
        contract_id=row.contract_id,
        version=row.version,
        purpose=row.purpose,
        legal_basis=row.legal_basis,
        fields=json.loads(row.fields),
        positions=_unpack_optional(row.positions),
        person=row.person,
        set_by=row.set_by,
    )
    last_at = row.at if row.last_at is None else row.last_at
    return Found(
        row.id, clock.moment(row.at), clock.moment(last_at), row.times, disclosure, len(_unpack_optional(row.unsent))
    )


def _unpack_optional(data: bytes | None) -> list[int]:
    return [] if data is None else unpack_positions(data)


def pack_positions(positions: Iterable[int]) -> bytes:
    """Ascending positions as LEB128 numbers of their differences. Close positions take a byte each."""
    out = bytearray()
    last = 0
    for position in positions:
        step, last = position - last, position
        while step > 0x7F:
            out.append(step & 0x7F | 0x80)
            step >>= 7
        out.append(step)
    return bytes(out)


def unpack_positions(data: bytes) -> list[int]:
    """The positions that `pack_positions` packed."""
    positions: list[int] = []
    position = step = shift = 0
    for byte in data:
        step |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            continue
        position += step
        positions.append(position)
        step = shift = 0
    return positions
