"""What contracts may name: the operations of installed adapters, and of registered documents in force."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from bus.agencies.factories import Find, find_installed, list_coded, list_shipped
from bus.contracts import AdapterUse, Binding, Bindings, make_binding
from bus.kit import AdapterFactory, Does
from bus.networks import Network
from bus.refusals import Poll
from bus.storage import Storage

if TYPE_CHECKING:
    from bus.declared import InForce

Declared = Callable[[], Mapping[str, "InForce"]]
"""Gives what is in force now, by name, of the registered documents."""


def none_declared() -> Mapping[str, "InForce"]:
    """Gives no document, for commands that know no bus."""
    return {}


def read_declared(storage: Storage, networks: Sequence[Network] = ()) -> Declared:
    """A function that reads the documents in force when somebody first asks for them, for a command."""

    @cache
    def read() -> Mapping[str, "InForce"]:
        from bus.declared import AdapterCatalogue

        catalogue = AdapterCatalogue(storage, list_coded(), networks=networks)
        catalogue.refresh()
        return catalogue.in_force

    return read


def make_bindings(
    settings: Mapping[str, Mapping[str, str]],
    factories: Mapping[str, Find] | None = None,
    declared: Declared = none_declared,
) -> Bindings:
    """What each operation of the known adapters demands of contracts. An adapter needs no settings for this.

    Args:
        settings: for each agency, its adapter's settings. `owner` names the participant that decides on the adapter.
        factories: for each agency, a function that finds its factory. None: the installed entry points.
        declared: gives the registered documents in force. One counts before a document of its name that ships with the bus.
    """
    found = find_installed() if factories is None else factories
    coded = list_coded() if factories is None else factories.keys()

    # Bounded, since a contract may name any adapter and operation before anybody approves it.
    @lru_cache(maxsize=1024)
    def find_installed_binding(use: AdapterUse) -> Binding | None:
        # The import of an adapter waits until a contract names it, so that other commands stay fast.
        find = found.get(use.adapter)
        return _find_binding(find(), use.operation, _find_owner(settings, use)) if find else None

    def find_binding(use: AdapterUse) -> Binding | None:
        registered = None if use.adapter in coded else declared().get(use.adapter)
        if registered is None:
            return find_installed_binding(use)
        factory = registered.factory
        return _find_binding(factory, use.operation, _find_owner(settings, use)) if factory else None

    return find_binding


def list_names(declared: Declared = none_declared) -> list[str]:
    """The names of the known adapters."""
    return sorted({*find_installed(), *declared()})


def find_factory(name: str, declared: Declared = none_declared) -> AdapterFactory | None:
    """What makes the adapter of this name: a registered document in force, else what is installed; None: nothing does."""
    registered = None if name in list_coded() else declared().get(name)
    if registered is not None:
        return registered.factory
    find = find_installed().get(name)
    return find() if find else None


def list_polls(settings: Mapping[str, Mapping[str, str]], declared: Declared = none_declared) -> list[Poll]:
    """The polls that a bus with these settings should run, for a command that runs none itself.

    What ships with the bus counts if it has settings. A document of the operator's own counts without them, too.
    """
    names = {*settings, *(declared().keys() - list_shipped())}
    found = [factory for name in sorted(names) if (factory := find_factory(name, declared)) is not None]
    return [
        Poll(one.name, operation.name) for one in found for operation in one.operations if operation.does is Does.POLL
    ]


def list_mapped_fields(
    factories: Mapping[str, Find] | None = None, declared: Declared = none_declared
) -> dict[AdapterUse, tuple[str, ...]]:
    """The JSON Pointers of a contract's data that each operation of the known adapters reads or writes."""
    found = find_installed() if factories is None else factories
    registered = declared()
    known: list[AdapterFactory] = [find() for name, find in found.items() if name not in registered]
    known += [one.factory for one in registered.values() if one.factory is not None]
    return {
        AdapterUse(factory.name, operation.name): operation.fields
        for factory in known
        for operation in factory.operations
    }


def _find_owner(settings: Mapping[str, Mapping[str, str]], use: AdapterUse) -> str:
    return settings.get(use.adapter, {}).get("owner", "")


def _find_binding(factory: AdapterFactory, operation: str, owner: str) -> Binding:
    return make_binding(next((one for one in factory.operations if one.name == operation), None), owner)
