"""Ordering: decides which deliveries of an ordered subscription may go, and which wait behind an earlier one of their key.

A chain holds the deliveries of one key that are pending or dead, in position order. Only a chain's head may start. Deliveries
behind it go in the same run, one after the other, or are parked until it is done.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import takewhile
from typing import Final, NamedTuple

PARKED = 2**62
"""`due_at` of a delivery that waits behind another. The outcome of the other makes it due."""
HELD = PARKED - 1
"""`due_at` of a delivery whose grant is suspended. The relay makes it due after the suspension (`bus.delivery.release`)."""


class ChainLink(NamedTuple):
    """One delivery that is not done. A named tuple for speed, as `bus.journal.Entry`.

    Attributes:
        due_at: from when on it may be handed over, in microseconds since 1970.
        dead: it waits until somebody redrives or discards it.
    """

    position: int
    due_at: int
    dead: bool


_EARLIER: Final = ChainLink(0, PARKED, dead=False)
"""Represents earlier deliveries that are owed. Their outcome, of any kind, wakes parked deliveries."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with due deliveries.

    Attributes:
        going: positions that go, in chains. The positions of one key go one after the other. Without a key, each is a chain.
        parked: positions that wait behind a chain's head.
        left: some deliveries stay due, for lack of room.
    """

    going: tuple[tuple[int, ...], ...]
    parked: tuple[int, ...]
    left: bool = False


def plan(due: Mapping[int, int | None], chains: Mapping[int, Sequence[ChainLink]], now: int, room: int) -> Plan:
    """Decide which due deliveries go, of new ones and of those that waited. Unordered due ones need no plan.

    Args:
        due: position to key, of the due deliveries; a key of None is not ordered.
        chains: key to the beginning of its chain, for every key in `due`.
        room: the most deliveries that may go.
    """
    going: list[tuple[int, ...]] = []
    parked: list[int] = []
    free = [position for position, key in due.items() if key is None]
    going.extend((position,) for position in free[:room])
    left = len(free) > room
    room -= len(going)
    for key, positions in _group_by_key(due).items():
        chain = chains.get(key, ())
        taken = _list_ready(chain, now)[:room]
        room -= len(taken)
        if taken:
            going.append(tuple(taken))
        if taken or not _is_ready(chain, now):
            parked.extend(position for position in positions if position not in taken)
        else:
            left = True
    return Plan(tuple(sorted(going)), tuple(parked), left)


def make_chains_of_new(
    new: Mapping[int, int | None], owed: Collection[int], now: int, longest: int
) -> dict[int, list[ChainLink]]:
    """The beginnings of the chains of new deliveries, for `plan`.

    Args:
        new: position to key, in order; all are due now.
        owed: keys with earlier deliveries that are owed.
        longest: the most deliveries of a chain.
    """
    chains: dict[int, list[ChainLink]] = {key: [_EARLIER] for key in owed}
    for position, key in new.items():
        if key is not None and key not in owed:
            chain = chains.setdefault(key, [])
            if len(chain) < longest:
                chain.append(ChainLink(position, now, dead=False))
    return chains


def cut_runs(chains: Iterable[Sequence[int]], most: int) -> list[list[int]]:
    """Runs of about `most` deliveries. A chain stays whole: different processes may make runs at the same time."""
    made: list[list[int]] = []
    for chain in chains:
        if not made or len(made[-1]) + len(chain) > most:
            made.append([])
        made[-1].extend(chain)
    return made


def make_order_key(value: object) -> int:
    """A value's digest as the deliveries table keeps it: 64 bits, signed."""
    return int.from_bytes(blake2b(repr(value).encode(), digest_size=8).digest(), signed=True)


def _is_ready(chain: Sequence[ChainLink], now: int) -> bool:
    return bool(chain) and not chain[0].dead and chain[0].due_at <= now


def _list_ready(chain: Sequence[ChainLink], now: int) -> list[int]:
    """The positions that may go: from a ready head up to a dead delivery or one in flight."""
    if not _is_ready(chain, now):
        return []
    return [owed.position for owed in takewhile(lambda owed: not owed.dead and _is_free(owed, now), chain)]


def _is_free(owed: ChainLink, now: int) -> bool:
    return owed.due_at <= now or owed.due_at == PARKED


def _group_by_key(due: Mapping[int, int | None]) -> dict[int, list[int]]:
    keys: dict[int, list[int]] = {}
    for position, key in due.items():
        if key is not None:
            keys.setdefault(key, []).append(position)
    return keys


def make_chains(rows: Iterable[tuple[int, ChainLink]]) -> dict[int, list[ChainLink]]:
    """Rows of (key, owed) in position order, by key."""
    chains: dict[int, list[ChainLink]] = {}
    for key, owed in rows:
        chains.setdefault(key, []).append(owed)
    return chains
