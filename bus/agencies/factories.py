"""The factories of adapters: found by entry point, and made of the documents that ship with the bus."""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from functools import cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

from bus import shipped
from bus.kit import AdapterFactory
from bus.networks import Network
from bus.settings import SettingsWrong

if TYPE_CHECKING:
    # The import of declared adapters takes longer than most commands do.
    from bus.declared import AdapterDocument

log = structlog.get_logger(__name__)

GROUP = "bus.adapters"

Find = Callable[[], AdapterFactory]
"""Finds an agency's factory. For an entry point, the call imports the adapter."""


@cache
def list_coded() -> frozenset[str]:
    """The names of the installed adapters that are written in Python: no document may have one."""
    return frozenset(point.name for point in entry_points(group=GROUP))


@cache
def list_shipped() -> frozenset[str]:
    """The names of the adapter documents that ship with the bus."""
    return frozenset(path.stem for path in shipped.ADAPTERS.glob("*.yaml"))


@cache
def find_installed() -> Mapping[str, Find]:
    """Agency to what finds its factory, for every installed adapter, and every adapter document that ships with the bus.

    The search reads the metadata of every installed library. So a process searches once.
    """
    return find_adapters(())


def find_adapters(networks: Sequence[Network]) -> Mapping[str, Find]:
    """Agency to what finds its factory, for every installed adapter and every shipped adapter document.

    Args:
        networks: where the agencies of documents may be private or plain http.
    """
    declared = {name: partial(_load_declared, shipped.ADAPTERS / f"{name}.yaml", networks) for name in list_shipped()}
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


def check_known(unknown: Set[str], factories: Collection[str], *, may_come: bool) -> None:
    """Refuse settings of unknown agencies, or warn of them if a document may be registered later.

    Raises:
        SettingsWrong: nothing may come, so the name is a mistake.
    """
    if unknown and not may_come:
        name = min(unknown)
        raise SettingsWrong(
            f"BUS_ADAPTERS__{name.upper()}: should name an installed adapter: {', '.join(sorted(factories))}"
        )
    for name in sorted(unknown):
        log.warning("adapter.settings_unused", adapter=name)
