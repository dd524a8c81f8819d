"""What an agency's adapter implements.

An adapter is found by the entry point `bus.adapters`, which names an `AdapterFactory`. The bus makes it when its settings
(`BUS_ADAPTERS__<AGENCY>__…`) are there, and calls its operations by the names that contracts use.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from bus.kit.event import Event
from bus.kit.failure import Outcome
from bus.kit.operation import Operation
from bus.kit.settings import AdapterSettings


class Adapter(Protocol):
    """Speaks one agency's API. An adapter also implements those of `Deliver`, `Poll` and `Query` that its operations need."""

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class Deliver(Protocol):
    """Takes events to the agency, for operations that do `Does.DELIVER`."""

    @abstractmethod
    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        """Send events to the agency: at most `Operation.batch`, already reduced to what the contract grants.

        Must be idempotent: an event can come twice.

        Returns:
            One outcome for each event, in order.

        Raises:
            AgencyFault: concerns all of the events.
        """
        ...


@runtime_checkable
class Poll(Protocol):
    """Fetches events from the agency, for operations that do `Does.POLL`."""

    @abstractmethod
    async def poll(self, operation: str, cursor: str | None) -> "Polled":
        """Fetch what is new since `cursor` (None: from the beginning), one bounded step.

        Raises:
            AgencyFault: the agency could not be read; the bus tries again later from the same cursor.
        """
        ...


@runtime_checkable
class Query(Protocol):
    """Asks the agency, for operations that do `Does.QUERY`."""

    @abstractmethod
    async def query(self, operation: str, question: "Question") -> Mapping[str, Any]:
        """Ask the agency. The bus checks the answer against the contract's answer schema.

        Raises:
            Refused: `AgencyUnavailable`, `AgencyRefused`, `QuotaExhausted` or another refusal with what to do about it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Polled:
    """One step of a poll.

    Attributes:
        events: new and changed rows as events of the operation's contract. The bus publishes them as the adapter's
            participant; an event seen before (same source and id) is a duplicate and harmless.
        cursor: where the next step goes on; kept by the bus once the events are in the journal. Opaque to the bus.
        more: whether the next step should follow at once, rather than after the operation's interval.
    """

    events: Sequence[Event]
    cursor: str | None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A query as the bus hands it to an adapter.

    Attributes:
        contract: the query contract's name.
        data: the question, valid under the contract's request schema.
        participant: who asks.
        shares_cache: an answer that another participant got may be given again. Otherwise nobody may tell, not even by the time
            that an answer takes, that somebody else asked the same.
    """

    contract: str
    data: Mapping[str, Any]
    participant: str
    shares_cache: bool = False

    @property
    def cache_owner(self) -> str | None:
        """For whom an answer may be kept: for a participant, or for everybody (None)."""
        return None if self.shares_cache else self.participant


class AdapterFactory(Protocol):
    """What the entry point `bus.adapters` names: declares an adapter and makes it."""

    name: ClassVar[str]
    """The agency, as in the entry point and in `BUS_ADAPTERS__<AGENCY>__…`."""
    participant: ClassVar[str]
    """As whom the adapter's polled events are published: a participant's name, a producer in the contracts."""
    settings: ClassVar[type[AdapterSettings]]
    operations: ClassVar[tuple[Operation, ...]]

    def create(self, settings: Any) -> Adapter:
        """The adapter, ready to be called. `settings` is an instance of the class that `settings` names."""
        ...
