"""Checking an event's data against its contract's schema, here or as a job in a worker process."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from bus import json
from bus.contracts import (
    ContractVersion,
    PersonFinder,
    compile_schema,
    make_finder,
    make_text_finder,
    read_identifier,
    write_pointer,
)
from bus.problem import FieldError

_BACKSLASH: Final = 0x5C
MOST_PERSONS: Final = 100
"""Identifiers of persons in one event. Each gets a row beside the journal, and appends wait for these rows."""
_MEMORY: Final = 6 * 1024 * 1024
"""Bytes of all errors of one event that the event loop checks. To make that many errors takes some milliseconds."""


class UncheckedEvent(NamedTuple):
    """An event whose attributes are right, and whose data are not checked yet.

    Attributes:
        event: the event without null attributes. If it was read apart, its `data` are an empty object, or null.
        body: the whole event as JSON.
        version: the contract version that the event is published under.
        sender: the participant that publishes it.
    """

    event: dict[str, Any]
    body: bytes
    version: ContractVersion
    sender: str

    @property
    def has_data(self) -> bool:
        """Whether there are data, and they are not null."""
        return self.event.get("data") is not None


class Findings(NamedTuple):
    """The findings in an event's data.

    Attributes:
        errors: why the data do not fit the schema; empty if they fit.
        key: the record's key.
        person: the identifier of the person whom the data are about.
        nul: the pointer of a text with the character NUL; None: there is none.
        persons: the identifiers of all persons in the data; empty if only `person` can be one. If there are more than
            `MOST_PERSONS`, the list is not complete.
    """

    errors: Sequence[FieldError]
    key: str | None
    person: str | None
    nul: str | None = None
    persons: Sequence[str] = ()


NOTHING_FOUND: Final = Findings((), None, None)


def find_in_data(unchecked: UncheckedEvent, brief: bool) -> Findings:
    """The findings in an event's data.

    Args:
        brief: one error is enough.
    """
    event, body, version, _ = unchecked
    if _BACKSLASH in body and (nul := find_nul(body)) is not None:
        return Findings((), None, None, nul)
    data = event.get("data")
    if data is None and version.is_record:
        return NOTHING_FOUND
    if not version.validator.is_valid(data):
        return Findings(version.validator.errors(data, "/data", brief=brief, memory=_MEMORY), None, None)
    if data is None:
        return Findings((), version.key_of(data), None)
    finder = version.data_persons
    persons = () if finder is None else finder.find(data, MOST_PERSONS)
    return Findings((), version.key_of(data), version.person_of(data), None, persons)


def check_data(schema: bytes, bodies: bytes, about: bytes) -> bytes:
    """A job: the findings in the data of events as JSON; see `read_findings`.

    Args:
        schema: the schema of the data, as JSON.
        bodies: the events' bodies, with a line feed between two.
        about: a JSON object. `key` and `person` are pointers, or null. `is_personal` says whether the contract's data are
            personal. After `enough` errors, each further event gets one error at most.
    """
    asked, validator = json.loads(about), compile_schema(schema)
    finders = [make_text_finder(asked["key"]), make_text_finder(asked["person"], read_identifier)]
    person_finder = _person_finder(schema, asked["person"]) if asked["is_personal"] else None
    found: list[list[Any]] = []
    told = 0
    for body in bodies.split(b"\n"):
        if (nul := find_nul(body)) is not None:
            found.append([[], None, None, nul, []])
            continue
        data = json.loads(body).get("data")
        if validator.is_valid(data):
            persons = [] if person_finder is None else person_finder.find(data, MOST_PERSONS)
            found.append([[], *(find(data) for find in finders), None, persons])
            continue
        errors = validator.errors(data, "/data", brief=told >= asked["enough"])
        told += len(errors)
        found.append([[[error.pointer, error.detail, error.rule] for error in errors], None, None, None, []])
    return json.dumps(found)


def read_findings(answer: bytes) -> list[Findings]:
    """The findings of `check_data` in each event."""
    return [Findings([FieldError(*error) for error in errors], *others) for errors, *others in json.loads(answer)]


@lru_cache(maxsize=16)
def _person_finder(schema: bytes, subject: str | None) -> PersonFinder | None:
    return make_finder(json.loads(schema), subject)


def find_nul(body: bytes) -> str | None:
    """The pointer of a text with the character NUL; None: there is none."""
    if b"\\u0000" not in body:
        return None
    at = json.find_nul(json.loads(body))
    return None if at is None else write_pointer(at)
