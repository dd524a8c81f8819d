"""Cursors: opaque strings that hold a place in one list.

Promise: a cursor of another list, a cut cursor, or one that no answer gave, is refused with the name of its parameter.
Consumers keep the cursors of feeds and records over upgrades. So every form that these lists ever gave stays readable.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple
from zlib import crc32

from bus.problem import FieldError, Invalid

AFTER: Final = "/query/after"
"""Points at the parameter that takes a cursor."""
LAST_EVENT_ID: Final = "/header/last-event-id"
"""Points at the header field that takes the cursor of a stream's last event."""

_FURTHEST: Final = 2**63 - 1
"""The largest integer that a database takes."""
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CHECK_BYTES: Final = 3
"""Begin a cursor. Without them a cut cursor could name an earlier place."""
_POINT: Final = "."
"""Stands between the two numbers of a place that has two."""


class CursorInvalid(Invalid):
    """A cursor is what an earlier answer gave as `next`, unchanged and for the same list."""

    slug = "cursor-invalid"


class Listing(Enum):
    """What a cursor is a place in."""

    FEED = "f"
    RECORDS = "r"
    DISCLOSURES = "d"
    ACTIONS = "a"
    REFUSALS = "x"
    CONTRACTS = "c"
    ACCESS = "g"
    SUBSCRIPTIONS = "s"
    DELIVERIES = "l"
    PARTICIPANTS = "p"
    CLIENTS = "k"


_ONCE_UNCHECKED: Final = frozenset((Listing.FEED, Listing.RECORDS))
"""Lists whose cursors had no check bytes at first. Consumers hold such cursors."""


class Place(NamedTuple):
    """A place in a pass through a contract's records.

    Attributes:
        position: everything up to here was looked at.
        begun: where the pass began. What left the reader's rows up to there was told in an earlier pass; what left later is
            told in this one, also if a page of it ended between the departure and the record's next change.
    """

    position: int
    begun: int

    def after(self, position: int, *, is_last: bool) -> "Place":
        """The place behind a page of the pass that looked at everything up to `position`."""
        return Place(position, position if is_last else self.begun)


def cursor_at(listing: Listing, of: str, place: int | str) -> str:
    """The cursor behind a place.

    Args:
        of: the contract or participant whose list it is; empty if the list is nobody's.
        place: a position, a name, or two numbers from `pair`.
    """
    text = _write(listing, of, place)
    return _encode(crc32(text).to_bytes(4)[-_CHECK_BYTES:] + text)


def next_cursor(listing: Listing, of: str, places: Sequence[int | str], limit: int) -> str | None:
    """The cursor behind the first `limit` places, if there is one place more; else None."""
    return cursor_at(listing, of, places[limit - 1]) if len(places) > limit else None


def position_at(cursor: str, listing: Listing, of: str, parameter: str = AFTER) -> int:
    """The position that a cursor stands behind; 0, the beginning, for the empty string.

    Raises:
        CursorInvalid: no answer gave this cursor for this list.
    """
    position = _number(_place(cursor, listing, of, parameter)) if cursor else 0
    if position < 0:
        raise _no_cursor(of, parameter)
    return position


def name_at(cursor: str, listing: Listing, of: str) -> str:
    """The name that a cursor stands behind; empty, the beginning, for the empty string.

    Raises:
        CursorInvalid: no answer gave this cursor for this list.
    """
    name = _place(cursor, listing, of, AFTER) if cursor else ""
    if cursor and not (name and name.isprintable()):
        raise _no_cursor(of, AFTER)
    return name


def pair(first: int, second: int) -> str:
    """A place of two numbers, as `cursor_at` takes it."""
    return f"{first}{_POINT}{second}"


def pair_at(cursor: str, listing: Listing, of: str) -> tuple[int, int]:
    """The two numbers that a cursor stands behind; zeros, the beginning, for the empty string.

    Raises:
        CursorInvalid: no answer gave this cursor for this list.
    """
    if not cursor:
        return 0, 0
    first, _, second = _place(cursor, listing, of, AFTER).partition(_POINT)
    if _number(first) < 0 or _number(second) < 0:
        raise _no_cursor(of, AFTER)
    return _number(first), _number(second)


def cursor_of(contract: str, place: Place) -> str:
    """The cursor of a place in a contract's records."""
    is_between = place.begun != place.position
    return cursor_at(Listing.RECORDS, contract, pair(*place) if is_between else place.position)


def place_of(cursor: str, contract: str) -> Place:
    """The place that a cursor of a contract's records names; the beginning for the empty string.

    Raises:
        CursorInvalid: no answer gave this cursor for this list.
    """
    if not cursor:
        return Place(0, 0)
    position, point, begun = _place(cursor, Listing.RECORDS, contract, AFTER).partition(_POINT)
    place = Place(_number(position), _number(begun if point else position))
    # The cursor of a pass that begins at its place has one number: one spelling for each place.
    if not 0 <= place.begun <= place.position or (point and place.begun == place.position):
        raise _no_cursor(contract, AFTER)
    return place


def _place(cursor: str, listing: Listing, of: str, parameter: str) -> str:
    """The place that a cursor holds, as it is written."""
    try:
        place = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).rpartition(b"\0")[2].decode()
        # Written again it must be the same. base64 would skip foreign letters, and spell the last letter in several ways.
        is_ours = cursor == cursor_at(listing, of, place) or (
            listing in _ONCE_UNCHECKED and cursor == _encode(_write(listing, of, place))
        )
    except ValueError:
        raise _no_cursor(of, parameter) from None
    if not is_ours:
        raise _no_cursor(of, parameter)
    return place


def _write(listing: Listing, of: str, place: int | str) -> bytes:
    return f"{listing.value}\0{of}\0{place}".encode()


def _encode(text: bytes) -> str:
    return urlsafe_b64encode(text).decode().rstrip("=")


def _number(text: str) -> int:
    """The number as the bus writes numbers; -1 if the bus does not write it so, or a database cannot hold it."""
    number = int(text) if _NUMBER.fullmatch(text) else -1
    return number if number <= _FURTHEST else -1


def _no_cursor(of: str, parameter: str) -> CursorInvalid:
    detail = f"This is no cursor of this list{f' of {of}' if of else ''}."
    return CursorInvalid(detail, errors=[FieldError(parameter, "is not what an earlier answer gave for this list")])
