"""What is due: decides what a recipient is told now, from what stands and from what the recipient knows. It is pure.

Promises: at most one message an hour to a recipient; each notice is told while it stands, and once more when it has ended; no
notice waits for ever, since those that were never told come first. A message may come twice where a process is killed between
sending and noting it, an hour later at the earliest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from bus.notices.notice import Notice
from bus.notices.recipients import Recipient

HOUR: Final = timedelta(hours=1)
MOST: Final = 50
"""Notices of each part of a message. The others come an hour later."""
_FIRST_RETRY: Final = timedelta(minutes=1)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Told:
    """What a recipient knows of one notice.

    Attributes:
        participant: whom the notice concerns; None: the operator alone.
        at: when the recipient was last told.
    """

    title: str
    participant: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Memory:
    """What the bus knows of one recipient.

    Attributes:
        next_at: no message goes to it before.
        sent_at: when it last took a message.
        failures: attempts that failed since.
        failing_since: the first of these attempts.
        failure: how the last of these attempts failed, without the address.
        told: by the notice's key.
    """

    next_at: datetime = _LONG_AGO
    sent_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    failure: str | None = None
    told: Mapping[str, Told] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What one message tells.

    Attributes:
        fresh: notices that the recipient does not know.
        standing: notices that it knows, and that still stand.
        ended: the titles of notices that have ended, by their keys.
        more: how many notices stand beside these.
    """

    fresh: Sequence[Notice]
    standing: Sequence[Notice]
    ended: Mapping[str, str]
    more: int


def choose(recipient: Recipient, stand: Sequence[Notice], memory: Memory, now: datetime) -> Bundle | None:
    """What to tell a recipient now; None: nothing is due, or its last message is too young.

    Whatever causes the message, it also has what still stands. So reminders come together.

    Args:
        stand: all notices that stand, whomever they concern.
    """
    if now < memory.next_at:
        return None
    notices, told = recipient.choose(stand), memory.told
    fresh = [one for one in notices if one.key not in told]
    known = sorted((one for one in notices if one.key in told), key=lambda one: told[one.key].at)
    is_due = any(now - told[one.key].at >= one.repeat for one in known)
    standing = {one.key for one in notices}
    # What the recipient may not know any more has not ended: it is no longer its business.
    known_before = {key: one for key, one in sorted(told.items()) if recipient.may_know(one.participant)}
    ended = {key: one.title for key, one in known_before.items() if key not in standing}
    if not (fresh or is_due or ended):
        return None
    more = max(0, len(fresh) - MOST) + max(0, len(known) - MOST)
    return Bundle(fresh[:MOST], known[:MOST], dict(list(ended.items())[:MOST]), more)


def begin(memory: Memory, now: datetime) -> Memory:
    """The memory to write before a message leaves: so a process that is killed sends no second one within the hour."""
    return replace(memory, next_at=now + HOUR)


def succeed(memory: Memory, bundle: Bundle, now: datetime) -> Memory:
    """The memory after the recipient took a message."""
    told = {key: one for key, one in memory.told.items() if key not in bundle.ended}
    told |= {one.key: Told(one.title, one.participant, now) for one in (*bundle.fresh, *bundle.standing)}
    return Memory(next_at=now + HOUR, sent_at=now, told=told)


def fail(memory: Memory, failure: str, now: datetime) -> Memory:
    """The memory after an attempt that failed. The next one comes after a minute, then two, four and so on, up to an hour."""
    wait = min(HOUR, _FIRST_RETRY * 2 ** min(memory.failures, 10))
    return replace(
        memory,
        next_at=now + wait,
        failures=memory.failures + 1,
        failing_since=memory.failing_since or now,
        failure=failure,
    )
