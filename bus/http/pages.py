"""The console's pages, which the edge serves beside the API. `bus.console` makes them; a page of events is in `page.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter


@dataclass(frozen=True, slots=True, eq=False)
class Pages:
    """Routers of pages. Equal only to itself, since routers have no hash."""

    routers: Sequence[APIRouter]


NO_PAGES: Final = Pages(())
