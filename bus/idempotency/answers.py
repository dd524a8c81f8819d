"""Kept answers: a client that sends a request again with the same Idempotency-Key gets its first answer.

Promise: what a request makes, and its answer, are committed in one transaction. So after a crash either both are there or
neither is, and no process makes a thing twice. An answer is kept for `KEPT`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from bus import clock, json
from bus.idempotency.errors import KeyReused, RequestInFlight, TooManyKeys
from bus.idempotency.seal import make_digest, seal, unseal
from bus.idempotency.tables import KEPT_ANSWERS
from bus.identity import Keys
from bus.ids import new_id
from bus.storage import RowConflict, Storage, Transaction

KEPT: Final = timedelta(hours=24)
"""How long an answer is kept."""
_LEASE: Final = timedelta(minutes=1)
"""After it, a request that was not answered counts as given up: its process has died."""
_MOST_KEYS: Final = 1000
"""Keys that one client may have in `KEPT`."""
_STEP: Final = 100
"""Old rows that one request deletes."""
_RETRY_SECONDS: Final = "1"
_FULL_SECONDS: Final = "3600"

_TABLE: Final = KEPT_ANSWERS.c


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to a request.

    Attributes:
        body: JSON text, which may hold a secret.
    """

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer a request, until it is answered or given back.

    Attributes:
        request: the digest of what is asked.
        token: names the claim; another one may follow after a crash.
    """

    client_id: str
    key: str
    request: str
    token: str


class KeptAnswers:
    """The kept answers of one bus. Synchronous: call it from threads."""

    def __init__(self, storage: Storage, keys: Keys, now: Callable[[], datetime] = clock.now) -> None:
        """`now` is this moment in UTC."""
        self._storage = storage
        self._keys = keys
        self._now = now

    def claim(self, client_id: str, key: str, request: str) -> Claim | KeptAnswer:
        """The claim to a request, or the answer that it got before.

        Args:
            client_id: the client that asks.
            key: its Idempotency-Key.
            request: a digest of what it asks.

        Raises:
            KeyReused: the client asked something else with this key.
            RequestInFlight: the request is being answered.
            TooManyKeys: the client used too many keys.
        """
        claim = Claim(client_id, key, request, new_id("claim"))
        now = self._now()
        try:
            with self._storage.write() as transaction:
                _delete_old(transaction, now)
                row = transaction.one(sa.select(KEPT_ANSWERS).where(*_of(claim)))
                if row is not None:
                    return self._take_over(transaction, claim, row, now)
                _check_number(transaction, client_id)
                transaction.execute(sa.insert(KEPT_ANSWERS).values(**self._begin(claim, now)))
        except RowConflict:
            raise _refuse_in_flight() from None
        return claim

    def keep(self, transaction: Transaction, claim: Claim, answer: KeptAnswer) -> None:
        """Keep the answer, in the transaction that makes what the request asks for.

        Raises:
            RequestInFlight: another process took the claim over; the transaction must not be committed.
        """
        told = {"status": answer.status, "headers": dict(answer.headers), "body": answer.body}
        kept = sa.update(KEPT_ANSWERS).where(*_of(claim), _TABLE.claim == claim.token, _TABLE.is_answered.is_(False))
        if not transaction.execute(kept.values(is_answered=True, sealed=self._seal(claim, told))):
            raise _refuse_in_flight()

    def release(self, claim: Claim) -> None:
        """Give a claim back: the request was refused and made nothing, so that it may be sent again."""
        mine = sa.delete(KEPT_ANSWERS).where(*_of(claim), _TABLE.claim == claim.token, _TABLE.is_answered.is_(False))
        with self._storage.write() as transaction:
            transaction.execute(mine)

    def _take_over(self, transaction: Transaction, claim: Claim, row: Any, now: datetime) -> Claim | KeptAnswer:
        """The kept answer of a row, or the claim to it if the process that had it is gone."""
        is_over = row.claimed_at <= clock.micros(now - KEPT)
        text = None if is_over else unseal(self._keys, claim.client_id, claim.key, row.sealed)
        told = {} if text is None else json.loads(text)
        if not is_over and told.get("request") != claim.request:
            raise KeyReused("This Idempotency-Key came with another request.")
        if row.is_answered and not is_over:
            return KeptAnswer(told["status"], told["headers"], told["body"])
        if row.claimed_at > clock.micros(now - _LEASE):
            raise _refuse_in_flight()
        same = sa.update(KEPT_ANSWERS).where(*_of(claim), _TABLE.claim == row.claim)
        if not transaction.execute(same.values(**self._begin(claim, now))):
            raise _refuse_in_flight()
        return claim

    def _begin(self, claim: Claim, now: datetime) -> dict[str, Any]:
        """The row of a request that is under way."""
        return {
            "client_id": claim.client_id,
            "key": make_digest(claim.client_id, claim.key),
            "claim": claim.token,
            "claimed_at": clock.micros(now),
            "is_answered": False,
            "sealed": self._seal(claim, {}),
        }

    def _seal(self, claim: Claim, told: Mapping[str, Any]) -> str:
        return seal(self._keys, claim.client_id, claim.key, json.dumps({"request": claim.request, **told}))


def _of(claim: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    return _TABLE.client_id == claim.client_id, _TABLE.key == make_digest(claim.client_id, claim.key)


def _delete_old(transaction: Transaction, now: datetime) -> None:
    """Delete some rows whose time is over, by the index; each request brings at most one new row."""
    old = _TABLE.claimed_at <= clock.micros(now - KEPT)
    some = sa.select(_TABLE.key).where(old).order_by(_TABLE.claimed_at).limit(_STEP).scalar_subquery()
    transaction.execute(sa.delete(KEPT_ANSWERS).where(old, _TABLE.key.in_(some)))


def _check_number(transaction: Transaction, client_id: str) -> None:
    number = transaction.value(sa.select(sa.func.count()).where(_TABLE.client_id == client_id))
    if number >= _MOST_KEYS:
        raise TooManyKeys(f"A client has at most {_MOST_KEYS} keys in a day.", headers={"Retry-After": _FULL_SECONDS})


def _refuse_in_flight() -> RequestInFlight:
    return RequestInFlight("Wait for the first answer.", headers={"Retry-After": _RETRY_SECONDS})
