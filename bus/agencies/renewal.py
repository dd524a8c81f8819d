"""Renewal: adapters take new credentials from files, without a restart.

Promise: a call under way ends with the credentials that it began with. Settings that are wrong change nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import structlog

from bus.agencies.registry import AdapterIncomplete, Agencies
from bus.kit import Adapter
from bus.settings import SettingsWrong

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 5.0
_GRACE_SECONDS: Final = 60.0
"""After it, no call of a replaced adapter is under way."""

ReadSettings = Callable[[], Mapping[str, Mapping[str, str]]]
"""Reads the settings of all adapters. It raises `SettingsWrong`."""


class Renewal:
    """Looks for new settings of adapters. Belongs to one event loop.

    Args:
        agencies: the adapters.
        read: reads the settings, in a thread.
        look_seconds: between two looks.
        grace_seconds: until a replaced adapter is closed.
    """

    def __init__(
        self,
        agencies: Agencies,
        read: ReadSettings,
        look_seconds: float = _LOOK_SECONDS,
        grace_seconds: float = _GRACE_SECONDS,
    ) -> None:
        self._agencies = agencies
        self._read = read
        self._look_seconds = look_seconds
        self._grace_seconds = grace_seconds
        self._closing: set[asyncio.Task[None]] = set()
        self._wrong: str | None = None

    async def follow(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                await asyncio.sleep(self._look_seconds)
                await self.look()
        finally:
            for task in self._closing:
                task.cancel()
            await asyncio.gather(*self._closing)

    async def look(self) -> None:
        """Look once, and let each adapter whose settings changed take them."""
        try:
            settings = await asyncio.to_thread(self._read)
            replaced = self._agencies.renew(settings)
        except (SettingsWrong, AdapterIncomplete) as refusal:
            # Once for each fault: the file may stay wrong for a night.
            if refusal.detail != self._wrong:
                self._wrong = refusal.detail
                log.error("agency.settings_not_taken", detail=refusal.detail)
            return
        self._wrong = None
        for name, adapter in replaced.items():
            log.info("agency.settings_taken", agency=name)
            task = asyncio.create_task(self._close_later(adapter), name="replaced-adapter")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _close_later(self, adapter: Adapter) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(self._grace_seconds)
        await adapter.close()
