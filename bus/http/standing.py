"""A reader's standing: the token and the grant that let it read. Both are checked again for as long as it reads."""

import asyncio

from fastapi import Request

from bus.http.page import Reading
from bus.identity import Principal, Scope, require
from bus.journal import Tail
from bus.problem import Refused


class Standing:
    """The standing of one long-poll or stream. Belongs to one event loop, but for the checks.

    Attributes:
        token, grant: see `WaitingReader`.
        is_finished: whether the answer has to end with what there is, since the process stops.
    """

    def __init__(self, request: Request, reading: Reading) -> None:
        self._authorization = request.headers.get("authorization", "").encode("latin-1")
        self.token = (self._authorization, Scope.EVENTS_READ)
        self.grant = (reading.contract, reading.caller.participant)
        self._reading = reading
        self._limit: asyncio.Timeout | None = None
        self._refusal: Refused | None = None
        self.is_finished = False

    async def authorised(self) -> Principal:
        """The reader, by the present state of its token.

        Raises:
            Unauthenticated, ScopeMissing: the token has ended, or its client has lost the scope.
        """
        principal = await self._reading.rooms.tokens.authenticate(self._authorization)
        require(principal, Scope.EVENTS_READ)
        return principal

    async def beyond(self, position: int, seconds: float) -> bool:
        """Wait for an event of the contract after a position; False: none came in time, or the process stops.

        Raises:
            Refused: the token or the grant has ended meanwhile.
        """
        tail: Tail = self._reading.rooms.tail
        self.check_refusal()
        if self.is_finished:
            return False
        contract_id = self._reading.version.contract_id
        try:
            async with asyncio.timeout(None) as self._limit:
                return await tail.beyond(contract_id, position, seconds)
        except TimeoutError:
            self.check_refusal()
            if self.is_finished:
                return False
            raise
        finally:
            self._limit = None

    def check_token(self) -> None:
        """Refuse a token that has ended; see `WaitingReader`."""
        require(self._reading.rooms.tokens.verify(self._authorization), Scope.EVENTS_READ)

    def check_grant(self) -> None:
        """Refuse a grant that has ended; see `WaitingReader`."""
        self._reading.views()

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
