"""Parameters in the query of a request: known names alone, each once."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final
from urllib.parse import parse_qsl

from bus import json
from bus.problem import FieldError, Invalid

_LONGEST_TOLD: Final = 60
"""Characters of an unknown name that are repeated in the refusal."""


class ParametersWrong(Invalid):
    """The query has a parameter that does not exist here, or one twice."""

    slug = "parameters-wrong"


def check_parameters(query: bytes, known: Mapping[str, bool]) -> None:
    """Refuse a query with parameters that an endpoint does not take.

    A parameter that is passed over would have the caller believe that it was heard: a filter that filters nothing.

    Args:
        query: as it came in the request's target.
        known: the endpoint's parameters; true for those that may come several times.

    Raises:
        ParametersWrong: a name is unknown, or a single parameter comes twice.
    """
    if not query:
        return
    names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
    wrong = {name: _explain(name, known) for name in names if name not in known}
    seen: set[str] = set()
    for name in names:
        if name in seen and not known.get(name, True):
            wrong[name] = "comes twice; send it once"
        seen.add(name)
    if wrong:
        errors = [FieldError(_point(name), detail) for name, detail in wrong.items()]
        raise ParametersWrong(_list_known(known), errors=errors)


def _explain(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name.lower(), list(known), 1)
    return f"does not exist here; do you mean {near[0]}?" if near else "does not exist here"


def _list_known(known: Iterable[str]) -> str:
    names = ", ".join(known)
    return f"This endpoint takes {names}." if names else "This endpoint takes no parameters in the query."


def _point(name: str) -> str:
    return json.to_pointer(("query", name if len(name) <= _LONGEST_TOLD else f"{name[:_LONGEST_TOLD]}…"))
