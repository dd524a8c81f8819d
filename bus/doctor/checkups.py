"""Check-ups: the doctor's findings for who asks often. They are at most a minute old, and one look is made at a time."""

import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final

from bus.doctor.checks import diagnose
from bus.doctor.finding import Finding
from bus.doctor.gather import gather_facts
from bus.identity import Keys
from bus.settings import Settings
from bus.storage import Storage

_SECONDS: Final = 60.0


class Checkups:
    """Looks, and remembers what was found. Any thread may call it."""

    def __init__(
        self, settings: Settings, storage: Storage, keys: Keys, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._keys = keys
        self._now = now
        self._lock = Lock()
        self._found: Sequence[Finding] = ()
        self._at: float | None = None

    def read(self) -> Sequence[Finding]:
        """What is wrong, the most urgent first."""
        with self._lock:
            if self._at is None or self._now() - self._at > _SECONDS:
                self._found = diagnose(gather_facts(self._settings, self._storage, self._keys))
                self._at = self._now()
            return self._found
