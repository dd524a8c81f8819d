"""The tally: attempts counted in memory, so that a flood of them makes a bounded number of entries.

Promise: an attempt is told at once the first time in a minute, and its repetitions as one count when the minute is over. Each
client has an allowance of entries for each verb; so have all strangers together. Anybody may fail to log in under a client's id,
and hides no refused act of that client. What goes beyond the allowance is counted without its particulars.
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
"""Entries that a client may cause at once, when it caused none for a while."""
_PER_MINUTE: Final = 2.0
"""Entries that a client may cause each minute, on and on."""
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
    """Counts attempts until they are taken; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._repeated: Counter[Attempt] = Counter()
        self._waiting: Counter[Attempt] = Counter()
        self._allowances: dict[tuple[str, Verb], _Allowance] = {}

    def count(self, attempt: Attempt, at: int) -> None:
        """Count an attempt that was made at a moment, in microseconds since 1970."""
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
        """What is to be told now, with its count.

        Args:
            at: this moment, in microseconds since 1970.
            all: also the repetitions of this minute, since nobody will ask again.
        """
        with self._lock:
            self._begin_minute(at // _MINUTE)
            if all:
                self._end_minute()
            taken, self._waiting = self._waiting, Counter()
            return taken

    def put_back(self, taken: Mapping[Attempt, int]) -> None:
        """Count again what was taken and could not be written."""
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
