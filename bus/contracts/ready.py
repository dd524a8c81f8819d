"""The contract versions that are ready for use: unpacked and compiled. Only versions in use are kept, and at most a fixed number.

All versions of ten thousand contracts would take gigabytes in every process.
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
    """Versions that are ready for use, by their entries in the catalogue. Drops versions that nobody used for a long time.

    There are two generations. When a generation ends (a turn), versions that nobody asked for since the last turn are dropped.
    A caller may remember a version until the next turn, and need not ask at each use. Safe for use from several threads.
    """

    def __init__(self, on_turn: Callable[[], None], most: int = _MOST) -> None:
        """`on_turn` is called when a generation ends. Callers must then forget the versions that they remember."""
        self._on_turn = on_turn
        self._most = most
        self._young: dict[CatalogueEntry, ContractVersion] = {}
        self._old: dict[CatalogueEntry, ContractVersion] = {}
        self._validators: WeakValueDictionary[bytes, Validator] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def get(self, entry: CatalogueEntry) -> ContractVersion | None:
        """The ready version; None: it is not ready."""
        young = self._young.get(entry)
        if young is not None:
            return young
        old = self._old.get(entry)
        return self.keep(entry, old) if old is not None else None

    def keep(self, entry: CatalogueEntry, version: ContractVersion) -> ContractVersion:
        """Keep a version as ready, and return it."""
        self._young[entry] = version
        if 2 * len(self._young) >= self._most:
            self._old, self._young = self._young, {}
            self._on_turn()
        return version

    def make(self, entry: CatalogueEntry, document: bytes) -> ContractVersion:
        """Make a version from its document (JSON), keep it as ready, and return it."""
        contract = restore_contract(json.loads(document))
        checks = Checks(contract, self._compile)
        return self.keep(entry, ContractVersion(entry.id, entry.contract_id, entry.state, contract, checks))

    def _compile(self, schema: Schema) -> Validator:
        """The validator of a schema. All versions with an equal schema share it."""
        digest = blake2b(json.dump_canonical(schema), digest_size=32).digest()
        validator = self._validators.get(digest)
        if validator is None:
            validator = self._validators[digest] = Validator(schema)
        return validator


def prepare(version: ContractVersion) -> None:
    """Compile what checks a version's events. A schema that cannot be compiled fails at its first use."""
    with suppress(SchemaUnusable):
        version.validator.prepare()
    # Read for its effect: the version keeps the value.
    _ = version.data_persons
