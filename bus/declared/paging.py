"""Paging: where a list goes on, and where it ends; decisions without a network."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from bus import json
from bus.declared.document import Paging


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list.

    Attributes:
        page: the page's number.
        offset: how many rows come before it.
        cursor: what the agency gave for it: a cursor, or a path with its query. Empty: the list's beginning.
        mark: the digest of the page before.
    """

    page: int = 1
    offset: int = 0
    cursor: str = ""
    mark: str = ""

    def write(self) -> str:
        """The place as a poll's cursor."""
        return json.dumps(asdict(self)).decode()


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page's answer says about the list.

    Attributes:
        count: how many rows the page has.
        mark: the page's digest.
        next: the next page's cursor or address; empty: the agency names none.
        total: how many rows the list has; None: the agency does not say.
    """

    count: int
    mark: str
    next: str = ""
    total: int | None = None


def find_first(paging: Paging) -> Place:
    """The place of the first page."""
    return Place(page=paging.first)


def read_place(paging: Paging, cursor: str | None) -> Place:
    """The place that a poll's cursor names. A cursor of another form of paging begins anew."""
    try:
        value: Any = json.loads(cursor or "")
        place = Place(**value)
    except (TypeError, ValueError):
        return find_first(paging)
    numbers, texts = (place.page, place.offset), (place.cursor, place.mark)
    is_place = all(type(one) is int and one >= 0 for one in numbers) and all(isinstance(one, str) for one in texts)
    return place if is_place else find_first(paging)


def find_next(paging: Paging, place: Place, told: PageFacts) -> Place | None:
    """The place after a page; None at the list's end."""
    seen = place.offset + told.count
    after = Place(place.page + 1, seen, told.next, told.mark)
    if paging.kind in ("cursor", "link"):
        # An empty page may stand in the middle. A cursor that repeats itself leads nowhere.
        return after if told.next and told.next != place.cursor else None
    is_repeated = told.mark == place.mark
    is_last = told.count == 0 or is_repeated or (told.total is not None and seen >= told.total)
    return None if is_last else after


def find_restart(paging: Paging, place: Place, told: PageFacts) -> Place:
    """The place of the next round."""
    if paging.keeps and paging.kind == "cursor":
        return replace(find_first(paging), cursor=told.next or place.cursor)
    return find_first(paging)
