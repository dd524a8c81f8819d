"""A contract version in its present state, ready for use: with compiled validators and finders of key and person."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from bus import json
from bus.contracts.declared import Declared, find_declared
from bus.contracts.document import Contract, Kind
from bus.contracts.lifecycle import State
from bus.contracts.person_finder import PersonFinder, make_finder, read_identifier
from bus.contracts.schemas import Schema, collect_property_names
from bus.contracts.validation import Validator


class Checks:
    """The compiled schemas of one document, shared by the version in each of its states."""

    def __init__(self, contract: Contract, compiled: Callable[[Schema], Validator]) -> None:
        """`compiled` gives the validator of a schema."""
        self._contract = contract
        self._compiled = compiled

    @cached_property
    def data(self) -> Validator:
        return self._compiled(self._contract.sent)

    @cached_property
    def answer(self) -> Validator:
        return self._compiled(self._contract.shown)

    @cached_property
    def declared(self) -> Declared:
        return find_declared(self._contract.shown)

    @cached_property
    def data_persons(self) -> PersonFinder | None:
        return self._finder(self._contract.sent, self._contract.person)

    @cached_property
    def answer_persons(self) -> PersonFinder | None:
        return self._finder(self._contract.shown, None)

    def _finder(self, schema: Schema, subject: str | None) -> PersonFinder | None:
        return make_finder(schema, subject) if self._contract.classification.is_about_persons else None

    @cached_property
    def sent_text(self) -> bytes:
        return json.dumps(self._contract.sent)

    @cached_property
    def shown_text(self) -> bytes:
        return json.dumps(self._contract.shown)


@dataclass(frozen=True, slots=True)
class Notice:
    """The notice to publishers that a version is deprecated.

    Attributes:
        contract: the contract's name.
        since: when the version became deprecated.
        sunset: the day after which the owner intends to retire it, in Lamongan's calendar; None: no day is set.
        successor: the version to use instead; None: no version is active.
    """

    contract: str
    since: datetime
    sunset: date | None
    successor: str | None


@dataclass(frozen=True)
class ContractVersion:
    """One version in its present state, ready for use.

    Attributes:
        id: names the version in the journal.
        contract_id: names the contract, whatever its version, in the journal.
        notice: as publishers meet it, that the version is deprecated; None: it is not.
        names_publisher: the bus says in each event who published it. So it does where several participants may publish under
            the contract, by any version in force.
    """

    id: int
    contract_id: int
    state: State
    contract: Contract
    checks: Checks = field(repr=False, compare=False)
    notice: Notice | None = None
    names_publisher: bool = False

    @cached_property
    def validator(self) -> Validator:
        """The validator of the data (event, record) or of the question (query)."""
        return self.checks.data

    @cached_property
    def is_record(self) -> bool:
        """Whether the version's events hold the state of a record."""
        return self.contract.kind is Kind.RECORD

    @cached_property
    def max_bytes(self) -> int:
        """The size of the largest event, as it is stored."""
        return self.contract.delivery.max_bytes

    @property
    def answer_validator(self) -> Validator:
        """The validator of a query's answer."""
        return self.checks.answer

    @property
    def sent_text(self) -> bytes:
        """The schema of the data or the question as JSON, for checks in a worker process. It is written once."""
        return self.checks.sent_text

    @property
    def shown_text(self) -> bytes:
        """The schema of the data or the answer as JSON, for checks in a worker process. It is written once."""
        return self.checks.shown_text

    @property
    def declared(self) -> Declared:
        """What the schema declares of the data (query: of the answer)."""
        return self.checks.declared

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all properties in the schema of the data or the question, at any place."""
        return collect_property_names(self.contract.sent)

    @cached_property
    def is_personal(self) -> bool:
        """Whether the data are about persons: each reading then leaves a disclosure."""
        return self.contract.classification.is_about_persons

    @cached_property
    def key_of(self) -> Callable[[Any], str | None]:
        """Finds the record's key in its data, as text. Finds None if there is no key, or the contract is no record contract.

        Deletions have no data: their key is the event's subject.
        """
        return make_text_finder(self.contract.key)

    @cached_property
    def person_of(self) -> Callable[[Any], str | None]:
        """Finds the identifier of the person that the data (of a query: the question) are about; None where there is none."""
        return make_text_finder(self.contract.person, read_identifier)

    @cached_property
    def data_persons(self) -> PersonFinder | None:
        """Finds every person in the data (query: in the question); None: `person_of` finds the only one there can be."""
        return self.checks.data_persons

    @property
    def answer_persons(self) -> PersonFinder | None:
        """Finds every person in a query's answer; None: an answer names nobody."""
        return self.checks.answer_persons


def read_text(value: Any) -> str | None:
    """A text or an integer as text; None: the value is neither."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def make_text_finder(pointer: str | None, read: Callable[[Any], str | None] = read_text) -> Callable[[Any], str | None]:
    """A function that finds the value at a JSON Pointer, as the text that `read` makes of it; None: it finds nothing."""
    if pointer is None:
        return lambda _: None
    path = json.parse_pointer(pointer)

    def find(data: Any) -> str | None:
        value = data
        for step in path:
            # A pointer nearly always leads through objects; the slower function handles the rest.
            value = value.get(step) if type(value) is dict else json.follow(value, (step,))
        return value if type(value) is str else read(value)

    return find
