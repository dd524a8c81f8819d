"""A lasting adapter: another version may take its place, and the calls under way still end with it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from bus.kit import (
    Adapter,
    AgencyFault,
    Deliver,
    Event,
    Failure,
    Outcome,
    Poll,
    Polled,
    Push,
    PushAnswer,
    PushRequest,
    Query,
    Question,
    Rows,
    Verdict,
)

_REPLACED = "the adapter's version was replaced at this moment"


class LastingAdapter(Deliver, Poll, Query, Push):
    """An adapter that counts its calls, so that it is closed behind the last one. Belongs to one event loop."""

    def __init__(self, adapter: Adapter) -> None:
        """`adapter` has the methods that its operations need; nobody calls others."""
        self._adapter = adapter
        self._calls = 0
        self._is_retired = False

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        """As the adapter does. Raises AgencyFault, transient, if the adapter is closed already."""
        async with self._count():
            return await cast("Deliver", self._adapter).deliver(operation, events)

    async def poll(self, operation: str, cursor: str | None) -> Polled:
        """As the adapter does. Raises AgencyFault, transient, if the adapter is closed already."""
        async with self._count():
            return await cast("Poll", self._adapter).poll(operation, cursor)

    async def query(self, operation: str, question: Question) -> Mapping[str, Any]:
        """As the adapter does. Raises AgencyUnavailable if the adapter is closed already."""
        try:
            async with self._count():
                return await cast("Query", self._adapter).query(operation, question)
        except AgencyFault as fault:
            raise fault.to_refusal() from None

    def verify(self, operation: str, request: PushRequest) -> bool | None:
        """As the adapter does."""
        return cast("Push", self._adapter).verify(operation, request)

    async def receive(self, operation: str, request: PushRequest) -> Rows:
        """As the adapter does. Raises AgencyFault, transient, if the adapter is closed already."""
        async with self._count():
            return await cast("Push", self._adapter).receive(operation, request)

    def answer(self, operation: str, verdict: Verdict) -> PushAnswer | None:
        """As the adapter does."""
        return cast("Push", self._adapter).answer(operation, verdict)

    async def retire(self) -> None:
        """Take no further call, and close the adapter once no call is under way."""
        self._is_retired = True
        if not self._calls:
            await self._adapter.close()

    async def close(self) -> None:
        """Close the adapter now."""
        self._is_retired = True
        await self._adapter.close()

    @asynccontextmanager
    async def _count(self) -> AsyncIterator[None]:
        if self._is_retired:
            raise AgencyFault(Failure.TRANSIENT, _REPLACED)
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
            if self._is_retired and not self._calls:
                await self._adapter.close()
