"""Pages of named things: an opaque cursor that holds the last name of the page before."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from bus.problem import Invalid

Limit = Annotated[int, Query(ge=1, le=1000, description="most entries in the answer")]
After = Annotated[str, Query(description="`next` of the page before")]


class CursorRefused(Invalid):
    """The parameter `after` takes what an earlier answer gave as `next`, unchanged."""

    slug = "cursor"


def next_cursor(names: Sequence[str], limit: int) -> str | None:
    """The cursor behind the first `limit` names, when there is one more; else None."""
    return urlsafe_b64encode(names[limit - 1].encode()).decode() if len(names) > limit else None


def last_name(cursor: str) -> str:
    """The name that the page before ended with; empty for the first page.

    Raises:
        CursorRefused: no answer gave this cursor.
    """
    try:
        last = b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise CursorRefused("This is no cursor of this list.") from None
    if not last.isprintable():
        raise CursorRefused("This is no cursor of this list.")
    return last
