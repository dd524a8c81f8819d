"""Cursors: opaque strings that hold a place in one list of one contract."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import Enum
from typing import Final, NamedTuple

from bus.problem import Invalid

_FURTHEST: Final = 2**63 - 1
"""The largest integer that a database takes."""
_POSITION: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_BEGUN: Final = "."
"""Stands before the position where a pass through records began."""


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


def cursor_at(listing: Listing, contract: str, position: int) -> str:
    """The cursor behind a position.

    Args:
        contract: the contract whose list it is; empty where the list is of no contract.
    """
    return _encoded(f"{listing.value}\0{contract}\0{position}")


def position_at(cursor: str, listing: Listing, contract: str) -> int:
    """The position that a cursor stands behind; 0, the beginning, for the empty string.

    Raises:
        CursorInvalid: it is none of the bus's, or of another list.
    """
    if not cursor:
        return 0
    position = _number(_written(cursor, contract))
    # Written again it must be the same, which leaves one spelling for each place.
    if position < 0 or cursor_at(listing, contract, position) != cursor:
        raise _no_cursor(contract)
    return position


def cursor_of(contract: str, place: Place) -> str:
    """The cursor of a place in a contract's records."""
    begun = "" if place.begun == place.position else f"{_BEGUN}{place.begun}"
    return _encoded(f"{Listing.RECORDS.value}\0{contract}\0{place.position}{begun}")


def place_of(cursor: str, contract: str) -> Place:
    """The place that a cursor of a contract's records names; the beginning for the empty string.

    Raises:
        CursorInvalid: it is none of the bus's, or of another list.
    """
    position, _, begun = _written(cursor, contract).partition(_BEGUN) if cursor else ("0", "", "")
    place = Place(_number(position), _number(begun or position))
    if not 0 <= place.begun <= place.position or (cursor and cursor_of(contract, place) != cursor):
        raise _no_cursor(contract)
    return place


def _number(text: str) -> int:
    number = int(text) if _POSITION.fullmatch(text) else -1
    return number if number <= _FURTHEST else -1


def _written(cursor: str, contract: str) -> str:
    """The place that a cursor holds, as it is written."""
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().rpartition("\0")[2]
    except ValueError:
        raise _no_cursor(contract) from None


def _encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _no_cursor(contract: str) -> CursorInvalid:
    return CursorInvalid(f"This is no cursor of this list{f' of {contract}' if contract else ''}.")
