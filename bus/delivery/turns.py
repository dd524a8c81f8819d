"""Turns: in which order replays go on, so that one participant's many hold up nobody else's."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bus.delivery.subscriptions import Subscription


def in_turn(running: Iterable[Subscription], turns: Mapping[int, int]) -> Sequence[Subscription]:
    """Orders replays: one of each participant, then a second one of each, and so on; whoever waits longest comes first.

    Args:
        turns: by a subscription's number, when it had its last turn; without an entry it had none.
    """
    longest_waiting = sorted(running, key=lambda one: turns.get(one.number, 0))
    # The later of a participant's turns overwrites the earlier.
    last = {one.participant: turns.get(one.number, 0) for one in longest_waiting}
    before: Counter[str] = Counter()
    ranked: list[tuple[int, int, int, Subscription]] = []
    for one in longest_waiting:
        ranked.append((before[one.participant], last[one.participant], one.number, one))
        before[one.participant] += 1
    return [one for *_, one in sorted(ranked, key=lambda entry: entry[:3])]
