"""The header field `Idempotency-Key`: a request that a client sends again is answered as it was the first time."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Response

from bus import json
from bus.actions import Actor
from bus.http.rooms import Rooms
from bus.idempotency import Claim, KeptAnswer, KeptAnswers
from bus.storage import Transaction

_BARE: Final = "[A-Za-z0-9._~:+/=-]{1,255}"
_QUOTED: Final = r'"[ !#-\[\]-~]{1,255}"'
_DIGEST_BYTES: Final = 32
_KEPT_FIELDS: Final = ("Location", "ETag", "Cache-Control")
_JSON: Final = "application/json"


def _read_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            pattern=f"^(?:{_BARE}|{_QUOTED})$",
            description="a text of your own, such as a UUID in quotes. The same request with it again, within 24 hours, makes "
            "nothing new and gets the first answer (draft-ietf-httpapi-idempotency-key-header-07)",
            examples=['"8e03978e-40d5-43dd-bc93-6894a57f9324"'],
        ),
    ] = None,
) -> str | None:
    """The key without its quotes."""
    return None if idempotency_key is None else idempotency_key.strip('"')


IdempotencyKey = Annotated[str | None, Depends(_read_key)]
"""The key that a request brings; None: it brings none."""


class FirstAnswer:
    """The answer to a request, given in the transaction that makes what the request asks for."""

    def __init__(self, register: KeptAnswers, claim: Claim | None) -> None:
        self._register = register
        self._claim = claim
        self._answer: Response | None = None

    def give(self, transaction: Transaction, answer: Response) -> None:
        """Set the answer, and keep it if the request has a key.

        Raises:
            RequestInFlight: another process answers the request; nothing may be committed.
        """
        if self._claim is not None:
            fields = {name: answer.headers[name] for name in _KEPT_FIELDS if name in answer.headers}
            kept = KeptAnswer(answer.status_code, fields, bytes(answer.body).decode())
            self._register.keep(transaction, self._claim, kept)
        self._answer = answer

    @property
    def answer(self) -> Response:
        """The answer that was given."""
        assert self._answer is not None  # noqa: S101 - what makes a thing gives the answer
        return self._answer


async def answer_once(
    request: Request, rooms: Rooms, by: Actor, key: str | None, make: Callable[[FirstAnswer], Awaitable[None]]
) -> Response:
    """The answer to a request: the first one if its client sent it before with the same key.

    Args:
        request: its method, path and body say what is asked.
        rooms: have the kept answers.
        by: the actor; each client has keys of its own.
        key: the request's key; None: nothing is kept.
        make: makes what is asked for, and gives the answer within the same transaction.

    Raises:
        KeyReused, RequestInFlight, TooManyKeys: see `KeptAnswers.claim`.
    """
    register = rooms.answers
    if key is None:
        first = FirstAnswer(register, None)
        await make(first)
        return first.answer
    asked = _digest(request, await request.body())
    claim = await asyncio.to_thread(register.claim, by.client_id or "", key, asked)
    if isinstance(claim, KeptAnswer):
        return Response(claim.body, claim.status, dict(claim.headers), media_type=_JSON)
    first = FirstAnswer(register, claim)
    try:
        await make(first)
    except BaseException:
        # Also when the client has left. What is still being made finds its claim gone, and is not committed.
        await asyncio.shield(asyncio.to_thread(register.release, claim))
        raise
    return first.answer


def _digest(request: Request, body: bytes) -> str:
    """Names what a request asks for; JSON counts by its value."""
    asked = json.dump_canonical([request.method, request.url.path, json.loads(body)])
    return blake2b(asked, digest_size=_DIGEST_BYTES).hexdigest()
