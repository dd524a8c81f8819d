"""The contract versions that stand ready, unpacked and compiled: the ones in use, and at most so many.

A version takes some 150 kB once it is ready, and a millisecond to be made ready; all versions of ten thousand contracts would
take gigabytes in every process.
"""

from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from typing import Final
from weakref import WeakValueDictionary

from bus import json
from bus.contracts.document import Contract
from bus.contracts.registered import Summary
from bus.contracts.schemas import Schema
from bus.contracts.validation import SchemaUnusable, Validator
from bus.contracts.version import Checks, ContractVersion

_MOST: Final = 2_000


class Built:
    """Versions that stand ready, by their summaries; those that nobody asked for in a long time are given up.

    Kept in two generations, so that whoever holds what was given out need not come back at each use: a version that was not
    asked for between two turns is gone. Safe to use from several threads.
    """

    def __init__(self, on_turn: Callable[[], None], most: int = _MOST) -> None:
        """`on_turn` is called when a generation ends: whoever remembers versions forgets them, and asks again."""
        self._on_turn = on_turn
        self._most = most
        self._young: dict[Summary, ContractVersion] = {}
        self._old: dict[Summary, ContractVersion] = {}
        self._validators: WeakValueDictionary[bytes, Validator] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def get(self, summary: Summary) -> ContractVersion | None:
        """The version if it stands ready."""
        young = self._young.get(summary)
        if young is not None:
            return young
        old = self._old.get(summary)
        return self.keep(summary, old) if old is not None else None

    def keep(self, summary: Summary, version: ContractVersion) -> ContractVersion:
        """Let a version stand ready."""
        self._young[summary] = version
        if 2 * len(self._young) >= self._most:
            self._old, self._young = self._young, {}
            self._on_turn()
        return version

    def make(self, summary: Summary, contract: Contract) -> ContractVersion:
        """A version from its document; it stands ready from now on."""
        checks = Checks(contract, self._compiled)
        return self.keep(summary, ContractVersion(summary.id, summary.contract_id, summary.state, contract, checks))

    def _compiled(self, schema: Schema) -> Validator:
        """The validator of a schema, one for all versions that have the same."""
        digest = blake2b(json.canonical(schema), digest_size=32).digest()
        validator = self._validators.get(digest)
        if validator is None:
            validator = self._validators[digest] = Validator(schema)
        return validator


def prepare(version: ContractVersion) -> None:
    """Compile what a version's events are checked with. One that cannot be compiled is left to who needs it."""
    with suppress(SchemaUnusable):
        version.validator.prepare()
