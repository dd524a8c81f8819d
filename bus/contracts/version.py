"""A contract version in its present state, ready for use: compiled validators, and where key and person stand."""

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
    """What those who publish under a deprecated version are told.

    Attributes:
        contract: the contract's name.
        since: when the version became deprecated.
        sunset: the day after which its owner means to retire it, in Lamongan's calendar; None: nobody said.
        successor: the version to use instead; None while there is no active one.
    """

    contract: str
    since: datetime
    sunset: date | None
    successor: str | None


@dataclass(frozen=True)
class ContractVersion:
    """One version in its present state, ready to be used.

    Attributes:
        id: names the version in the journal.
        contract_id: names the contract, whatever its version, in the journal.
        notice: as publishers meet it, that the version is deprecated; None: it is not.
        names_publisher: as publishers meet it, whether others publish under the contract too, by this version or by another in
            force, so that the bus says in each event who did.
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
        """Of the data (event, record) or of the question (query)."""
        return self.checks.data

    @cached_property
    def is_record(self) -> bool:
        """Whether its events say how a record stands now."""
        return self.contract.kind is Kind.RECORD

    @cached_property
    def max_bytes(self) -> int:
        """Of an event as it is stored."""
        return self.contract.delivery.max_bytes

    @property
    def answer_validator(self) -> Validator:
        """Of a query's answer."""
        return self.checks.answer

    @property
    def sent_text(self) -> bytes:
        """The schema of what is sent as JSON, for who checks it apart; written once."""
        return self.checks.sent_text

    @property
    def shown_text(self) -> bytes:
        """The schema of what is shown as JSON, likewise."""
        return self.checks.shown_text

    @property
    def declared(self) -> Declared:
        """What the schema declares of the data (query: of the answer)."""
        return self.checks.declared

    @cached_property
    def names(self) -> frozenset[str]:
        """Of the properties that the schema of what is sent speaks of, at whatever place."""
        return collect_property_names(self.contract.sent)

    @cached_property
    def is_personal(self) -> bool:
        """Whether the data are about persons, so that each reading leaves a disclosure."""
        return self.contract.classification.is_about_persons

    @cached_property
    def key_of(self) -> Callable[[Any], str | None]:
        """Finds the record's key in its data, as text; None without one, and for every contract but a record's.

        Deletions have no data: their key is the event's subject.
        """
        return make_text_finder(self.contract.key)

    @cached_property
    def person_of(self) -> Callable[[Any], str | None]:
        """Finds the identifier of the person that the data (of a query: the question) are about; None where there is none."""
        return make_text_finder(self.contract.person, read_identifier)

    @cached_property
    def data_persons(self) -> PersonFinder | None:
        """Finds every person in the data (query: in the question); None: `person_of` finds whoever is in them."""
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
            # Nearly always an object; what else a pointer leads through is the slower function's business.
            value = value.get(step) if type(value) is dict else json.follow(value, (step,))
        return value if type(value) is str else read(value)

    return find
