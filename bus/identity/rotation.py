"""Rotation while the bus runs: a process takes the keys that `bus keys rotate` wrote, or that somebody copied here."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from bus.identity.keys import Keys, KeysExposed, KeysMissing
from bus.telemetry import log_done

log = structlog.get_logger(__name__)

_SECONDS: Final = 1.0
"""Between two looks at the files; a new key signs a minute after it was made."""


class Rotation:
    """Looks at the files of the keys, and reads them again when they change."""

    def __init__(self, keys: Keys, on_lost: Sequence[Callable[[], None]]) -> None:
        """Take the keys.

        Args:
            on_lost: called when a signing key is gone, in this order, from a thread: tokens that it signed have ended.
        """
        self._keys = keys
        self._on_lost = on_lost

    async def follow(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(_SECONDS)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Look once. Keys that cannot be read are logged, and those in memory stay."""
        before = self._keys.ring
        try:
            is_lost = self._keys.refresh()
        except (KeysMissing, KeysExposed) as refusal:
            log.error("keys.unreadable", detail=refusal.detail)
            return
        if self._keys.ring is not before:
            log_done("keys.taken", signing=len(self._keys.ring), ended=is_lost)
        if is_lost:
            for tell in self._on_lost:
                tell()
