"""The disclosure log of a regency: a million persons, a hundred million disclosed positions, and what a question costs."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Final

from bench.ratio import Ratio
from bus import clock
from bus.disclosures import Channel, Disclosure, DisclosureLog, Wanted
from bus.disclosures.positions import pack_positions
from bus.disclosures.statements import ADD_STRETCHES
from bus.disclosures.stretches import cut_stretches
from bus.journal import Persons
from bus.journal.tables import STRETCH
from bus.storage import Insertion, Prepared, Storage, open_storage, upgrade

_TIMES_DISCLOSED: Final = 100
"""How often each position was disclosed, on average."""
_BATCH: Final = 40_000
_MINUTES: Final = 365 * 24 * 60
_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_QUESTIONS: Final = 20
_FIELDS: Final = ["/nik", "/nama", "/alamat/kode_wilayah"]

_PERSONS: Final = Insertion(
    sqlite="INSERT INTO journal_persons (stretch, person, position, contract_id) VALUES {rows}",
    row="(?,?,?,?)",
    postgres="INSERT INTO journal_persons (stretch, person, position, contract_id) "
    "SELECT * FROM unnest(?::int[], ?::text[], ?::bigint[], ?::int[])",
    sizes=(500, 100),
)
_ROWS: Final = Insertion(
    sqlite="INSERT INTO disclosures (id, recipient_id, at, last_at, day, digest, positions) VALUES {rows}",
    row="(?,?,?,?,?,?,?)",
    postgres="INSERT INTO disclosures (id, recipient_id, at, last_at, day, digest, positions) "
    "SELECT * FROM unnest(?::bigint[], ?::int[], ?::bigint[], ?::bigint[], ?::int[], ?::bytea[], ?::bytea[])",
    sizes=(500, 100),
)
_REACHED: Final = Prepared.in_both("UPDATE journal_projected SET position = :end")
_LAST: Final = Prepared.in_both(
    "INSERT INTO journal (position, contract_id, version_id, participant, identity, recorded_at, body) "
    "VALUES (:end, 1, 1, 'bench', :identity, 1, :identity)"
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A way in which persons' data leave.

    Attributes:
        share: of all disclosed positions, in hundredths.
        size: events of one disclosure.
        is_sparse: whether the events lie anywhere in the journal, as the residents of one village do.
        recipients: how many participants get data in this way.
    """

    channel: Channel
    share: int
    size: int
    is_sparse: bool
    recipients: int


_KINDS: Final = (
    _Kind(Channel.FEED, 40, 1000, is_sparse=False, recipients=8),
    _Kind(Channel.RECORDS, 30, 1000, is_sparse=True, recipients=474),
    _Kind(Channel.WEBHOOK, 29, 50, is_sparse=False, recipients=10),
    _Kind(Channel.EVENT, 1, 1, is_sparse=False, recipients=20),
)


@dataclass(frozen=True, slots=True)
class Population:
    """A log that was filled.

    Attributes:
        persons: how many persons the journal tells of; it has a fifth more events.
        clients: the clients that read, by channel.
    """

    storage: Storage
    log: DisclosureLog
    persons: int
    rows: int

    @classmethod
    def make(cls, folder: Path, persons: int) -> "Population":
        """Fill a new database. No event passes the gate, and the journal has no bodies: the log looks at none."""
        storage = open_storage(f"sqlite:///{folder / 'disclosures.db'}")
        upgrade(storage)
        events = persons * 6 // 5
        chance = random.Random(persons)
        _fill_persons(storage, chance, persons, events)
        log = DisclosureLog(storage, Persons(storage))
        log.record([_disclosure(kind, number) for kind in _KINDS for number in range(kind.recipients)])
        rows = _fill_log(storage, chance, events)
        return cls(storage, log, persons, rows)


def _fill_persons(storage: Storage, chance: random.Random, persons: int, events: int) -> None:
    owners = iter(range(persons))
    rows = (
        (position // STRETCH, name_person(next(owners, None) or chance.randrange(persons)), position, 1)
        for position in range(1, events + 1)
    )
    for batch in _batches(rows):
        with storage.write(durable=False) as transaction:
            transaction.insert(_PERSONS, batch)
    with storage.write() as transaction:
        transaction.execute(_LAST, {"end": events, "identity": b"bench"})
        transaction.execute(_REACHED, {"end": events})


def _fill_log(storage: Storage, chance: random.Random, events: int) -> int:
    """Fill the log in order of time, and return how many rows it has."""
    disclosed = events * _TIMES_DISCLOSED
    kinds = [kind for kind in _KINDS for _ in range(disclosed * kind.share // 100 // kind.size)]
    chance.shuffle(kinds)
    with storage.read() as transaction:
        recipients = _read_recipients(transaction.rows(_RECIPIENTS))
    first = sum(kind.recipients for kind in _KINDS) + 1
    begin = clock.micros(_BEGIN)
    numbered = enumerate(kinds, start=first)
    while batch := list(islice(numbered, _BATCH)):
        rows, stretches = [], []
        for number, kind in batch:
            at = begin + number * _MINUTES * 60_000_000 // (len(kinds) + first)
            positions = _choose(kind, chance, events)
            recipient = recipients[kind.channel.value][number % kind.recipients]
            day = at // 86_400_000_000
            rows.append((number, recipient, at, at, day, number.to_bytes(16), pack_positions(positions)))
            stretches += [(one.block, one.first, one.last, number, one.positions) for one in cut_stretches(positions)]
        # In their order, so that those of many disclosures change the same pages.
        stretches.sort(key=itemgetter(0, 1, 2, 3))
        with storage.write(durable=False) as transaction:
            transaction.insert(_ROWS, rows)
            transaction.insert(ADD_STRETCHES, stretches)
    return len(kinds)


_RECIPIENTS: Final = Prepared.in_both("SELECT channel, id FROM disclosure_recipients ORDER BY id")


def _read_recipients(rows: Sequence[tuple[str, int]]) -> Mapping[str, Sequence[int]]:
    found: dict[str, list[int]] = {}
    for channel, number in rows:
        found.setdefault(channel, []).append(number)
    return found


def _choose(kind: _Kind, chance: random.Random, events: int) -> Sequence[int]:
    if kind.is_sparse:
        return sorted({chance.randrange(1, events + 1) for _ in range(kind.size)})
    begin = chance.randrange(1, events - kind.size + 2)
    return range(begin, begin + kind.size)


def _batches(rows: Iterator[tuple[int, str, int, int]]) -> Iterator[list[tuple[int, str, int, int]]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _disclosure(kind: _Kind, number: int) -> Disclosure:
    name = f"{kind.channel.value}-{number}"
    client = None if kind.channel is Channel.WEBHOOK else f"client_{name}"
    return Disclosure(
        name, client, kind.channel, 1 + number % 3, "1.0.0", f"tujuan {number % 7}", "PKS 470/12/2026", _FIELDS
    )


def name_person(number: int) -> str:
    """An invented identifier."""
    return f"3524{number:012}"


async def disclosures(folder: Path, rounds: int, seconds: float, persons: int) -> Sequence[Ratio]:
    """What one question costs, against the second that an auditor waits. `seconds` plays no part."""
    filled = Population.make(folder, persons)
    chance = random.Random(1)
    month = _BEGIN + timedelta(days=200)
    wanted: dict[str, Callable[[], Wanted]] = {
        "who got a person's data": lambda: Wanted(name_person(chance.randrange(persons))),
        "the same, of one participant": lambda: Wanted(name_person(chance.randrange(persons)), "records-5"),
        "what one client got in three days": lambda: Wanted(
            client_id="client_records-5", since=month, until=month + timedelta(days=3)
        ),
        "what left under a contract": lambda: Wanted(contract_id=2),
        "what left for a purpose, in three days": lambda: Wanted(
            purpose="tujuan 3", since=month, until=month + timedelta(days=3)
        ),
        "what left at all": Wanted,
    }
    size = f"{filled.rows:,} rows, {persons * 6 // 5 * _TIMES_DISCLOSED:,} positions"
    questions = [_ask(filled, f"{name} ({size})", make, rounds) for name, make in wanted.items()]
    return [*questions, _write(filled, folder, rounds)]


def _ask(filled: Population, name: str, make: Callable[[], Wanted], rounds: int) -> Ratio:
    slowest = []
    for _ in range(rounds):
        took = []
        for _ in range(_QUESTIONS):
            wanted, begun = make(), perf_counter()
            filled.log.search(wanted, None, 100)
            took.append(perf_counter() - begun)
        slowest.append(max(took))
    return Ratio(f"{name}, slowest of {_QUESTIONS}", "a second", slowest, [1.0] * rounds, 1.0, "s", at_most=True)


def _write(filled: Population, folder: Path, rounds: int) -> Ratio:
    """Pages that are disclosed to the full log, and to an empty one, by turns."""
    storage = open_storage(f"sqlite:///{folder / 'empty.db'}")
    upgrade(storage)
    logs = {"full": filled.log, "empty": DisclosureLog(storage, Persons(storage))}
    rates: dict[str, list[float]] = {name: [] for name in logs}
    events, chance = filled.persons * 6 // 5, random.Random(2)
    for number in range(rounds):
        pages = [range(begin, begin + 1000) for begin in chance.sample(range(1, events - 1000), _QUESTIONS * 5)]
        for name, log in logs.items():
            begun = perf_counter()
            for page in pages:
                log.record([_disclosed_page(number, page)])
            rates[name].append(len(pages) / (perf_counter() - begun))
    storage.close()
    return Ratio("pages of 1,000 disclosed", "to an empty log", rates["full"], rates["empty"], 0.5)


def _disclosed_page(number: int, page: Sequence[int]) -> Disclosure:
    return Disclosure(
        f"baru-{number}", "client_x", Channel.FEED, 1, "1.0.0", "tujuan", "PKS 1", _FIELDS, positions=page
    )
