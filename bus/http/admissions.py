"""Admissions: the part of its participant's limits that a request holds until its answer has ended."""

from collections.abc import Callable, MutableMapping
from contextlib import ExitStack
from typing import Any, Final

from fastapi import Request

from bus.http.rooms import Rooms
from bus.identity import Principal, Scope
from bus.limits import Allowance, Bucket, Fields, Limit

_KEPT: Final = "bus.admission"
"""The key of the admission in a request's ASGI scope."""
_READS: Final = frozenset(("GET", "HEAD"))


class Admission:
    """The admission of one request."""

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
        """Count the request as a waiting reader instead of as work: it becomes a long-poll or a stream.

        Raises:
            AtOnce: the participant has as many waiting readers as it may.
        """
        self._allowance.begin_waiting()
        self._held.callback(self._allowance.end_waiting)
        self._end_turn()

    def fields(self) -> Fields:
        """The `RateLimit` fields of the answer."""
        return self._bucket.write_fields()

    def end(self) -> None:
        """Release what the request holds: its answer has ended."""
        self._end_turn()
        self._held.close()

    def _end_turn(self) -> None:
        give_back, self._turn = self._turn, None
        if give_back is not None:
            give_back()


async def admit(request: Request, principal: Principal, scope: str | None, limit: Limit | None = None) -> None:
    """Admit a request once, if its participant's limits allow it.

    Args:
        scope: the scope that the route asks for.
        limit: the rate that counts the request; None: by the method and the scope.

    Raises:
        Limited, AtOnce: the limits do not allow it.
    """
    if _KEPT in request.scope:
        return
    rooms: Rooms = request.app.state.rooms
    allowance = rooms.limits.get(principal.participant)
    limit = limit or _limit(request.method, scope)
    bucket = allowance.buckets[limit]
    admission = request.scope[_KEPT] = Admission(allowance, bucket)
    if limit is not Limit.MANAGE or Scope.ADMIN not in principal.scopes:
        # A caller that may change limits is exempt: it may be about to correct one.
        rooms.limits.take(principal.participant, limit)
    await admission.take_turn()


def admission_of(request: Request) -> Admission:
    """The admission of a request that a dependency has authorised."""
    admission: Admission = request.scope[_KEPT]
    return admission


def admission_in(scope: MutableMapping[str, Any]) -> Admission | None:
    """The admission in an ASGI scope; None: the request is not authorised."""
    return scope.get(_KEPT)


def _limit(method: str, scope: str | None) -> Limit:
    if scope == Scope.QUERIES_CALL:
        return Limit.QUERIES
    return Limit.READ if method in _READS else Limit.MANAGE
