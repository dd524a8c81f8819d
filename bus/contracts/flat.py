"""A schema whose `$defs` hold exactly what it refers to, each under a plain name. Code generators need this form."""

import re
from typing import Any
from urllib.parse import unquote

from bus import json
from bus.contracts.schemas import Schema, mapped, subschemas


def flatten(schema: Schema) -> Schema:
    """An equal schema, in which every reference is `#` or `#/$defs/<letters, digits, underscores>`.

    Args:
        schema: self-contained; it stays as it is.
    """
    whole = _drop_definitions(schema)
    names: dict[str, str] = {"#": "#"}
    definitions: Schema = {}
    waiting: list[Any] = [whole]
    while waiting:
        for _, inner in subschemas(waiting.pop()):
            reference = inner.get("$ref", "#")
            if reference not in names:
                name = _find_free_name(reference, definitions)
                names[reference] = f"#/$defs/{name}"
                definitions[name] = _drop_definitions(json.find(schema, unquote(reference[1:])))
                waiting.append(definitions[name])
    joined = {**whole, "$defs": definitions} if definitions else whole
    renamed: Schema = mapped(joined, str, lambda reference, _: names[reference])
    return renamed


def _drop_definitions(schema: Any) -> Any:
    bare = mapped(schema, str)
    for _, inner in list(subschemas(bare)):
        inner.pop("$defs", None)
        inner.pop("definitions", None)
    return bare


def _find_free_name(reference: str, taken: Schema) -> str:
    """A free name made from a reference's last token. It begins with a letter, so that any language can use it."""
    plain = re.sub(r"\W", "_", unquote(reference.rpartition("/")[2]), flags=re.ASCII)
    stem = plain if plain[:1].isalpha() else f"part_{plain}"
    return next(name for name in (stem, *(f"{stem}_{n}" for n in range(2, len(taken) + 3))) if name not in taken)
