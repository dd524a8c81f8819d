"""The disclosure log: who received which personal data, when, and under which grant (UU 27/2022, art. 31)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from bus import clock
from bus.disclosures import statements
from bus.disclosures.disclosure import Disclosure, Found, Noted, Place, Wanted
from bus.disclosures.positions import pack_positions, unpack_positions
from bus.disclosures.recipients import DIGEST_BYTES, Recipients, make_recipient_digest
from bus.disclosures.search import search
from bus.disclosures.stretches import cut_stretches
from bus.journal import Persons
from bus.storage import Storage, Transaction
from bus.telemetry import DISCLOSED

DAY: Final = 24 * 3600 * 1_000_000
"""A day in microseconds."""


class DisclosureLog:
    """Writes and finds disclosures. Synchronous: call it from threads."""

    def __init__(self, storage: Storage, persons: Persons) -> None:
        self._storage = storage
        self._persons = persons
        self._recipients = Recipients()

    def record(self, disclosures: Sequence[Disclosure]) -> None:
        """Write disclosures durably. Call it before the answer leaves.

        A disclosure that was written on the same day only counts one more time.
        """
        self._write(disclosures)

    def announce(self, runs: Sequence[Sequence[Disclosure]]) -> list[list[Noted]]:
        """Write durably, in one transaction, the disclosures that runs of deliveries are about to make.

        Disclosures of several runs under one grant share a row, as long as the row holds no event twice.

        Returns:
            For each run the rows that hold its disclosures. If events do not leave, give them to `withdraw`.
        """
        rows = _share_rows(runs)
        written = self._write([replace(row.grant, positions=tuple(row.positions)) for row in rows])
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
            left = [position for position in unpack_positions(found[0]) if position not in noted.positions]
            gone = sorted(noted.positions.union(unpack_positions(found[1])))
            written = {
                "id": noted.row,
                "positions": pack_positions(left) if left else None,
                "unsent": pack_positions(gone),
            }
            transaction.execute(statements.WITHDRAW, written)

    def search(self, wanted: Wanted, after: Place | None, limit: int) -> list[Found]:
        """At most `limit` rows of the log, newest first.

        Args:
            wanted: the conditions.
            after: the place of the last row of the page before. None: the first page.
            limit: the most rows.
        """
        return search(self._storage, self._persons, wanted, after, limit)

    def find_persons(self, found: Sequence[Found]) -> set[str]:
        """The persons whose data rows of the log are about."""
        named = {row.disclosure.person for row in found if row.disclosure.person is not None}
        return named | self._persons.find_persons({position for row in found for position in row.positions})

    def _write(self, disclosures: Sequence[Disclosure]) -> list[tuple[bytes, int, int]]:
        """Write disclosures, and return for each its digest, its row's id, and how many disclosures the row counts."""
        digests = [make_recipient_digest(disclosure) for disclosure in disclosures]
        with self._storage.write() as transaction:
            numbers = self._recipients.number(transaction, dict(zip(digests, disclosures, strict=True)))
            rows = [
                _make_row(disclosure, digest, numbers[digest])
                for disclosure, digest in zip(disclosures, digests, strict=True)
            ]
            written = _write_rows(transaction, rows)
        self._recipients.remember(numbers)
        for disclosure in disclosures:
            DISCLOSED.labels(disclosure.channel.value).inc()
        return written


@dataclass(frozen=True, slots=True)
class _Row:
    """A row to write.

    Attributes:
        digest: of the recipient, the events and the person.
        packed: the positions, packed.
    """

    recipient_id: int
    digest: bytes
    positions: Sequence[int]
    packed: bytes | None
    person: str | None


def _make_row(disclosure: Disclosure, recipient: bytes, recipient_id: int) -> _Row:
    positions = sorted(disclosure.positions)
    packed = pack_positions(positions) if positions else None
    content = repr((recipient, packed, disclosure.person)).encode()
    digest = blake2b(content, digest_size=DIGEST_BYTES).digest()
    return _Row(recipient_id, digest, positions, packed, disclosure.person)


def _write_rows(transaction: Transaction, rows: Sequence[_Row]) -> list[tuple[bytes, int, int]]:
    now = clock.micros(clock.now())
    written = [(b"", 0, 0)] * len(rows)
    stretches: list[tuple[int, int, int, int, bytes | None]] = []
    # In the order of digests, so that two transactions never wait for each other's rows.
    for index in sorted(range(len(rows)), key=lambda index: rows[index].digest):
        row = rows[index]
        values = {
            "recipient_id": row.recipient_id,
            "digest": row.digest,
            "at": now,
            "day": now // DAY,
            "person": row.person,
            "positions": row.packed,
        }
        ((number, times),) = transaction.rows(statements.INSERT, values)
        written[index] = (row.digest, number, times)
        if times == 1:
            stretches += [
                (one.block, one.first, one.last, number, one.positions) for one in cut_stretches(row.positions)
            ]
    if stretches:
        transaction.insert(statements.ADD_STRETCHES, stretches)
    return written


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
