"""JSON values of any form in a request's body: accepts only values that the bus can write again."""

import re
from datetime import date
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BeforeValidator

from bus import json
from bus.contracts import is_date_time

_DEEPEST: Final = 64
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _writable(value: Any) -> Any:
    """The value, if JSON in UTF-8 can express it: Python's parser accepts more."""
    if json.is_deeper(value, _DEEPEST):
        raise ValueError(f"is nested deeper than {_DEEPEST} levels")
    try:
        json.dumps(value)
    except TypeError:
        raise ValueError("holds half a surrogate pair, or an integer of more than 64 bits") from None
    return value


def _written_moment(value: Any) -> Any:
    """The value; pydantic would take a number for the seconds since 1970."""
    if isinstance(value, str) and not is_date_time(value):
        # A plus stands for a blank in a query.
        hint = "; write + as %2B in a query" if " " in value else ""
        raise ValueError(f"must be a time with its offset from UTC (RFC 3339){hint}")
    return value


def _written_day(value: Any) -> Any:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a day such as 2027-12-31 (RFC 3339)")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_moment)]
"""A moment in a query, as RFC 3339 writes it."""
Day = Annotated[date, BeforeValidator(_written_day)]
"""A day in a body, as RFC 3339 writes it."""

JsonObject = Annotated[dict[str, Any], BeforeValidator(_writable)]
"""An object whose members no model describes."""
