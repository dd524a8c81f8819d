"""Cursors: opaque strings that hold a place in one list of one contract."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import Enum
from typing import Final

from bus.problem import Invalid

_FURTHEST: Final = 2**63 - 1
"""The largest integer that a database takes."""
_POSITION: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


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


def cursor_at(listing: Listing, contract: str, position: int) -> str:
    """The cursor behind a position.

    Args:
        contract: the contract whose list it is; empty where the list is of no contract.
    """
    return urlsafe_b64encode(_text(listing, contract, position)).decode().rstrip("=")


def position_at(cursor: str, listing: Listing, contract: str) -> int:
    """The position that a cursor stands behind; 0, the beginning, for the empty string.

    Raises:
        CursorInvalid: it is none of the bus's, or of another list.
    """
    if not cursor:
        return 0
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        raise _no_cursor(contract) from None
    written = text.rpartition("\0")[2]
    position = int(written) if _POSITION.fullmatch(written) else -1
    # Written again it must be the same, which leaves one spelling for each place.
    if not 0 <= position <= _FURTHEST or cursor_at(listing, contract, position) != cursor:
        raise _no_cursor(contract)
    return position


def _text(listing: Listing, contract: str, position: int) -> bytes:
    return f"{listing.value}\0{contract}\0{position}".encode()


def _no_cursor(contract: str) -> CursorInvalid:
    return CursorInvalid(f"This is no cursor of this list{f' of {contract}' if contract else ''}.")
