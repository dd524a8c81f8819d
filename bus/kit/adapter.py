"""The interfaces that an agency's adapter implements.

The entry point `bus.adapters` names an `AdapterFactory`. The bus makes an adapter if its settings
(`BUS_ADAPTERS__<AGENCY>__…`) exist. It calls the operations by the names that contracts use.
"""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from bus.kit.event import Event
from bus.kit.failure import DELIVERED, Outcome
from bus.kit.fault import AgencyFault
from bus.kit.operation import Operation
from bus.kit.quota import UNLIMITED, Quota
from bus.kit.rows import Rows
from bus.kit.settings import AdapterSettings


class Adapter(Protocol):
    """Speaks one agency's API.

    An adapter also implements `Deliver`, `Poll`, `Query` or `Push`, as its operations need.
    """

    async def close(self) -> None:
        """Close all connections."""
        ...


@runtime_checkable
class Deliver(Protocol):
    """Sends events to the agency, for operations that do `Does.DELIVER`."""

    @abstractmethod
    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        """Send events to the agency.

        The method must be idempotent: the bus can send an event twice.

        Args:
            operation: the operation's name.
            events: at most `Operation.batch` events, with no field that the contract does not grant.

        Returns:
            One outcome for each event, in the order of `events`.

        Raises:
            AgencyFault: every event failed, for the same reason.
        """
        ...


async def deliver_one_by_one(events: Sequence[Event], send: Callable[[Event], Awaitable[None]]) -> list[Outcome]:
    """Send events one by one, for an agency that takes one event a request.

    Args:
        send: sends one event. It raises `AgencyFault` if the agency did not take the event.

    Returns:
        One outcome for each event, in their order.
    """
    return [await _deliver_one(event, send) for event in events]


async def _deliver_one(event: Event, send: Callable[[Event], Awaitable[None]]) -> Outcome:
    try:
        await send(event)
    except AgencyFault as fault:
        return fault.to_outcome()
    return DELIVERED


@runtime_checkable
class Poll(Protocol):
    """Fetches events from the agency, for operations that do `Does.POLL`."""

    @abstractmethod
    async def poll(self, operation: str, cursor: str | None) -> "Polled":
        """Fetch what is new at the agency, one bounded step.

        Args:
            operation: the operation's name.
            cursor: the cursor of the step before; None begins at the agency's first row.

        Raises:
            AgencyFault: the agency gave no answer that can be read. The bus tries again later from the same cursor.
        """
        ...


@runtime_checkable
class Query(Protocol):
    """Asks the agency, for operations that do `Does.QUERY`."""

    @abstractmethod
    async def query(self, operation: str, question: "Question") -> Mapping[str, Any]:
        """The agency's answer to a question. The bus checks it against the contract's answer schema.

        Raises:
            AgencyUnavailable: the agency does not answer now.
            AgencyRefused: the agency refuses the bus's account.
            QuotaExhausted: today's calls are used up.
            Refused: another reason, with what to do about it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Polled:
    """One step of a poll.

    Attributes:
        events: what happened, as events of the operation's contract, if the agency itself says what is new. A repeated
            event (same source and id) is a harmless duplicate. The bus keeps an event that it refuses, and tries it again.
        cursor: where the next step goes on. The bus keeps it together with the events, and never reads it.
        more: True: the next step follows at once. False: it follows after the operation's interval.
        rows: rows of a list, if the agency does not say what is new. The bus publishes new and changed rows. A row that is
            gone from a whole list is deleted. None: the step has no list.
        fault: why this step read nothing, if the next steps can still go on. The round then fails at its end, and is tried
            again with backoff. None: the step read all of it.
    """

    events: Sequence[Event]
    cursor: str | None
    more: bool = False
    rows: Rows | None = None
    fault: AgencyFault | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A query as the bus hands it to an adapter.

    Attributes:
        contract: the query contract's name.
        data: the question, valid under the contract's request schema.
        participant: the participant that asks.
        shares_cache: True: participants may share a cached answer. False: no participant may learn what another one
            asked, not even from the time that an answer takes.
        cache_seconds: how long the contract lets the adapter give the answer again; 0: not at all.
        quota: the adapter takes from it before each call that the agency counts. An answer from a cache takes nothing.
    """

    contract: str
    data: Mapping[str, Any]
    participant: str
    shares_cache: bool = False
    cache_seconds: float = 0.0
    quota: Quota = field(default=UNLIMITED, compare=False, repr=False)

    @property
    def cache_owner(self) -> str | None:
        """The one participant that may get a cached answer; None: every participant may."""
        return None if self.shares_cache else self.participant


class AdapterFactory(Protocol):
    """Declares an adapter and makes it. The entry point `bus.adapters` names one."""

    @property
    def name(self) -> str:
        """The agency's name, as in the entry point and in `BUS_ADAPTERS__<AGENCY>__…`."""
        ...

    @property
    def participant(self) -> str:
        """The participant that publishes the events of the adapter's polls and pushes. The contracts name it as a producer."""
        ...

    @property
    def settings(self) -> type[AdapterSettings]:
        """The model of the adapter's settings."""
        ...

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What the adapter can do."""
        ...

    def create(self, settings: Any) -> Adapter:
        """The adapter, ready to be called.

        Args:
            settings: an instance of the class in the attribute `settings`.
        """
        ...
