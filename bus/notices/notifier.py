"""The notifier: looks every minute at what stands, and tells each recipient what is due. One process of a bus does it.

Promise: at least once. A message is noted as sent after the other side took it. A recipient that fails holds up no other,
whatever its message, its address or its sender does.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from bus import clock
from bus.identity import read_contacts
from bus.notices.due import Bundle, Memory, choose
from bus.notices.facts import FactReader
from bus.notices.letter import write_letter
from bus.notices.memory import Memories
from bus.notices.recipients import Recipient, Way
from bus.notices.sender import NotSent, Sender
from bus.notices.ways import find_recipients
from bus.notices.words import make_notices
from bus.problem import Unavailable
from bus.settings import Settings
from bus.storage import Leadership, Storage, StorageFull
from bus.telemetry import UNEXPECTED

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Due:
    """What one recipient is to be told."""

    recipient: Recipient
    memory: Memory
    bundle: Bundle


class Notifier:
    """Tells recipients, while this process leads. Belongs to one event loop."""

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        facts: FactReader,
        senders: Mapping[Way, Sender],
        leadership: Leadership,
    ) -> None:
        """Create a notifier. It does not close the senders.

        Args:
            senders: one for each way that the settings open.
        """
        self._settings = settings
        self._storage = storage
        self._facts = facts
        self._senders = senders
        self._leadership = leadership
        self._memories = Memories(storage)

    async def follow(self) -> None:
        """Look and tell until cancelled. Without a sender there is nobody to tell."""
        if not self._senders:
            return
        try:
            while True:
                if await asyncio.to_thread(self._leadership.acquire):
                    await self._look_once()
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            self._leadership.release()

    async def tell(self, now: datetime) -> None:
        """Tell each recipient what is due at a moment.

        Raises:
            StorageUnavailable, StorageFull: the database does not answer, or takes nothing. What was not noted is told later.
        """
        due = await asyncio.to_thread(self._find_due, now)
        # Each is waited for: a failure at one recipient leaves no other one's message half done.
        ended = await asyncio.gather(*(self._send(one, now) for one in due), return_exceptions=True)
        for failure in filter(None, ended):
            raise failure

    async def _look_once(self) -> None:
        try:
            await self.tell(clock.now())
        except (Unavailable, StorageFull) as refusal:
            log.warning("notices.not_told", reason=refusal.slug)

    def _find_due(self, now: datetime) -> list[_Due]:
        recipients = find_recipients(self._settings, read_contacts(self._storage))
        stand = make_notices(self._facts.read(now))
        memories = self._memories.read()
        self._memories.forget(recipients, now)
        found = []
        for recipient in recipients:
            memory = memories.get(recipient.key, Memory())
            bundle = choose(recipient, stand, memory, now)
            if bundle is not None:
                found.append(_Due(recipient, memory, bundle))
        return found

    async def _send(self, due: _Due, now: datetime) -> None:
        recipient, memory, bundle = due.recipient, due.memory, due.bundle
        if not await asyncio.to_thread(self._memories.claim, recipient, memory, now):
            return
        begun = time.monotonic()
        try:
            letter = write_letter(bundle, recipient, memory, now, self._settings.public_url)
            await self._senders[recipient.way].send(letter, recipient)
        except NotSent as error:
            await self._note_failure(due, str(error), now)
            return
        except Exception as error:  # noqa: BLE001 - a defect at one recipient must not hold up the others
            # Its text may hold the address, or what the message tells. So only its class is kept.
            UNEXPECTED.labels("notices").inc()
            await self._note_failure(due, f"the bus failed with {type(error).__name__}", now)
            return
        # The hour begins when the recipient has the message, which may have waited for others.
        taken_at = now + timedelta(seconds=time.monotonic() - begun)
        await asyncio.to_thread(self._memories.note_success, recipient, memory, bundle, taken_at)
        told = {"new": len(bundle.fresh), "standing": len(bundle.standing), "ended": len(bundle.ended)}
        log.info("notice.sent", recipient=recipient.name, **told)

    async def _note_failure(self, due: _Due, failure: str, now: datetime) -> None:
        await asyncio.to_thread(self._memories.note_failure, due.recipient, due.memory, failure, now)
        attempts = due.memory.failures + 1
        log.warning("notice.not_sent", recipient=due.recipient.name, failure=failure, attempts=attempts)
