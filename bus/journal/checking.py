"""The parts of the gate that take long for large events, as jobs: reading, and checking data against a schema."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from bus import json
from bus.contracts.jobs import compile_schema
from bus.contracts.validation import shown
from bus.contracts.version import text_finder
from bus.problem import FieldError, Refused

_MOST_ATTRIBUTES: Final = 64 * 1024


class EventMalformed(Refused):
    """This is not a CloudEvent that the bus takes."""

    status = 400
    slug = "event-malformed"


class TooManyEvents(Refused):
    """The batch has more events than the bus takes at once; send it in parts."""

    status = 413
    slug = "too-many-events"


class Findings(NamedTuple):
    """What was found in an event's data.

    Attributes:
        errors: why they do not fit the schema; empty where they do.
        key: the record's key.
        person: the identifier of the person whom the data are about.
        nul: the pointer of a text with the character NUL; None: there is none.
    """

    errors: Sequence[FieldError]
    key: str | None
    person: str | None
    nul: str | None = None


NOTHING_FOUND: Final = Findings((), None, None)


def read_event(text: bytes, levels: bytes, attributes: bytes, form: bytes) -> bytes:
    """An event of which a request tells: its attributes as JSON, a line feed, and the whole event as JSON.

    Args:
        text: the body of the request.
        levels: how deep it may be nested.
        attributes: those that the request's fields tell, as JSON.
        form: `event`, or `data` where the text is the data alone.

    Raises:
        EventMalformed: it is no JSON object, is nested too deep, or has a member twice.
    """
    told = json.loads(attributes)
    value = _read(text, int(levels))
    document = {**told, "data": value} if form == b"data" else value
    if type(document) is not dict:
        raise EventMalformed("An event is a JSON object.", errors=[FieldError("", "must be an object")])
    event = _without_nulls({**told, **document})
    return _head(event) + b"\n" + json.dumps(event)


def read_heads(bodies: bytes) -> bytes:
    """The attributes of events as JSON, with a line feed between two; `null` of what is no event.

    Args:
        bodies: the events as `read_batch` gives them.

    Raises:
        EventMalformed: an event has too many attributes.
    """
    return b"\n".join(_head(json.loads(body)) for body in bodies.split(b"\n"))


def read_batch(text: bytes, levels: bytes, most: bytes) -> bytes:
    """The events of a batch as JSON, with a line feed between two.

    Args:
        levels: how deep it may be nested.
        most: how many events it may have.

    Raises:
        EventMalformed, TooManyEvents: see there.
    """
    documents = _read(text, int(levels))
    check_batch(documents, int(most))
    return b"\n".join(json.dumps(_without_nulls(document)) for document in documents)


def check_batch(documents: Any, most: int) -> None:
    """Refuse what is no batch, and a batch of too many events."""
    if type(documents) is not list:
        raise EventMalformed("A batch is a JSON array of events.", errors=[FieldError("", "must be an array")])
    if len(documents) > most:
        raise TooManyEvents(f"A batch may have {most} events.")


def check_data(schema: bytes, bodies: bytes, about: bytes) -> bytes:
    """The findings in the data of events, as JSON; see `findings_of`.

    Args:
        bodies: whole events, with a line feed between two.
        about: JSON with the pointers of `key` and `person` (null: there is none), and how many errors are `enough`: of each
            event after them one is found.
    """
    asked, validator = json.loads(about), compile_schema(schema)
    finders = [text_finder(asked[name]) for name in ("key", "person")]
    found: list[list[Any]] = []
    told = 0
    for body in bodies.split(b"\n"):
        if (nul := nul_in(body)) is not None:
            found.append([[], None, None, nul])
            continue
        data = json.loads(body).get("data")
        if validator.is_valid(data):
            found.append([[], *(find(data) for find in finders), None])
            continue
        errors = validator.errors(data, "/data", brief=told >= asked["enough"])
        told += len(errors)
        found.append([[[error.pointer, error.detail, error.rule] for error in errors], None, None, None])
    return json.dumps(found)


def findings_of(answer: bytes) -> list[Findings]:
    """What `check_data` found in each event."""
    return [
        Findings([FieldError(*error) for error in errors], key, person, nul)
        for errors, key, person, nul in json.loads(answer)
    ]


def nul_in(body: bytes) -> str | None:
    """The pointer of a text with the character NUL; None: there is none."""
    if b"\\u0000" not in body:
        return None
    at = json.nul_at(json.loads(body))
    return None if at is None else shown(at)


def parsed(text: bytes) -> Any:
    """The JSON value of a text.

    Raises:
        EventMalformed: the text is not JSON in UTF-8.
    """
    try:
        return json.loads(text)
    except ValueError:
        raise EventMalformed("The body is not JSON in UTF-8.", errors=[FieldError("", "is not JSON")]) from None


def check_members(text: bytes, written: bytes) -> None:
    """Refuse an object with two members of one name: the bus would validate one of them, and another reader take the other."""
    if json.repeats(text, written):
        at = shown(json.repeated_at(text) or ())
        raise EventMalformed("An object has each of its members once.", errors=[FieldError(at, "has a member twice")])


def is_deeper(value: Any, text: bytes, most: int) -> bool:
    """Whether the value of a JSON text is nested deeper than some levels."""
    # As many brackets as levels at least: their number settles nearly every event. `count` takes twice as long to find it.
    brackets = 2 * len(text) - len(text.replace(b"{", b"")) - len(text.replace(b"[", b""))
    return brackets > most and json.is_deeper(value, most)


def too_deep(most: int) -> EventMalformed:
    """The refusal of JSON that is nested too deep."""
    return EventMalformed(f"JSON may be nested {most} levels deep.", errors=[FieldError("", "is nested too deep")])


def _without_nulls(document: Any) -> Any:
    """An event without attributes that are null; what is no event stays what it is."""
    if type(document) is not dict:
        return document
    return {name: one for name, one in document.items() if one is not None or name == "data"}


def _head(event: Any) -> bytes:
    """An event's attributes as JSON. What stands for data says whether there are any."""
    if type(event) is not dict:
        return b"null"
    head = json.dumps({name: {} if name == "data" and one is not None else one for name, one in event.items()})
    if len(head) > _MOST_ATTRIBUTES:
        at = FieldError("", f"has attributes of more than {_MOST_ATTRIBUTES} bytes")
        raise EventMalformed("The event's attributes are not as CloudEvents 1.0 says.", errors=[at])
    return head


def _read(text: bytes, levels: int) -> Any:
    value = parsed(text)
    if json.is_deeper(value, levels):
        raise too_deep(levels)
    check_members(text, json.dumps(value))
    return value
