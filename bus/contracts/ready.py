"""The contract versions that are ready for use, unpacked and compiled: those in use, and at most a fixed number.

A version takes some 150 kB once it is ready, and a millisecond to be made ready; all versions of ten thousand contracts would
take gigabytes in every process.
"""

from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from typing import Final
from weakref import WeakValueDictionary

from bus import json
from bus.contracts.document import restore_contract
from bus.contracts.registered import CatalogueEntry
from bus.contracts.schemas import Schema
from bus.contracts.validation import SchemaUnusable, Validator
from bus.contracts.version import Checks, ContractVersion

_MOST: Final = 2_000


class ReadyVersions:
    """Versions that are ready for use, by their entries in the catalogue; drops versions that nobody asked for in a long time.

    Versions are kept in two generations: a version that nobody asked for between two turns is gone. So a caller may remember a
    version until the next turn, and need not ask at each use. Safe to use from several threads.
    """

    def __init__(self, on_turn: Callable[[], None], most: int = _MOST) -> None:
        """`on_turn` is called when a generation ends: callers then forget the versions that they remember, and ask again."""
        self._on_turn = on_turn
        self._most = most
        self._young: dict[CatalogueEntry, ContractVersion] = {}
        self._old: dict[CatalogueEntry, ContractVersion] = {}
        self._validators: WeakValueDictionary[bytes, Validator] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def get(self, entry: CatalogueEntry) -> ContractVersion | None:
        """The version; None: it is not ready."""
        young = self._young.get(entry)
        if young is not None:
            return young
        old = self._old.get(entry)
        return self.keep(entry, old) if old is not None else None

    def keep(self, entry: CatalogueEntry, version: ContractVersion) -> ContractVersion:
        """The version, which is ready from now on."""
        self._young[entry] = version
        if 2 * len(self._young) >= self._most:
            self._old, self._young = self._young, {}
            self._on_turn()
        return version

    def make(self, entry: CatalogueEntry, document: bytes) -> ContractVersion:
        """A version from its document, which is JSON; it is ready from now on."""
        contract = restore_contract(json.loads(document))
        checks = Checks(contract, self._compile)
        return self.keep(entry, ContractVersion(entry.id, entry.contract_id, entry.state, contract, checks))

    def _compile(self, schema: Schema) -> Validator:
        """The validator of a schema, one for all versions that have the same."""
        digest = blake2b(json.canonical(schema), digest_size=32).digest()
        validator = self._validators.get(digest)
        if validator is None:
            validator = self._validators[digest] = Validator(schema)
        return validator


def prepare(version: ContractVersion) -> None:
    """Compile what a version's events are checked with. A schema that cannot be compiled fails at its first use."""
    with suppress(SchemaUnusable):
        version.validator.prepare()
    # Asked for its effect: the version keeps it.
    _ = version.data_persons
