"""Incoming events: makes a request's text an event with its body, here or as a job in a worker process.

The text is what the client sent. The event is its JSON value. The body is the event in JSON as the bus writes it.
"""

from collections.abc import Iterable
from typing import Any, Final

from bus import json
from bus.contracts import NumberChanged, check_numbers, find_changed_numbers, write_pointer
from bus.problem import FieldError, Refused

IncomingEvent = tuple[Any, bytes | None]
"""An event and its body. An event of None: the body is not parsed yet. A body of None: the event is not written yet."""

ChangedNumbers = dict[int, list[str]]
"""Pointers of numbers that the bus would change, by the index of the event in its batch."""

_MOST_POINTERS: Final = 100
"""Pointers that a refusal names, for one event's numbers that the bus would change."""
_MOST_ATTRIBUTES: Final = 64 * 1024


class EventMalformed(Refused):
    """This is not a CloudEvent that the bus takes."""

    status = 400
    slug = "event-malformed"


class TooManyEvents(Refused):
    """The batch has more events than the bus takes at once; send it in parts."""

    status = 413
    slug = "too-many-events"


def parse(text: bytes, prefix: str = "") -> Any:
    """The JSON value of a text.

    Args:
        prefix: pointer of the value in the event, such as `/data`.

    Raises:
        EventMalformed: the text is not JSON in UTF-8.
        NumberChanged: it has a number beyond a float's range.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        check_numbers(text, prefix=prefix)
        at = FieldError("", f"is not JSON: {error}")
        raise EventMalformed("The body is not JSON in UTF-8.", errors=[at]) from None


def is_deeper(value: Any, text: bytes, most: int) -> bool:
    """Whether the value of a JSON text is nested deeper than `most` levels."""
    # A value has at least as many brackets as levels, so their number decides nearly every event. `count` is slower.
    brackets = 2 * len(text) - len(text.replace(b"{", b"")) - len(text.replace(b"[", b""))
    return brackets > most and json.is_deeper(value, most)


def refuse_depth(most: int) -> EventMalformed:
    """The refusal of JSON that is nested too deep."""
    return EventMalformed(f"JSON may be nested {most} levels deep.", errors=[FieldError("", "is nested too deep")])


def check_text(text: bytes, written: bytes, prefix: str = "") -> None:
    """Refuse a text whose JSON value loses something that the text says.

    Args:
        written: the value of `text` as `json.dumps` writes it.
        prefix: pointer of the value in the event, such as `/data`.

    Raises:
        EventMalformed: an object has two members of one name. Readers differ in which member they take.
        NumberChanged: the bus would hand out a number with another value.
    """
    if text == written:
        return
    check_members(text, written, prefix)
    check_numbers(text, written, prefix)


def check_members(text: bytes, written: bytes, prefix: str = "") -> None:
    """Refuse an object with two members of one name; see `check_text`."""
    if json.has_repeated_names(text, written):
        at = prefix + write_pointer(json.find_repeated_name(text) or ())
        raise EventMalformed("An object has each of its members once.", errors=[FieldError(at, "has a member twice")])


def check_batch(events: Any, most: int) -> None:
    """Refuse a value that is no batch, and a batch of more than `most` events.

    Raises:
        EventMalformed, TooManyEvents: see there.
    """
    if type(events) is not list:
        raise EventMalformed("A batch is a JSON array of events.", errors=[FieldError("", "must be an array")])
    if len(events) > most:
        raise TooManyEvents(f"A batch may have {most} events.")


def refuse_no_object() -> EventMalformed:
    """The refusal of an event that is no JSON object."""
    return EventMalformed("An event is a JSON object.", errors=[FieldError("", "must be an object")])


def drop_nulls(event: dict[str, Any]) -> dict[str, Any]:
    """The event without attributes that are null; the same object if it has none. `data` may be null."""
    kept = {name: value for name, value in event.items() if value is not None or name == "data"}
    return event if len(kept) == len(event) else kept


def read_event(text: bytes, levels: bytes, header_attributes: bytes, form: bytes) -> bytes:
    """A job: an event's attributes as JSON, a line feed, and the event's body.

    Args:
        text: the request's.
        levels: how deep an event may be nested.
        header_attributes: the attributes that the request's header fields have, as JSON.
        form: `event`, or `data` if the text is the data alone.

    Raises:
        EventMalformed: it is no JSON object, is nested too deep, or has a member twice.
        NumberChanged: a number would not come back with the same value.
    """
    attributes = json.loads(header_attributes)
    is_data = form == b"data"
    # The event around the data is a level too.
    value = _read(text, int(levels) - is_data, "/data" if is_data else "")
    event = {**attributes, "data": value} if is_data else value
    if type(event) is not dict:
        raise refuse_no_object()
    event = drop_nulls({**attributes, **event})
    return _write_attributes(event) + b"\n" + json.dumps(event)


def parse_batch(text: bytes) -> tuple[Any, ChangedNumbers]:
    """The JSON value of a batch's text. If a number is beyond a float's range, also the numbers that the bus would change.

    Raises:
        EventMalformed: the text is not JSON in UTF-8.
        NumberChanged: the text is no array, and has such a number.
    """
    try:
        return parse(text), {}
    except NumberChanged:
        events, found = find_changed_numbers(text)
        if type(events) is not list:
            raise
        return events, _group_by_event(found)


def find_numbers_in_batch(text: bytes, written: bytes) -> ChangedNumbers:
    """The numbers of a batch that the bus would change.

    Args:
        written: the value of `text` as `json.dumps` writes it.
    """
    return _group_by_event(find_changed_numbers(text)[1]) if json.changes_number(text, written) else {}


def _group_by_event(paths: Iterable[json.Path]) -> ChangedNumbers:
    found: ChangedNumbers = {}
    for index, *path in paths:
        pointers = found.setdefault(int(index), [])
        if len(pointers) < _MOST_POINTERS:
            pointers.append(write_pointer(path))
    return found


def read_batch(text: bytes, levels: bytes, most: bytes) -> bytes:
    """A job: the numbers of a batch that the bus would change, and the bodies of its events.

    Returns:
        Pairs of index and pointers as JSON, then the bodies, each after a line feed.

    Args:
        levels: how deep the text may be nested.
        most: how many events it may have.

    Raises:
        EventMalformed, TooManyEvents: see there.
    """
    events, changed = parse_batch(text)
    _check_depth(events, int(levels))
    written = json.dumps(events)
    check_members(text, written)
    check_batch(events, int(most))
    changed = changed or find_numbers_in_batch(text, written)
    bodies = [json.dumps(drop_nulls(event) if type(event) is dict else event) for event in events]
    return b"\n".join([json.dumps(list(changed.items())), *bodies])


def read_attributes(bodies: bytes) -> bytes:
    """A job: the attributes of events as JSON, with a line feed between two. A body that is no event gives `null`.

    Args:
        bodies: as `read_batch` gives them.

    Raises:
        EventMalformed: an event has too many attributes.
    """
    return b"\n".join(_write_attributes(json.loads(body)) for body in bodies.split(b"\n"))


def _write_attributes(event: Any) -> bytes:
    """An event's attributes as JSON. Its `data` become an empty object; null stays null."""
    if type(event) is not dict:
        return b"null"
    attributes = json.dumps(
        {name: {} if name == "data" and value is not None else value for name, value in event.items()}
    )
    if len(attributes) > _MOST_ATTRIBUTES:
        at = FieldError("", f"has attributes of more than {_MOST_ATTRIBUTES} bytes")
        raise EventMalformed("The event's attributes are not as CloudEvents 1.0 says.", errors=[at])
    return attributes


def _read(text: bytes, levels: int, prefix: str) -> Any:
    value = parse(text, prefix)
    _check_depth(value, levels)
    check_text(text, json.dumps(value), prefix)
    return value


def _check_depth(value: Any, levels: int) -> None:
    if json.is_deeper(value, levels):
        raise refuse_depth(levels)
