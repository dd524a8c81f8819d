"""The disclosure log: who received which personal data, when, under which grant (UU 27/2022, art. 31)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bus import clock, json
from bus.audit.tables import DISCLOSURES
from bus.journal import Persons
from bus.storage import Storage, driver
from bus.telemetry import DISCLOSED

_SQLITE_INSERT: Final = """
INSERT INTO disclosures (at, participant, client_id, channel, contract_id, version, purpose, legal_basis, fields, first_position,
    last_position, positions, person, set_by)
VALUES (:at, :participant, :client_id, :channel, :contract_id, :version, :purpose, :legal_basis, :fields, :first_position,
    :last_position, :positions, :person, :set_by)"""
"""To SQLite's driver itself: a few rows with each commit of outcomes, and SQLAlchemy's way takes 100 µs longer."""


class Channel(Enum):
    """By which way data left."""

    EVENT = "event"
    FEED = "feed"
    RECORDS = "records"
    QUERY = "query"
    WEBHOOK = "webhook"
    ADAPTER = "adapter"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One answer, or one batch of deliveries, with personal data, under one grant.

    Attributes:
        client_id: of the client that asked; None for a delivery.
        fields: JSON Pointers of what was granted; the empty pointer stands for all.
        positions: the journal's events that it held.
        person: the data subject of a query's answer, which is in no journal.
        set_by: who set the sink of a delivery, if not the participant.
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
    """A disclosure that concerns a person, as the log has it."""

    id: int
    at: datetime
    disclosure: Disclosure


class DisclosureLog:
    """Writes and searches disclosures. Synchronous: call it from threads."""

    def __init__(self, storage: Storage, persons: Persons) -> None:
        self._storage = storage
        self._persons = persons

    def write(self, connection: Connection, disclosures: Sequence[Disclosure]) -> None:
        """Write disclosures in a transaction of the caller's, which must be durable."""
        if not disclosures:
            return
        now = clock.micros(clock.now())
        rows = [_row(disclosure, now) for disclosure in disclosures]
        if connection.dialect.name == "sqlite":
            driver(connection).executemany(_SQLITE_INSERT, rows)
        else:
            connection.execute(sa.insert(DISCLOSURES), rows)
        for disclosure in disclosures:
            DISCLOSED.labels(disclosure.channel.value).inc()

    def record(self, disclosures: Sequence[Disclosure]) -> None:
        """Write disclosures, durably, before the answer goes out."""
        with self._storage.write() as connection:
            self.write(connection, disclosures)

    def search(self, person: str | None, participant: str | None, before: int | None, limit: int) -> list[Found]:
        """Disclosures of a person's data (None: of anybody's) to a participant (None: to anybody), newest first.

        Args:
            before: only those with a lower id, to page on.
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
        return self._page(conditions, person, {c: set(ps) for c, ps in held.items()}, before, limit)

    def _page(
        self,
        conditions: Sequence[sa.ColumnElement[bool]],
        person: str | None,
        held: dict[int, set[int]],
        before: int | None,
        limit: int,
    ) -> list[Found]:
        """Read on until the page is full: ranges of positions may cover a person's events without holding them."""
        found: list[Found] = []
        while len(found) < limit:
            statement = sa.select(DISCLOSURES).where(*conditions).order_by(DISCLOSURES.c.id.desc()).limit(limit)
            if before is not None:
                statement = statement.where(DISCLOSURES.c.id < before)
            with self._storage.read() as connection:
                rows = connection.execute(statement).all()
            candidates = [_found(row) for row in rows]
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


def _row(disclosure: Disclosure, now: int) -> dict[str, object]:
    positions = sorted(disclosure.positions)
    return {
        "at": now,
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
        "positions": packed(positions) if positions else None,
        "person": disclosure.person,
        "set_by": disclosure.set_by,
    }


def _found(row: sa.Row[tuple[object, ...]]) -> Found:
    disclosure = Disclosure(
        participant=row.participant,
        client_id=row.client_id,
        channel=Channel(row.channel),
        contract_id=row.contract_id,
        version=row.version,
        purpose=row.purpose,
        legal_basis=row.legal_basis,
        fields=json.loads(row.fields),
        positions=unpacked(row.positions) if row.positions is not None else (),
        person=row.person,
        set_by=row.set_by,
    )
    return Found(row.id, clock.moment(row.at), disclosure)


def packed(positions: Iterable[int]) -> bytes:
    """Ascending positions as their differences in LEB128: about a byte each on a page of a feed."""
    out = bytearray()
    last = 0
    for position in positions:
        step, last = position - last, position
        while step > 0x7F:
            out.append(step & 0x7F | 0x80)
            step >>= 7
        out.append(step)
    return bytes(out)


def unpacked(data: bytes) -> list[int]:
    """The positions that `packed` packed."""
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
