"""The adapter documents in force, in memory. `refresh` has them follow the register, which is in the database."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import structlog

from bus.declared.errors import AdapterInvalid
from bus.declared.factory import DeclaredFactory, Surroundings
from bus.declared.register import registered
from bus.declared.register.register import TOPIC as TOPIC
from bus.declared.register.registered import RegisteredAdapter
from bus.declared.register.registrar import AdapterRegistrar
from bus.networks import Network
from bus.storage import Storage

log = structlog.get_logger(__name__)

_NOTHING: Final[Mapping[str, "InForce"]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class InForce:
    """What the register says of a name of which a version is or was in force.

    Attributes:
        version: the active version; None: no version is active.
        factory: makes the adapter; None: no version is active, or this bus cannot read its document.
    """

    version: str | None = None
    factory: DeclaredFactory | None = None


class AdapterCatalogue:
    """The adapter documents in force on one bus.

    Attributes:
        registrar: reads and changes the register, which the catalogue follows.
    """

    def __init__(
        self,
        storage: Storage,
        coded: frozenset[str] = frozenset(),
        settings: Mapping[str, Mapping[str, str]] | None = None,
        networks: Sequence[Network] = (),
    ) -> None:
        """An empty catalogue; call `refresh` before use.

        Args:
            storage: where the register is.
            coded: the names of installed adapters. A document of such a name is never in force.
            settings: the operator's settings by adapter; `owner` names the participant that decides on the adapter.
            networks: where the agencies of documents may be private or plain http.
        """
        owners = {name: given["owner"] for name, given in (settings or {}).items() if given.get("owner")}
        self.registrar = AdapterRegistrar(storage, coded, owners, self.refresh)
        self._storage = storage
        self._coded = coded
        self._networks = networks
        self._refreshing = threading.Lock()
        self._known: dict[int, InForce] = {}
        self._in_force = _NOTHING
        self._listeners: list[Callable[[], None]] = []

    @property
    def in_force(self) -> Mapping[str, InForce]:
        """By name, what is in force; another object after each change. Safe from any thread."""
        return self._in_force

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after each refresh that changed something, in whatever thread refreshes."""
        self._listeners.append(listener)

    def refresh(self) -> None:
        """Read what is in force now. Unchanged versions keep their factories."""
        with self._refreshing:
            with self._storage.read() as transaction:
                active = registered.read_active(transaction)
                settled = registered.list_settled_names(transaction)
            # A version's document never changes once the version was in force. So its number says all.
            self._known = {one.id: self._known.get(one.id) or self._read(one) for one in active}
            found = dict.fromkeys(settled, InForce()) | {one.name: self._known[one.id] for one in active}
            before = self._in_force
            self._in_force = MappingProxyType({name: one for name, one in found.items() if name not in self._coded})
        if dict(before) != dict(self._in_force):
            for listener in self._listeners:
                listener()

    def _read(self, active: RegisteredAdapter) -> InForce:
        try:
            return InForce(active.version, DeclaredFactory(active.document, Surroundings(self._networks)))
        except AdapterInvalid as invalid:
            # The pointers alone: a document may hold anything.
            at = [error.pointer for error in invalid.errors[:5]]
            log.error("adapter.document_unreadable", adapter=active.name, version=active.version, at=at)
            return InForce(active.version)
