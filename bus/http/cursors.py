"""Cursors: opaque strings that hold a place in one list.

Promise: the bus refuses a cursor that is cut, that it did not write, or that belongs to another list.
Consumers keep the cursors of feeds and records over upgrades. So every form that these lists ever gave stays readable.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Final, NamedTuple
from zlib import crc32

from fastapi import Query

from bus.journal import join_place, split_place
from bus.problem import Conflict, FieldError, Invalid, Refused

Limit = Annotated[int, Query(ge=1, le=1000, description="most entries in the answer")]
After = Annotated[str, Query(description="`next` of the page before")]
AfterRecord = Annotated[
    str,
    Query(
        description="`next` of an earlier answer, or its `Bus-Next`. For a stream that broke off: the largest `sequence` that "
        "you have of it"
    ),
]

AFTER: Final = "/query/after"
"""Pointer to the parameter that takes a cursor."""
LAST_EVENT_ID: Final = "/header/last-event-id"
"""Pointer to the header field that takes the cursor of a stream's last event."""

_FURTHEST: Final = 2**63 - 1
"""The largest integer that a database takes."""
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CHECK_BYTES: Final = 3
"""Check bytes at the beginning of a cursor. Without them a cut cursor could name an earlier place."""
_POINT: Final = "."
"""Separates the numbers of a place."""
_SEQUENCE: Final = re.compile(r"[0-9]{20}", re.ASCII)
"""The `sequence` of an event. No cursor looks like it, since a cursor holds a name."""


class CursorInvalid(Invalid):
    """This is no cursor of this list; use the `next` of an earlier answer, unchanged."""

    slug = "cursor-invalid"


class CursorGone(Refused):
    """This bus has no such state any more; begin without a cursor, and replace your copy."""

    status = 410
    slug = "cursor-gone"


class EventsGone(Refused):
    """Events behind this cursor are gone; go on with `next`, and know that you miss some."""

    status = 410
    slug = "events-gone"


class StateTooOld(Conflict):
    """Too much happened since this cursor; read the changes first, and give their last `next`."""

    slug = "state-too-old"


class Listing(Enum):
    """The kinds of lists that have cursors."""

    FEED = "f"
    RECORDS = "r"
    DISCLOSURES = "d"
    ACTIONS = "a"
    REFUSALS = "x"
    CONTRACTS = "c"
    ACCESS = "g"
    GRANTS = "t"
    DOMAINS = "n"
    PARTICIPANTS = "p"
    CLIENTS = "k"
    SUBSCRIPTIONS = "s"
    DELIVERIES = "l"
    JOB = "j"
    ADAPTERS = "b"
    TRAFFIC = "v"
    ACCESS_REQUESTS = "q"
    PROPOSALS = "o"
    INQUIRIES = "i"
    STAFF = "w"


_ONCE_UNCHECKED: Final = frozenset((Listing.FEED, Listing.RECORDS))
"""Lists whose cursors had no check bytes at first. Consumers hold such cursors."""


class FeedPlace(NamedTuple):
    """A place in a feed.

    Attributes:
        position: the reader has everything up to here.
        told: up to here the reader knows that events may be missing: it began there when they were deleted, or was told. Not
            behind `position`: there it says nothing. 0: it does not know of any.
        epoch: of the journal.
    """

    position: int
    told: int = 0
    epoch: int = 0


class Place(NamedTuple):
    """A place in a pass through a contract's records.

    A pass shows each record once, as it was when the journal ended at the pass's head.

    Attributes:
        position: the pass has read everything up to here.
        begun: the position where the pass began. An earlier pass told of records that left the reader's rows up to there.
            This pass tells of those that left later. It does so even if a page ended before their next change.
        head: the pass ends here. 0: the pass begins, and ends at the journal's present end.
        epoch: of the journal.
    """

    position: int
    begun: int
    head: int = 0
    epoch: int = 0

    @property
    def is_sequence(self) -> bool:
        """Whether it is the place of a `sequence`, and not of a cursor."""
        return self.position > 0 and self.begun == self.head == 0

    @property
    def known(self) -> int:
        """The reader's copy is as the records were here, or later, as far as the pass has read."""
        return self.begun or self.head or self.position

    def after(self, position: int, *, is_last: bool) -> "Place":
        """The place after a page of the pass that read everything up to `position`."""
        if is_last:
            return Place(position, position, epoch=self.epoch)
        return Place(position, self.begun, self.head, self.epoch)


def write_position(listing: Listing, of: str, position: int) -> str:
    """The cursor behind a position.

    Args:
        of: the contract whose list it is; empty for a list of no contract.
    """
    return _write(listing, of, str(position))


def read_position(cursor: str, listing: Listing, of: str, parameter: str = AFTER) -> int:
    """The position that a cursor stands behind; 0, the beginning, for the empty string.

    Args:
        parameter: pointer to the cursor in the request.

    Raises:
        CursorInvalid: the bus did not write it for this list.
    """
    return _read_number(_read(cursor, listing, of, parameter), parameter) if cursor else 0


def write_feed_place(contract: str, place: FeedPlace) -> str:
    """The cursor of a place in a contract's feed."""
    return _write(Listing.FEED, contract, _spell_feed(place))


def read_feed_place(cursor: str, contract: str, parameter: str = AFTER) -> FeedPlace:
    """The place in a contract's feed that a cursor names.

    Args:
        cursor: not empty.
        parameter: pointer to the cursor in the request.

    Raises:
        CursorInvalid: the bus did not write it for this list.
    """
    written = _read(cursor, Listing.FEED, contract, parameter)
    numbers = [_read_number(text, parameter) for text in written.split(_POINT)]
    epoch, position = split_place(numbers[0])
    place = FeedPlace(position, numbers[1] if len(numbers) == 2 else 0, epoch)
    # Each place has only one spelling.
    if written != _spell_feed(place):
        raise refuse_cursor(parameter)
    return place


def _spell_feed(place: FeedPlace) -> str:
    number = join_place(place.epoch, place.position)
    return f"{number}{_POINT}{place.told}" if place.told > place.position else str(number)


def write_pair(listing: Listing, of: str, pair: tuple[int, int]) -> str:
    """The cursor behind two positions, of two lists that are paged together.

    Args:
        of: the contract whose lists they are; empty for lists of no contract.
    """
    return _write(listing, of, "{}.{}".format(*pair))


def read_pair(cursor: str, listing: Listing, of: str) -> tuple[int, int]:
    """The two positions that a cursor stands behind; zeros, the beginnings, for the empty string.

    Raises:
        CursorInvalid: the bus did not write it for these lists.
    """
    if not cursor:
        return 0, 0
    first, point, second = _read(cursor, listing, of).partition(".")
    if not point:
        raise refuse_cursor()
    return _read_number(first), _read_number(second)


def write_place(contract: str, place: Place) -> str:
    """The cursor of a place in a contract's records."""
    return _write(Listing.RECORDS, contract, _spell(place))


def read_place(cursor: str, contract: str) -> Place:
    """The place in a contract's records that a cursor names; the beginning for the empty string.

    A `sequence` stands for the place behind its event, in a pass from the beginning. So the pass misses no departure.
    The first number of a cursor holds the epoch, as a `sequence` does.

    Raises:
        CursorInvalid: the bus did not write it for this list.
    """
    if not cursor:
        return Place(0, 0)
    if _SEQUENCE.fullmatch(cursor):
        epoch, position = split_place(_read_number(cursor.lstrip("0") or "0"))
        return Place(position, 0, epoch=epoch)
    written = _read(cursor, Listing.RECORDS, contract)
    number, *others = [_read_number(text) for text in written.split(_POINT)]
    epoch, position = split_place(number)
    begun = others[0] if others else position
    place = Place(position, begun, others[1] if len(others) > 1 else 0, epoch)
    # Each place has only one spelling.
    if place.begun > place.position or 0 < place.head < place.position or written != _spell(place):
        raise refuse_cursor()
    return place


def _spell(place: Place) -> str:
    number = join_place(place.epoch, place.position)
    if place.head:
        return f"{number}{_POINT}{place.begun}{_POINT}{place.head}"
    return str(number) if place.begun == place.position else f"{number}{_POINT}{place.begun}"


def write_next_name(listing: Listing, of: str, names: Sequence[str], limit: int) -> str | None:
    """The cursor behind the first `limit` names of a list in their order; None: there are no more.

    Args:
        of: what the list belongs to, such as the participant of its clients; empty: to nothing.
    """
    return _write(listing, of, names[limit - 1]) if len(names) > limit else None


def read_name(cursor: str, listing: Listing, of: str = "") -> str:
    """The name that the page before ended with; empty for the empty string.

    Raises:
        CursorInvalid: the bus did not write it for this list.
    """
    name = _read(cursor, listing, of) if cursor else ""
    if not name.isprintable():
        raise refuse_cursor()
    return name


def write_next_numbers(listing: Listing, places: Sequence[tuple[int, ...]], limit: int) -> str | None:
    """The cursor behind the first `limit` entries of a list in order of some numbers; None: there are no more."""
    return write_next_name(listing, "", [".".join(map(str, place)) for place in places], limit)


def read_numbers(cursor: str, listing: Listing, count: int) -> tuple[int, ...]:
    """The numbers of the entry that the page before ended with; zeros for the empty string.

    Args:
        count: how many numbers name an entry.

    Raises:
        CursorInvalid: the bus did not write it for this list.
    """
    if not cursor:
        return (0,) * count
    numbers = tuple(_read_number(text) for text in _read(cursor, listing, "").split("."))
    if len(numbers) != count:
        raise refuse_cursor()
    return numbers


def _read_number(text: str, parameter: str = AFTER) -> int:
    number = int(text) if _NUMBER.fullmatch(text) else -1
    if not 0 <= number <= _FURTHEST:
        raise refuse_cursor(parameter)
    return number


def _write(listing: Listing, of: str, written: str) -> str:
    text = _join(listing, of, written)
    return _encode(crc32(text).to_bytes(4)[-_CHECK_BYTES:] + text)


def _read(cursor: str, listing: Listing, of: str, parameter: str = AFTER) -> str:
    """What stands behind the list's name in a cursor."""
    try:
        written = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).rpartition(b"\0")[2].decode()
        # Written again it must be the same. base64 would skip foreign letters, and spell the last letter in several ways.
        is_ours = cursor == _write(listing, of, written) or (
            listing in _ONCE_UNCHECKED and cursor == _encode(_join(listing, of, written))
        )
    except ValueError:
        raise refuse_cursor(parameter) from None
    if not is_ours:
        raise refuse_cursor(parameter)
    return written


def _join(listing: Listing, of: str, written: str) -> bytes:
    return f"{listing.value}\0{of}\0{written}".encode()


def _encode(text: bytes) -> str:
    return urlsafe_b64encode(text).decode().rstrip("=")


def refuse_cursor(parameter: str = AFTER) -> CursorInvalid:
    """The refusal of a cursor that the bus did not write for this list."""
    at = FieldError(parameter, "must be what an earlier answer of this list gave, unchanged")
    return CursorInvalid("This is no cursor of this list; begin without one.", errors=[at])
