"""The journal's end: long-polls and streams wait here for the next event of their contract, without a thread each.

Promise: an event wakes only readers that wait for its contract and may see it. Other readers cost nothing for each event. The
exception is a view that shows only some events: each event is looked at once by it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import structlog

from bus.journal.audience import Audience, Sight, find_news
from bus.journal.read import JournalReader
from bus.problem import Unavailable

log = structlog.get_logger(__name__)

_STEP: Final = 1000
"""Events whose contracts are read at once."""


class Tail:
    """The newest event of each contract, followed while somebody waits.

    It reads the journal, so it finds this process's appends and those of others alike. Belongs to one event loop.
    """

    def __init__(self, reader: JournalReader, interval: float = 0.03) -> None:
        """`interval`: seconds between two looks for what other processes append."""
        self._reader = reader
        self._interval = interval
        # `_latest` is complete for the events after `_since` up to `_followed`.
        self._since = self._followed = 0
        self._latest: dict[int, int] = {}
        # By the contract's number, then by the participant.
        self._audiences: dict[int, dict[str, Audience]] = {}
        self._waiters = 0
        self._is_wanted = asyncio.Event()
        self._is_nudged = asyncio.Event()

    @property
    def position(self) -> int:
        """The position up to which the journal was followed."""
        return self._followed

    @property
    def waiters(self) -> int:
        """How many callers wait."""
        return self._waiters

    def advance(self, position: int) -> None:
        """Have the journal looked at now, since it reaches `position`. Nothing happens while nobody waits."""
        if self._waiters and position > self._followed:
            self._is_nudged.set()

    async def beyond(self, sight: Sight, position: int, seconds: float) -> bool:
        """Wait for an event after a position that a reader may see. Returns False if there was none within `seconds`.

        Returns True also if nobody followed the journal from there on, or the reader may not see the events. The caller then
        looks, and waits behind what it read.
        """
        self._begin(position)
        self._waiters += 1
        try:
            async with asyncio.timeout(seconds):
                while not self._is_news(sight, position):
                    await self._wait(sight)
        except TimeoutError:
            return self._latest.get(sight.contract_id, 0) > position
        finally:
            self._waiters -= 1
        return True

    def _begin(self, position: int) -> None:
        """Follow the journal from a position on, if nobody waits for anything before it."""
        if self._waiters == 0 and position > self._followed:
            self._since = self._followed = position
            self._latest.clear()
        self._is_wanted.set()

    def _is_news(self, sight: Sight, position: int) -> bool:
        audience = self._audiences.get(sight.contract_id, {}).get(sight.participant)
        latest = self._latest.get(sight.contract_id, 0) if audience is None else audience.latest
        return position < self._since or latest > position

    async def _wait(self, sight: Sight) -> None:
        of_contract = self._audiences.setdefault(sight.contract_id, {})
        audience = of_contract.get(sight.participant)
        if audience is None:
            latest = self._latest.get(sight.contract_id, 0)
            audience = of_contract[sight.participant] = Audience(sight.find_view, latest)
        audience.find_view = sight.find_view
        woken = asyncio.get_running_loop().create_future()
        audience.waiting.add(woken)
        try:
            await woken
        finally:
            audience.waiting.discard(woken)
            if not audience.waiting:
                self._dismiss(sight, audience)

    def _dismiss(self, sight: Sight, audience: Audience) -> None:
        """Forget an audience without readers."""
        of_contract = self._audiences.get(sight.contract_id, {})
        if of_contract.get(sight.participant) is audience:
            del of_contract[sight.participant]
            if not of_contract:
                del self._audiences[sight.contract_id]

    async def follow(self) -> None:
        """Look for what is appended, until cancelled."""
        while True:
            if not self._waiters:
                self._is_wanted.clear()
                await self._is_wanted.wait()
            # Before the look: an append during the look may be too late for it.
            self._is_nudged.clear()
            try:
                found = await asyncio.to_thread(self._reader.contracts_after, self._followed, _STEP)
            except Unavailable:
                log.warning("journal.database_does_not_answer")
                await asyncio.sleep(0.5)
                continue
            await self._take(found)
            if len(found) < _STEP:
                with suppress(TimeoutError):
                    # Not `wait_for`: it loses a cancellation that arrives together with the event (Python 3.11).
                    async with asyncio.timeout(self._interval):
                        await self._is_nudged.wait()

    async def _take(self, found: Sequence[tuple[int, int]]) -> None:
        """Note events, each with position and contract, and wake who waits for their contracts and may see them."""
        if not found:
            return
        of_contract: dict[int, list[int]] = {}
        for position, contract_id in found:
            of_contract.setdefault(contract_id, []).append(position)
        news: dict[Audience, int | None] = {}
        for contract_id, positions in of_contract.items():
            news |= await self._judge(positions, list(self._audiences.get(contract_id, {}).values()))
        # Without a pause from here on: whoever comes to wait sees all of it, or nothing.
        self._latest |= {contract_id: position for position, contract_id in found}
        self._followed = max(self._followed, found[-1][0])
        for contract_id, positions in of_contract.items():
            for audience in self._audiences.get(contract_id, {}).values():
                # An audience that came meanwhile was not judged.
                if (newest := news.get(audience, positions[-1])) is not None:
                    audience.wake(newest)

    async def _judge(self, positions: Sequence[int], audiences: Sequence[Audience]) -> Mapping[Audience, int | None]:
        """The newest of some events of a contract that each audience may see."""
        if all(audience.find_view is None for audience in audiences):
            return dict.fromkeys(audiences, positions[-1])
        try:
            return await asyncio.to_thread(find_news, self._reader, positions, audiences)
        except Unavailable:
            # The readers find out themselves whether the database answers.
            return dict.fromkeys(audiences, positions[-1])
