"""Replays under way, and new subscriptions that catch up: decides whose turn is next, and writes their progress.

Many replays of one participant do not hold up those of others.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from bus.delivery.subscription import Subscription
from bus.delivery.subscriptions import TOPIC
from bus.delivery.tables import SUBSCRIPTIONS
from bus.storage import Transaction, announce


def order_by_turn(running: Iterable[Subscription], turns: Mapping[int, int]) -> Sequence[Subscription]:
    """Orders replays: one of each participant, then a second one of each, and so on. The longest wait comes first.

    Args:
        turns: by a subscription's number, the time of its last turn. A subscription without an entry had no turn.
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


def go_live(transaction: Transaction, number: int, position: int) -> None:
    """Make a new subscription live: it has caught up with the relay. Call it in the relay's transaction."""
    _note(transaction, number, from_position=position, replay_position=None)


def advance_replay(transaction: Transaction, number: int, position: int) -> None:
    """Write how far a replay, or a new subscription that catches up, has come. Call it in the relay's transaction."""
    _note(transaction, number, replay_position=position)


def end_replay(transaction: Transaction, number: int) -> None:
    """End a replay. Call it in the relay's transaction."""
    _note(transaction, number, replay_position=None, replay_until=None)


def _note(transaction: Transaction, number: int, **values: int | None) -> None:
    changed = announce(transaction, TOPIC)
    statement = sa.update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.number == number)
    transaction.execute(statement.values(**values, changed=changed))
