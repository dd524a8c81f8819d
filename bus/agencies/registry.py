"""The registry: adapters found by entry point, made from their settings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Final, cast

from pydantic import ValidationError

from bus.contracts.binding import Binding, Bindings, check_named, check_serves
from bus.contracts.document import AdapterUse, Contract, Kind
from bus.kit import Adapter, AdapterFactory, AdapterSettings, Deliver, Does, Operation, Poll, Query
from bus.problem import Refused, Unavailable
from bus.settings import SettingsWrong

GROUP = "bus.adapters"


Find = Callable[[], AdapterFactory]
"""Finds an agency's factory; for an entry point, by importing it."""


def find_installed() -> dict[str, Find]:
    """The adapters that are installed, by agency."""
    return {point.name: point.load for point in entry_points(group=GROUP)}


_KINDS: Final = {
    Does.QUERY: frozenset({Kind.QUERY}),
    Does.DELIVER: frozenset({Kind.EVENT, Kind.RECORD}),
    Does.POLL: frozenset({Kind.EVENT, Kind.RECORD}),
}
_METHODS: Final[Mapping[Does, type]] = {Does.DELIVER: Deliver, Does.POLL: Poll, Does.QUERY: Query}


class AdapterOff(Unavailable):
    """The adapter for this agency is not set up here; the operator has to give its settings."""

    slug = "adapter-off"


class AdapterIncomplete(Refused):
    """An adapter lacks what its operations need; its developer has to mend it."""

    slug = "adapter-incomplete"


@dataclass(frozen=True, slots=True)
class _Serving:
    factory: AdapterFactory
    settings: AdapterSettings
    adapter: Adapter


class Agencies:
    """The adapters that are set up. Belongs to one event loop."""

    def __init__(self, settings: Mapping[str, Mapping[str, str]], factories: Mapping[str, Find] | None = None) -> None:
        """Make each adapter that has settings (`BUS_ADAPTERS__<AGENCY>__…`).

        Args:
            factories: what finds each agency's factory; by default the entry points that are installed.

        Raises:
            SettingsWrong: an agency without an adapter, or a setting that is missing or wrong, by its name.
            AdapterIncomplete: an adapter has no method for one of its operations.
        """
        factories = find_installed() if factories is None else factories
        unknown = sorted(settings.keys() - factories.keys())
        if unknown:
            raise SettingsWrong(
                f"BUS_ADAPTERS__{unknown[0].upper()}: there is no such adapter; {sorted(factories)} are."
            )
        self._serving = {name: _make_serving(factories[name](), given) for name, given in settings.items()}

    def find_deliver(self, adapter: str, operation: str) -> tuple[Deliver, Operation]:
        """An adapter that delivers, and the operation.

        Raises:
            AdapterOff: the adapter is not set up, or has no such delivery.
        """
        agency, found = self._find(adapter, operation, Does.DELIVER)
        return cast("Deliver", agency), found

    def find_poll(self, adapter: str, operation: str) -> tuple[Poll, Operation]:
        """An adapter that polls, and the operation.

        Raises:
            AdapterOff: the adapter is not set up, or has no such poll.
        """
        agency, found = self._find(adapter, operation, Does.POLL)
        return cast("Poll", agency), found

    def find_query(self, adapter: str, operation: str) -> tuple[Query, Operation]:
        """An adapter that answers queries, and the operation.

        Raises:
            AdapterOff: the adapter is not set up, or has no such query.
        """
        agency, found = self._find(adapter, operation, Does.QUERY)
        return cast("Query", agency), found

    def _find(self, adapter: str, operation: str, does: Does) -> tuple[Adapter, Operation]:
        found = self.find_operation(adapter, operation, does)
        if found is None:
            raise AdapterOff(f"No adapter {adapter} that does {does.value} {operation} is set up on this bus.")
        # The constructor checked that the adapter has the method.
        return self._serving[adapter].adapter, found

    def find_operation(self, adapter: str, operation: str, does: Does) -> Operation | None:
        """An operation of an adapter that is set up. None where it is not, or does something else."""
        found = self._find_operation(adapter, operation)
        return found if found is not None and found.does is does else None

    def _find_operation(self, adapter: str, operation: str) -> Operation | None:
        serving = self._serving.get(adapter)
        if serving is None:
            return None
        return next((one for one in serving.factory.operations if one.name == operation), None)

    def check_serves(self, contract: Contract, in_force: Sequence[Contract], adapter: str, operation: str) -> None:
        """Refuse to exchange a version's data through an operation that nobody bound to its contract, or that asks for more.

        Versions are judged when they are put in force. Here those count that were in force before the operation asked.

        Args:
            contract: the version whose data the operation gets or gives.
            in_force: the versions of its contract in force.

        Raises:
            NotBound: no version of the contract in force names the operation.
            ContractSaysLess: the version protects the data less than the operation asks.
            AdapterOff: the adapter is not set up, or has no such operation.
        """
        found = self._find_operation(adapter, operation)
        if found is None:
            raise AdapterOff(f"The adapter {adapter} with its operation {operation} is not set up on this bus.")
        use = AdapterUse(adapter, operation)
        check_named(contract.name, in_force, use)
        check_serves(contract, use, _make_binding(found, ""))

    def find_participant(self, adapter: str) -> str:
        """As whom an adapter that is set up takes part."""
        return self._serving[adapter].factory.participant

    def list_polls(self) -> Iterator[tuple[str, Operation]]:
        """Every poll of every adapter that is set up, with its interval in seconds."""
        for name, serving in self._serving.items():
            for operation in serving.factory.operations:
                if operation.does is Does.POLL:
                    yield name, operation

    def find_interval(self, adapter: str, operation: Operation) -> float:
        """Seconds between two polls."""
        return self._serving[adapter].settings.poll_seconds or operation.interval

    async def close(self) -> None:
        """Let go of all adapters."""
        for serving in self._serving.values():
            await serving.adapter.close()


def _make_serving(factory: AdapterFactory, given: Mapping[str, str]) -> _Serving:
    try:
        settings = factory.settings.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(
            f"BUS_ADAPTERS__{factory.name}__{'__'.join(str(part) for part in item['loc'])}".upper() + f": {item['msg']}"
            for item in error.errors(include_input=False)
        )
        raise SettingsWrong(wrong) from None
    adapter = factory.create(settings)
    for operation in factory.operations:
        if not isinstance(adapter, _METHODS[operation.does]):
            method = operation.does.value
            raise AdapterIncomplete(f"The adapter {factory.name} has no method {method} for {operation.name}.")
    return _Serving(factory, settings, adapter)


def make_bindings(settings: Mapping[str, Mapping[str, str]], factories: Mapping[str, Find] | None = None) -> Bindings:
    """What the operations of the installed adapters, set up or not, ask of contracts.

    Args:
        settings: of the adapters; `owner` names who decides on an adapter.
    """
    found = find_installed() if factories is None else factories

    # Bounded, since contracts that are only checked may name anything.
    @lru_cache(maxsize=1024)
    def binding(use: AdapterUse) -> Binding | None:
        # An adapter is imported when a contract names it: commands that need none stay fast.
        find = found.get(use.adapter)
        return _find_binding(find(), use.operation, settings.get(use.adapter, {}).get("owner", "")) if find else None

    return binding


def _find_binding(factory: AdapterFactory, operation: str, owner: str) -> Binding | None:
    return next((_make_binding(one, owner) for one in factory.operations if one.name == operation), None)


def _make_binding(operation: Operation, owner: str) -> Binding:
    return Binding(
        owner, _KINDS[operation.does], operation.least, operation.person, operation.definitions, operation.contract
    )


def list_mapped_fields(factories: Mapping[str, Find] | None = None) -> dict[AdapterUse, tuple[str, ...]]:
    """What each operation of the installed adapters, set up or not, reads or writes of its contract's data."""
    found = find_installed() if factories is None else factories
    return {
        AdapterUse(name, operation.name): operation.fields
        for name, find in found.items()
        for operation in find().operations
    }
