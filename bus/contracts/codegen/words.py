"""Texts of others in generated code: comments that nothing ends, and names that the language can read."""

import re
from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Any, Final

from bus import json
from bus.contracts.document import Contract
from bus.texts import escape_unseen, escape_unseen_in_json

MADE: Final = "Made by `bus contract codegen`; do not edit."
_WIDTH: Final = 100


def describe_source(contract: Contract) -> str:
    """The text that every generated file begins with."""
    return f"{contract.name} {contract.version}. {MADE}"


def write_comment(text: str, indent: str = "") -> Iterator[str]:
    """The lines of a `/** … */` comment; none for an empty text. No text ends the comment."""
    plain = escape_unseen(" ".join(text.split())).replace("*/", "*\\/")
    lines = wrap(plain, _WIDTH, break_long_words=False, break_on_hyphens=False)
    if len(lines) == 1:
        yield f"{indent}/** {lines[0]} */"
    elif lines:
        yield f"{indent}/**"
        yield from (f"{indent} * {line}" for line in lines)
        yield f"{indent} */"


def write_json(value: Any) -> str:
    """The value as JSON in which every character can be seen."""
    return escape_unseen_in_json(json.dumps(value)).decode()


def name_members(names: Iterable[str], reserved: Iterable[str] = ()) -> dict[str, str]:
    """A name for each member that any language can use: letters, digits and underscores of ASCII. No two are equal."""
    chosen: dict[str, str] = {}
    taken = set(reserved)
    for name in names:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)
        stem = plain if re.match("[A-Za-z]", plain) else f"member_{plain.strip('_')}".rstrip("_")
        numbered = (f"{stem}_{number}" for number in range(2, len(taken) + 3))
        chosen[name] = next(one for one in (stem, *numbered) if one not in taken)
        taken.add(chosen[name])
    return chosen
