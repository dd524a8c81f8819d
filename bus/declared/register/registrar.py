"""The registrar of adapters: reads the register and changes it, each change in a transaction of its own."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from bus.actions import Actor
from bus.contracts import State, Tags
from bus.declared.register import register, registered
from bus.declared.register.errors import AdapterChangedMeanwhile
from bus.declared.register.judgement import Judgement
from bus.declared.register.registered import AdapterHolding, Draft, RegisteredAdapter
from bus.storage import RowConflict, Storage, Transaction, find_last_change

T = TypeVar("T")

_CONTRACTS = "contracts"
"""The topic of changes of contracts."""


class AdapterRegistrar:
    """Reads and changes the register of adapters. Synchronous: call it from threads.

    Args:
        storage: where the register is.
        coded: the names of installed adapters, which no document may have.
        owners: by adapter, the participant whom the operator names as its owner.
        follow: called after each change, once the change is committed.
    """

    def __init__(
        self, storage: Storage, coded: frozenset[str], owners: Mapping[str, str], follow: Callable[[], None]
    ) -> None:
        self._storage = storage
        self._coded = coded
        self._owners = owners
        self._follow = follow

    def check_name(self, name: str) -> None:
        """Refuse the name of an installed adapter. Raises AdapterNameTaken."""
        register.check_name_free(name, self._coded)

    def add_draft(self, draft: Draft, judged: Judgement, by: Actor, tags: Tags = None) -> RegisteredAdapter:
        """Register a version as a draft, with what its check found. Raises what `register.put_draft` raises."""
        self.check_name(draft.name)
        return self._change(lambda transaction: register.put_draft(transaction, draft, judged.findings, by, tags))

    def read_draft(self, name: str, version: str, by: Actor, tags: Tags = None) -> RegisteredAdapter:
        """A version that an actor may propose, for the judgement before. Raises what `register.read_mover` raises."""
        with self._storage.read() as transaction:
            return register.read_mover(transaction, name, version, by, tags, self._get_owner(name))

    def propose(self, present: RegisteredAdapter, judged: Judgement, by: Actor) -> RegisteredAdapter:
        """Propose a judged draft. Raises what `register.propose` raises."""
        self.check_name(present.name)
        named = self._get_owner(present.name)
        return self._change(lambda transaction: register.propose(transaction, present, judged.findings, by, named))

    def read_candidate(self, name: str, version: str, by: Actor, tags: Tags = None) -> tuple[RegisteredAdapter, int]:
        """A version that an actor may put in force, and the state of the contracts that it is judged by.

        Raises:
            Refused: what `register.read_candidate` raises.
        """
        with self._storage.read() as transaction:
            found = register.read_candidate(transaction, name, version, by, tags, self._get_owner(name))
            return found, find_last_change(transaction, _CONTRACTS)

    def activate(self, candidate: tuple[RegisteredAdapter, int], judged: Judgement, by: Actor) -> RegisteredAdapter:
        """Put a judged version in force, or back in force.

        Raises:
            AdapterChangedMeanwhile: contracts changed while the version was judged.
            Refused: what `register.activate` raises.
        """
        present, contracts = candidate
        self.check_name(present.name)
        named = self._get_owner(present.name)

        def activate(transaction: Transaction) -> RegisteredAdapter:
            done = register.activate(
                transaction, present, judged.findings, by, named, serves_persons=judged.serves_persons
            )
            if find_last_change(transaction, _CONTRACTS) != contracts:
                raise AdapterChangedMeanwhile(f"Contracts changed while {present.name} was judged; do it again.")
            return done

        return self._change(activate)

    def deprecate(self, name: str, version: str, by: Actor, tags: Tags = None) -> RegisteredAdapter:
        """Take a version out of force; it can be activated again. Raises what `register.withdraw` raises."""
        return self._withdraw(name, version, State.DEPRECATED, by, tags)

    def retire(self, name: str, version: str, by: Actor, tags: Tags = None) -> RegisteredAdapter:
        """Take a version out of force for good. Raises what `register.withdraw` raises."""
        return self._withdraw(name, version, State.RETIRED, by, tags)

    def list_page(self, limit: int, after: str) -> list[list[RegisteredAdapter]]:
        """The versions of each adapter behind a name, in order of name, of at most `limit` adapters."""
        with self._storage.read() as transaction:
            names = registered.list_names(transaction, after, limit)
            return [registered.read_versions(transaction, name) for name in names]

    def read_versions(self, name: str) -> list[RegisteredAdapter]:
        """All versions of an adapter, lowest first. Raises NoSuchAdapter."""
        with self._storage.read() as transaction:
            return registered.read_versions(transaction, name)

    def find_versions(self, name: str) -> list[RegisteredAdapter]:
        """All versions of an adapter, lowest first; empty if there is no such adapter."""
        with self._storage.read() as transaction:
            return registered.read_known_versions(transaction, name)

    def read_version(self, name: str, version: str) -> RegisteredAdapter:
        """One version. Raises NoSuchAdapter."""
        with self._storage.read() as transaction:
            return registered.read_version(transaction, name, version)

    def measure_holding(self, participant: str, besides: Draft) -> AdapterHolding:
        """The versions that a participant registered, without the one that it is about to register."""
        with self._storage.read() as transaction:
            return registered.measure_holding(transaction, participant, (besides.name, besides.version))

    def _get_owner(self, name: str) -> str:
        return self._owners.get(name, "")

    def _withdraw(self, name: str, version: str, wanted: State, by: Actor, tags: Tags) -> RegisteredAdapter:
        named = self._get_owner(name)
        return self._change(lambda transaction: register.withdraw(transaction, name, version, wanted, by, tags, named))

    def _change(self, change: Callable[[Transaction], T]) -> T:
        try:
            with self._storage.write() as transaction:
                done = change(transaction)
        except RowConflict as error:
            raise AdapterChangedMeanwhile("The same adapter changed at the same moment; look again.") from error
        self._follow()
        return done
