"""The tally: it counts attempts in memory, so that a flood of attempts makes a bounded number of entries.

Promise: the first attempt of its kind in a minute is ready at once. Its repetitions become one count at the end of the minute.
Each client has an allowance of entries for each verb, and so have all unknown clients together. So failed logins under a
client's id hide no refused act of that client. Attempts beyond the allowance are counted without their particulars.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bus.actions.action import Verb
from bus.actions.attempt import Attempt

_MINUTE: Final = 60_000_000
_MOST: Final = 20.0
"""The most entries that a client may cause at once, after a quiet time."""
_PER_MINUTE: Final = 2.0
"""Entries that a client may cause each minute over a long time."""
_WAITING: Final = 2_000
"""Entries that may wait for the database."""


@dataclass(slots=True)
class _Allowance:
    left: float
    minute: int

    def grow(self, minute: int) -> float:
        self.left = min(_MOST, self.left + (minute - self.minute) * _PER_MINUTE)
        self.minute = minute
        return self.left


class Tally:
    """Counts attempts until `take` hands them out. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._repeated: Counter[Attempt] = Counter()
        self._waiting: Counter[Attempt] = Counter()
        self._allowances: dict[tuple[str, Verb], _Allowance] = {}

    def count(self, attempt: Attempt, at: int) -> None:
        """Count an attempt.

        Args:
            attempt: the attempt.
            at: its time, in microseconds since 1970.
        """
        with self._lock:
            self._begin_minute(at // _MINUTE)
            if attempt not in self._repeated:
                attempt = self._admit(attempt)
            if attempt in self._repeated:
                self._repeated[attempt] += 1
            else:
                self._repeated[attempt] = 0
                self._waiting[attempt] += 1

    def take(self, at: int, *, all: bool = False) -> Mapping[Attempt, int]:
        """The attempts to write now, with their counts. The tally then forgets them.

        Args:
            at: the current time, in microseconds since 1970.
            all: include the repetitions of this minute, since this is the last call.
        """
        with self._lock:
            self._begin_minute(at // _MINUTE)
            if all:
                self._end_minute()
            taken, self._waiting = self._waiting, Counter()
            return taken

    def put_back(self, taken: Mapping[Attempt, int]) -> None:
        """Count attempts again that `take` handed out and that could not be written."""
        with self._lock:
            self._waiting.update(taken)

    def _begin_minute(self, minute: int) -> None:
        if minute == self._minute:
            return
        self._minute = minute
        self._end_minute()
        self._allowances = {whose: one for whose, one in self._allowances.items() if one.grow(minute) < _MOST}

    def _end_minute(self) -> None:
        self._waiting.update({attempt: count for attempt, count in self._repeated.items() if count})
        self._repeated = Counter()

    def _admit(self, attempt: Attempt) -> Attempt:
        allowance = self._allowances.setdefault((attempt.whose, attempt.what), _Allowance(_MOST, self._minute))
        if allowance.left < 1 or len(self._waiting) >= _WAITING:
            return attempt.without_particulars()
        allowance.left -= 1
        return attempt
