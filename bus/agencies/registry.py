"""The registry: finds adapters by entry point, and makes them from their settings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from pydantic import ValidationError

from bus import shipped
from bus.agencies.holding import Plausibility
from bus.contracts import AdapterUse, Binding, Bindings, Contract, Kind, check_named, check_serves
from bus.kit import Adapter, AdapterFactory, AdapterSettings, Deliver, Does, Operation, Poll, Query
from bus.networks import Network
from bus.problem import Refused, Unavailable
from bus.settings import SettingsWrong

if TYPE_CHECKING:
    from bus.declared import AdapterDocument

GROUP = "bus.adapters"


Find = Callable[[], AdapterFactory]
"""Finds an agency's factory. For an entry point, the call imports the adapter."""


@cache
def find_installed() -> Mapping[str, Find]:
    """Agency to what finds its factory, for every installed adapter.

    The search reads the metadata of every installed library. So a process searches once.
    """
    return find_adapters(())


def find_adapters(networks: Sequence[Network]) -> Mapping[str, Find]:
    """Agency to what finds its factory, for every installed adapter and every shipped adapter document.

    Args:
        networks: where the agencies of documents may be private or plain http.
    """
    declared = {path.stem: partial(_load_declared, path, networks) for path in sorted(shipped.ADAPTERS.glob("*.yaml"))}
    return MappingProxyType(declared | {point.name: point.load for point in entry_points(group=GROUP)})


def _load_declared(path: Path, networks: Sequence[Network]) -> AdapterFactory:
    # Imported here, since most commands need no adapter, and the import takes longer than they do.
    from bus.declared import DeclaredFactory, Surroundings

    return DeclaredFactory(_load_shipped(path), Surroundings(networks))


@cache
def _load_shipped(path: Path) -> "AdapterDocument":
    """A shipped document. A process reads each once."""
    from bus.declared import load_document

    return load_document(path)


_KINDS: Final = {
    Does.QUERY: frozenset({Kind.QUERY}),
    Does.DELIVER: frozenset({Kind.EVENT, Kind.RECORD}),
    Does.POLL: frozenset({Kind.EVENT, Kind.RECORD}),
}
_METHODS: Final[Mapping[Does, type]] = {Does.DELIVER: Deliver, Does.POLL: Poll, Does.QUERY: Query}


class AdapterOff(Unavailable):
    """This bus has no settings for the agency's adapter; ask the operator to give them."""

    slug = "adapter-off"


class AdapterIncomplete(Refused):
    """An adapter lacks a method for one of its operations; its developer has to add the method."""

    slug = "adapter-incomplete"


@dataclass(frozen=True, slots=True)
class _Serving:
    factory: AdapterFactory
    settings: AdapterSettings
    adapter: Adapter


class Agencies:
    """The adapters that have settings. Belongs to one event loop."""

    def __init__(self, settings: Mapping[str, Mapping[str, str]], factories: Mapping[str, Find] | None = None) -> None:
        """Make each adapter that has settings (`BUS_ADAPTERS__<AGENCY>__…`).

        Args:
            settings: agency to the names and values of its settings.
            factories: for each agency, a function that finds its factory. None: the installed entry points.

        Raises:
            SettingsWrong: the settings name an agency without an adapter, or one of them is missing or wrong.
            AdapterIncomplete: an adapter has no method for one of its operations.
        """
        factories = find_installed() if factories is None else factories
        unknown = sorted(settings.keys() - factories.keys())
        if unknown:
            raise SettingsWrong(
                f"BUS_ADAPTERS__{unknown[0].upper()}: should name an installed adapter: {', '.join(sorted(factories))}"
            )
        self._serving = {name: _make_serving(factories[name](), given) for name, given in settings.items()}

    def find_deliver(self, adapter: str, operation: str) -> tuple[Deliver, Operation]:
        """The adapter that delivers by this operation, and the operation.

        Raises:
            AdapterOff: the adapter has no settings, or no such delivery.
        """
        agency, found = self._find(adapter, operation, Does.DELIVER)
        return cast("Deliver", agency), found

    def find_poll(self, adapter: str, operation: str) -> tuple[Poll, Operation]:
        """The adapter that polls by this operation, and the operation.

        Raises:
            AdapterOff: the adapter has no settings, or no such poll.
        """
        agency, found = self._find(adapter, operation, Does.POLL)
        return cast("Poll", agency), found

    def find_query(self, adapter: str, operation: str) -> tuple[Query, Operation]:
        """The adapter that answers queries by this operation, and the operation.

        Raises:
            AdapterOff: the adapter has no settings, or no such query.
        """
        agency, found = self._find(adapter, operation, Does.QUERY)
        return cast("Query", agency), found

    def _find(self, adapter: str, operation: str, does: Does) -> tuple[Adapter, Operation]:
        found = self.find_operation(adapter, operation, does)
        if found is None:
            raise AdapterOff(
                f"This bus has no settings for an adapter {adapter} with the {does.value} operation {operation}."
            )
        # `_make_serving` checked that the adapter has the method.
        return self._serving[adapter].adapter, found

    def find_operation(self, adapter: str, operation: str, does: Does) -> Operation | None:
        """An operation of an adapter; None if the adapter has no settings, or no such operation that does `does`."""
        found = self._find_operation(adapter, operation)
        return found if found is not None and found.does is does else None

    def _find_operation(self, adapter: str, operation: str) -> Operation | None:
        serving = self._serving.get(adapter)
        if serving is None:
            return None
        return next((one for one in serving.factory.operations if one.name == operation), None)

    def check_serves(self, contract: Contract, in_force: Sequence[Contract], adapter: str, operation: str) -> None:
        """Check that an operation may exchange the data of a contract version.

        An activation checks this too. But a version may be in force since before the operation demanded as much.

        Args:
            contract: the version whose data the operation reads or writes.
            in_force: all versions of this contract in force.
            adapter: the adapter's name.
            operation: the operation's name.

        Raises:
            NotBound: no version in force names the operation.
            ContractSaysLess: the version protects the data less than the operation demands.
            AdapterOff: the adapter has no settings, or no such operation.
        """
        found = self._find_operation(adapter, operation)
        if found is None:
            raise AdapterOff(f"This bus has no settings for an adapter {adapter} with the operation {operation}.")
        use = AdapterUse(adapter, operation)
        check_named(contract.name, in_force, use)
        check_serves(contract, use, _make_binding(found, ""))

    def find_participant(self, adapter: str) -> str:
        """The participant of an adapter that has settings."""
        return self._serving[adapter].factory.participant

    def list_polls(self) -> Iterator[tuple[str, Operation]]:
        """The adapter's name and the operation of every poll."""
        for name, serving in self._serving.items():
            for operation in serving.factory.operations:
                if operation.does is Does.POLL:
                    yield name, operation

    def find_interval(self, adapter: str, operation: Operation) -> float:
        """Seconds between two steps of a poll, if the agency has no more."""
        return self._serving[adapter].settings.poll_seconds or operation.interval

    def find_plausibility(self, adapter: str) -> Plausibility:
        """How many rows of a list may be gone at once."""
        settings = self._serving[adapter].settings
        return Plausibility(settings.deletions_share, settings.deletions_rows)

    async def close(self) -> None:
        """Close all adapters."""
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
    """What each operation of the installed adapters demands of contracts. An adapter needs no settings for this.

    Args:
        settings: for each agency, its adapter's settings. `owner` names the participant that decides on the adapter.
        factories: for each agency, a function that finds its factory. None: the installed entry points.
    """
    found = find_installed() if factories is None else factories

    # Bounded, since a contract may name any adapter and operation before anybody approves it.
    @lru_cache(maxsize=1024)
    def find_binding(use: AdapterUse) -> Binding | None:
        # The import of an adapter waits until a contract names it, so that other commands stay fast.
        find = found.get(use.adapter)
        return _find_binding(find(), use.operation, settings.get(use.adapter, {}).get("owner", "")) if find else None

    return find_binding


def _find_binding(factory: AdapterFactory, operation: str, owner: str) -> Binding:
    found = (_make_binding(one, owner) for one in factory.operations if one.name == operation)
    return next(found, Binding(owner, kinds=frozenset()))


def _make_binding(operation: Operation, owner: str) -> Binding:
    return Binding(
        owner, _KINDS[operation.does], operation.least, operation.person, operation.definitions, operation.contract
    )


def list_mapped_fields(factories: Mapping[str, Find] | None = None) -> dict[AdapterUse, tuple[str, ...]]:
    """The JSON Pointers of a contract's data that each operation of the installed adapters reads or writes."""
    found = find_installed() if factories is None else factories
    return {
        AdapterUse(name, operation.name): operation.fields
        for name, find in found.items()
        for operation in find().operations
    }
