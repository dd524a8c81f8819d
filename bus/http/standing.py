"""A reader's standing: the token and the grant that let it read. Both are checked again for as long as it reads."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from fastapi import Request

from bus.http.page import Reading
from bus.http.rooms import Rooms
from bus.identity import Principal, Scope, require
from bus.journal import Sight
from bus.problem import Refused


class Bearer:
    """The bearer of a token who waits for an answer. Belongs to one event loop, but for the checks.

    Attributes:
        token, grant: see `WaitingReader`.
        is_finished: whether the answer has to end with what there is, since the process stops.
    """

    def __init__(self, request: Request, rooms: Rooms, scope: Scope, grant: tuple[str, str]) -> None:
        self._authorization = request.headers.get("authorization", "").encode("latin-1")
        self.token = (self._authorization, scope)
        self.grant = grant
        self._rooms = rooms
        self._scope = scope
        self._limit: asyncio.Timeout | None = None
        self._refusal: Refused | None = None
        self.is_finished = False

    async def authorised(self) -> Principal:
        """The bearer, by the present state of its token.

        Raises:
            Unauthenticated, ScopeMissing: the token has ended, or its client has lost the scope.
        """
        principal = await self._rooms.tokens.authenticate(self._authorization)
        require(principal, self._scope)
        return principal

    async def wait_for(self, waiting: Coroutine[Any, Any, bool]) -> bool:
        """The result of what is waited for; False when the process stops before.

        Raises:
            Refused: the token or the grant has ended meanwhile.
        """
        if self._refusal is not None or self.is_finished:
            waiting.close()
            self.check_refusal()
            return False
        try:
            async with asyncio.timeout(None) as self._limit:
                return await waiting
        except TimeoutError:
            self.check_refusal()
            if self.is_finished:
                return False
            raise
        finally:
            self._limit = None

    def check_token(self) -> None:
        """Refuse a token that has ended; see `WaitingReader`."""
        require(self._rooms.tokens.verify(self._authorization), self._scope)

    def end(self, refusal: Refused) -> None:
        """Wake the reader with the reason why it may not read; see `WaitingReader`."""
        self._refusal = refusal
        self._wake()

    def finish(self) -> None:
        """Wake the reader, to answer with what there is; see `WaitingReader`."""
        self.is_finished = True
        self._wake()

    def _wake(self) -> None:
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())

    def check_refusal(self) -> None:
        """Raise the refusal that woke the reader, if there is one."""
        if self._refusal is not None:
            raise self._refusal


class Standing(Bearer):
    """The standing of one long-poll or stream that reads a contract."""

    def __init__(self, request: Request, reading: Reading) -> None:
        super().__init__(request, reading.rooms, Scope.EVENTS_READ, (reading.contract, reading.caller.participant))
        self._reading = reading

    async def beyond(self, position: int, seconds: float) -> bool:
        """Wait for an event after a position that the grant shows; False: none came in time, or the process stops.

        Returns True also if the reader has to look; see `Tail.beyond`.

        Raises:
            Refused: the token or the grant has ended meanwhile.
        """
        # By the grant, not by what the caller wants of it: all readers of the participant wait together.
        granted = replace(self._reading, wanted=None)
        chooses = any(view.has_rows for view in granted.views())
        sight = Sight(
            granted.version.contract_id, granted.caller.participant, granted.view_or_none if chooses else None
        )
        return await self.wait_for(self._rooms.tail.beyond(sight, position, seconds))

    def check_grant(self) -> None:
        """Refuse a grant that has ended; see `WaitingReader`."""
        self._reading.views()
