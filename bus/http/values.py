"""JSON values of any form in a request's body: accepts only values that the bus can write again."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from bus import json

_DEEPEST: Final = 64


def _writable(value: Any) -> Any:
    """The value, if JSON in UTF-8 can express it: Python's parser accepts more."""
    if json.is_deeper(value, _DEEPEST):
        raise ValueError(f"is nested deeper than {_DEEPEST} levels")
    try:
        json.dumps(value)
    except TypeError:
        raise ValueError("holds half a surrogate pair, or an integer of more than 64 bits") from None
    return value


JsonObject = Annotated[dict[str, Any], BeforeValidator(_writable)]
"""An object whose members no model describes."""
