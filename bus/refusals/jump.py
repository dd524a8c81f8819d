"""Jumps: producers with many more refusals since a contract's new version, probably because of that version."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bus.refusals.refusal import round_to_hour

_DAY: Final = 24 * 3_600_000_000
BEFORE: Final = 7 * _DAY
AFTER: Final = 7 * _DAY
"""The time before and after a change in which hours are compared, in microseconds."""
SHOWN: Final = 14 * _DAY
"""The time in which a change counts as the cause of refusals, in microseconds."""
_LEAST: Final = 10
_FACTOR: Final = 3


@dataclass(frozen=True, slots=True)
class Hour:
    """The refused events of a participant under a contract in one hour.

    Attributes:
        participant: the sender.
        version: the version that the events named; empty if they named none.
        hour: the hour's first microsecond since 1970.
        events: how many events were refused.
    """

    participant: str
    version: str
    hour: int
    events: int


@dataclass(frozen=True, slots=True)
class Jump:
    """A participant whose refusals jumped.

    Attributes:
        participant: the sender.
        before: the refused events of its worst hour in the week before the change.
        after: the refused events of its worst hour in the week after the change.
    """

    participant: str
    before: int
    after: int


def find_jumps(hours: Iterable[Hour], version: str, activated_at: int) -> list[Jump]:
    """The participants whose refusals jumped after a version was activated, the worst first.

    The rule compares worst hours. Means would mislead after a quiet night, or in the first minutes after the change. A jump's
    worst hour has at least ten events. It also has three times as many as the worst hour before.

    Args:
        hours: the hours of one contract, in any order.
        version: the version that was activated.
        activated_at: the time of the activation, in microseconds since 1970. Another version was in force before.
    """
    before, after = _find_worst(hours, version, activated_at)
    found = [Jump(participant, before.get(participant, 0), worst) for participant, worst in after.items()]
    jumped = [one for one in found if one.after >= max(_LEAST, _FACTOR * one.before)]
    return sorted(jumped, key=lambda one: (-one.after, one.participant))


def _find_worst(hours: Iterable[Hour], version: str, activated_at: int) -> tuple[dict[str, int], dict[str, int]]:
    sums: dict[tuple[bool, str, int], int] = defaultdict(int)
    change = round_to_hour(activated_at)
    for one in hours:
        # The hour of the change has events of both versions. Only events that name the new version certainly came after.
        if change - BEFORE <= one.hour < change:
            sums[False, one.participant, one.hour] += one.events
        elif change < one.hour <= change + AFTER or (one.hour == change and one.version == version):
            sums[True, one.participant, one.hour] += one.events
    worst: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for (is_after, participant, _), events in sums.items():
        worst[is_after][participant] = max(events, worst[is_after].get(participant, 0))
    return worst
