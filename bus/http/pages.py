"""Pages for people that the edge serves beside the API. `bus.console` has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter


@dataclass(frozen=True, slots=True, eq=False)
class Pages:
    """Routers of pages. Equal only to itself, since routers have no hash."""

    routers: Sequence[APIRouter]


NO_PAGES: Final = Pages(())
