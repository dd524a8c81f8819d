"""Jumps: a producer whose refusals became many when a contract changed its version, most likely because of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bus.refusals.refusal import round_to_hour

_DAY: Final = 24 * 3_600_000_000
BEFORE: Final = 7 * _DAY
AFTER: Final = 7 * _DAY
"""How long before and after the change hours are looked at."""
SHOWN: Final = 14 * _DAY
"""For how long a change is held against a producer's refusals."""
_LEAST: Final = 10
_FACTOR: Final = 3


@dataclass(frozen=True, slots=True)
class Hour:
    """How many events of a participant were refused under a contract in an hour.

    Attributes:
        version: that the events meant; empty where they meant none.
        hour: its first microsecond since 1970.
    """

    participant: str
    version: str
    hour: int
    events: int


@dataclass(frozen=True, slots=True)
class Jump:
    """A participant's worst hour in the week before the change, and in the week since; events refused."""

    participant: str
    before: int
    after: int


def find_jumps(hours: Iterable[Hour], version: str, activated_at: int) -> list[Jump]:
    """The participants whose refusals jumped when a version was put in force, the worst first.

    Worst hours are compared, since means would call a quiet night before the change, or the first minutes after it, a
    jump or none. It takes ten events in the worst hour, and three times as many as in the worst hour before.

    Args:
        hours: of one contract, in any order.
        activated_at: when that version came, in microseconds since 1970; another was in force before.
    """
    before, after = _find_worst(hours, version, activated_at)
    found = [Jump(participant, before.get(participant, 0), worst) for participant, worst in after.items()]
    jumped = [one for one in found if one.after >= max(_LEAST, _FACTOR * one.before)]
    return sorted(jumped, key=lambda one: (-one.after, one.participant))


def _find_worst(hours: Iterable[Hour], version: str, activated_at: int) -> tuple[dict[str, int], dict[str, int]]:
    sums: dict[tuple[bool, str, int], int] = defaultdict(int)
    change = round_to_hour(activated_at)
    for one in hours:
        # The hour of the change itself has both: only what meant the new version is certain.
        if change - BEFORE <= one.hour < change:
            sums[False, one.participant, one.hour] += one.events
        elif change < one.hour <= change + AFTER or (one.hour == change and one.version == version):
            sums[True, one.participant, one.hour] += one.events
    worst: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for (is_after, participant, _), events in sums.items():
        worst[is_after][participant] = max(events, worst[is_after].get(participant, 0))
    return worst
