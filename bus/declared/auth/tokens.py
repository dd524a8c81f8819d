"""Tokens that a call fetches: one token for all tasks. One task at a time fetches it, and no task while it lives."""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

import httpx

from bus.declared.document import Login, OAuth2
from bus.declared.draft import Draft
from bus.declared.mapper import ExpressionResult, Mapper, Program
from bus.kit import AgencyFault, Failure, make_status_fault

Send = Callable[[Draft], Awaitable[httpx.Response]]
"""Sends a request without any auth, and returns the agency's answer."""

_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,8192}")
_MARGIN: Final = 30.0
"""Seconds before a token's end at which its use stops, since the request needs time to arrive."""
_LONGEST_LIFE: Final = 24 * 3600.0
_REFUSED: Final = frozenset({400, 401, 403})
_LONGEST_FAULT: Final = 4096
"""Most bytes of an answer that may say that the token is refused."""


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    expires: float


class Tokens:
    """Adds a token to requests.

    Args:
        agency: the agency's name in faults.
        told: what the document says of the token.
        ask: the request for a token; it takes secrets from the vault.
        send: sends that request.
        mapper: evaluates where the answer has the token.
        clock: seconds that never run backwards.
    """

    def __init__(
        self,
        agency: str,
        told: OAuth2 | Login,
        ask: Callable[[], Draft],
        send: Send,
        mapper: Mapper,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._agency = agency
        self._told = told
        self._ask = ask
        self._send = send
        self._mapper = mapper
        self._clock = clock
        self._fetching = asyncio.Lock()
        self._token: _Token | None = None
        self._paused_until = -math.inf

    async def sign(self, draft: Draft) -> Draft:
        """The draft with a token that has time left.

        Raises:
            AgencyFault: the agency gives no token.
        """
        async with self._fetching:
            token = self._token
            if token is None or self._clock() >= token.expires:
                token = self._token = await self._fetch()
        return draft.add_header(self._told.header, self._write(token))

    async def renew(self, sent: Draft, response: httpx.Response) -> bool:
        """Forget the token if an answer refuses it, so that the next request fetches another. Returns whether it was refused."""
        if not await self._is_refused(response):
            return False
        if self._token is not None and sent.headers.get(self._told.header) == self._write(self._token):
            self._token = None
        return True

    def _write(self, token: _Token) -> str:
        return f"{self._told.scheme} {token.value}".strip()

    async def _is_refused(self, response: httpx.Response) -> bool:
        if response.status_code == httpx.codes.UNAUTHORIZED:
            return True
        if self._told.refused_when is None or len(response.content) > _LONGEST_FAULT:
            return False
        program = Program({"refused": self._told.refused_when}, numbers="text")
        judged = await self._mapper.judge(program, (), status=response.status_code, headers={}, body=response.content)
        return judged.results["refused"].value is True

    async def _fetch(self) -> _Token:
        asked = self._clock()
        if asked < self._paused_until:
            detail = f"{self._agency} refused the account; the bus asks again after a pause"
            raise AgencyFault(Failure.SINK_DOWN, detail, retry_after=self._paused_until - asked)
        response = await self._send(self._ask())
        if response.status_code in _REFUSED:
            self._paused_until = asked + self._told.pause_seconds
            raise AgencyFault(Failure.SINK_DOWN, f"{self._agency} refuses the account", status=response.status_code)
        if not response.is_success:
            raise make_status_fault(self._agency, response)
        return await self._read(response, asked)

    async def _read(self, response: httpx.Response, asked: float) -> _Token:
        program = Program({"token": self._told.token, "life": self._told.expires_in}, numbers="text")
        judged = await self._mapper.judge(program, (), status=response.status_code, headers={}, body=response.content)
        value = judged.results["token"].value
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            detail = f"{self._agency} answered without a token that can be used"
            raise AgencyFault(Failure.TRANSIENT, detail, status=response.status_code)
        life = _read_life(judged.results["life"], self._told.lifetime_seconds)
        return _Token(value, asked + max(life - _MARGIN, 1.0))


def _read_life(found: ExpressionResult, otherwise: float) -> float:
    """Seconds that a token lives, a day at most; agencies write them as numbers or as texts."""
    try:
        seconds = float(found.value) if isinstance(found.value, str | int | float) else otherwise
    except ValueError:
        return otherwise
    return min(seconds, _LONGEST_LIFE) if math.isfinite(seconds) and seconds > 0 else otherwise
