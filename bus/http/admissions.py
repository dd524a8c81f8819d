"""Admissions: what a request that FastAPI answers holds of its participant's limits until its answer has ended."""

from collections.abc import Callable, MutableMapping
from contextlib import ExitStack
from typing import Any, Final

from fastapi import Request

from bus.http.rooms import Rooms
from bus.identity import Principal, Scope
from bus.limits import Allowance, Bucket, Fields, Limit

_KEPT: Final = "bus.admission"
"""Where the scope of a request keeps its admission."""
_READS: Final = frozenset(("GET", "HEAD"))


class Admission:
    """One request that was let in."""

    def __init__(self, allowance: Allowance, bucket: Bucket) -> None:
        self._allowance = allowance
        self._bucket = bucket
        self._held = ExitStack()
        self._turn: Callable[[], None] | None = None

    async def take_turn(self) -> None:
        """Wait until the participant has few enough requests under way.

        Raises:
            AtOnce: too many wait already.
        """
        turns = self._allowance.requests
        await self._allowance.wait_for_turn(turns, Limit.REQUESTS)
        self._turn = turns.give_back

    def begin_to_wait(self) -> None:
        """The request becomes a long-poll or a stream: it counts as a waiting reader instead of as work.

        Raises:
            AtOnce: as many as the participant may have are open.
        """
        self._allowance.begin_waiting()
        self._held.callback(self._allowance.end_waiting)
        self._end_turn()

    def fields(self) -> Fields:
        """The `RateLimit` fields of its answer."""
        return self._bucket.write_fields()

    def end(self) -> None:
        """The answer has ended."""
        self._end_turn()
        self._held.close()

    def _end_turn(self) -> None:
        give_back, self._turn = self._turn, None
        if give_back is not None:
            give_back()


async def admit(request: Request, principal: Principal, scope: str | None) -> None:
    """Let a request in, once, if its participant's limits allow it.

    Args:
        scope: what the route asks for.

    Raises:
        Limited, AtOnce: they do not.
    """
    if _KEPT in request.scope:
        return
    rooms: Rooms = request.app.state.rooms
    allowance = rooms.limits.get(principal.participant)
    limit = _limit(request.method, scope)
    bucket = allowance.buckets[limit]
    admission = request.scope[_KEPT] = Admission(allowance, bucket)
    if limit is not Limit.MANAGE or Scope.ADMIN not in principal.scopes:
        # Who may change limits is not held up by one in the middle of mending something.
        rooms.limits.take(principal.participant, limit)
    await admission.take_turn()


def admission_of(request: Request) -> Admission:
    """The admission of a request behind the dependency that authorises it."""
    admission: Admission = request.scope[_KEPT]
    return admission


def admission_in(scope: MutableMapping[str, Any]) -> Admission | None:
    """The admission in an ASGI scope; None of a request that nobody authorised."""
    return scope.get(_KEPT)


def _limit(method: str, scope: str | None) -> Limit:
    if scope == Scope.QUERIES_CALL:
        return Limit.QUERIES
    return Limit.READ if method in _READS else Limit.MANAGE
