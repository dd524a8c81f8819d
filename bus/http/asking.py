"""Questions under way: a question to an agency ends when what lets its caller ask ends."""

import asyncio
from typing import Any

from fastapi import Request

from bus.http.rooms import Rooms
from bus.identity import Principal, Scope, require
from bus.problem import Refused


class _Asking:
    """One question under way; a `WaitingReader`. Belongs to one event loop, except for the checks."""

    def __init__(
        self, rooms: Rooms, contract: str, caller: Principal, token: bytes, question: asyncio.Future[Any]
    ) -> None:
        self.token = (token, Scope.QUERIES_CALL)
        self.grant = (contract, caller.participant)
        self.refusal: Refused | None = None
        self._rooms = rooms
        self._caller = caller
        self._question = question

    def check_token(self) -> None:
        """Refuse a token that has ended; see `WaitingReader`."""
        require(self._rooms.tokens.verify(self.token[0]), Scope.QUERIES_CALL)

    def check_grant(self) -> None:
        """Refuse a grant that has ended; see `WaitingReader`."""
        self._rooms.queries.check_grant(self.grant[0], self._caller)

    def end(self, refusal: Refused) -> None:
        """Give the question up, with the reason; see `WaitingReader`."""
        self.refusal = refusal
        self._question.cancel()

    def finish(self) -> None:
        """The agency's answer is awaited even if the process stops; see `WaitingReader`."""


async def ask_while_granted(rooms: Rooms, contract: str, question: Any, caller: Principal, request: Request) -> Any:
    """The answer to a question; see `Queries.ask`.

    Raises:
        Refused: what `Queries.ask` raises; also if the token or the grant ends before the agency answers.
    """
    asked = asyncio.ensure_future(rooms.queries.ask(contract, question, caller))
    asking = _Asking(rooms, contract, caller, request.headers.get("authorization", "").encode("latin-1"), asked)
    try:
        with rooms.waiting.enter(asking):
            return await asked
    except asyncio.CancelledError:
        if asking.refusal is None:
            raise
        raise asking.refusal from None
    finally:
        asked.cancel()
