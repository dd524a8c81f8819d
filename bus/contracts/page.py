"""A contract as a page of the catalogue, in Markdown: its data, its readers and their reasons, how to exchange it.

Only `_write_prose`, `_write_code` and `_write_block` write a document's text into a page. The templates escape every other text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bus import json
from bus.contracts.document import Classification, Contract, Grant, Kind
from bus.contracts.outline import Field, draw_outline
from bus.contracts.schemas import Schema
from bus.texts import escape_unseen_in_json, escape_unseen_in_lines, to_markdown, to_markdown_code

_KINDS: Final = {
    Kind.EVENT: "event: a fact that happened",
    Kind.RECORD: "record: the state of a keyed thing; a later event with the key replaces it, null data deletes it",
    Kind.QUERY: "query: a question and its answer, live",
}
_CLASSES: Final = {
    Classification.PUBLIC: "public",
    Classification.INTERNAL: "internal: for offices alone",
    Classification.PERSONAL: "personal: each reading is logged as a disclosure",
    Classification.SENSITIVE: "sensitive: each reading is logged as a disclosure",
}
_MOST_VALUES: Final = 12
_NOTHING: Final = "–"
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def name_page_file(contract: Contract) -> str:
    """The name of the contract's page."""
    return f"{contract.name}.md"


def write_page(contract: Contract) -> str:
    """The contract's page."""
    described = contract.document.get("description")
    return _TEMPLATES.get_template("page.md.jinja").render(
        contract=contract,
        summary=_write_prose(contract.title) + "."
        if described is None
        else _write_prose(f"{contract.title}. {described}"),
        facts=list(_list_facts(contract)),
        parts=[_write_part(title, schema) for title, schema in _list_schemas(contract)],
        grants=[_write_grant(grant) for grant in contract.grants],
        examples=[_write_block("json", _write_pretty(example)) for example in contract.examples],
        **_write_requests(contract),
    )


def write_index(contracts: Iterable[Contract]) -> str:
    """The page with links to the others, in order of name."""
    rows = [
        (
            f"[{one.name}]({name_page_file(one)})",
            one.version,
            one.kind.value,
            _write_prose(one.title),
            one.owner,
            one.classification.value,
            ", ".join(grant.participant for grant in one.grants) or _NOTHING,
        )
        for one in sorted(contracts, key=lambda one: one.name)
    ]
    return _TEMPLATES.get_template("index.md.jinja").render(rows=rows)


def _list_facts(contract: Contract) -> Iterator[tuple[str, str]]:
    yield "version", contract.version
    yield "kind", _KINDS[contract.kind]
    if contract.key:
        yield "key", _write_code(contract.key)
    yield "data owner", contract.owner
    yield "classification", _CLASSES[contract.classification]
    if contract.person:
        of = " of the question" if contract.kind is Kind.QUERY else ""
        yield "about the person", _write_code(contract.person) + of
    yield ("answered by" if contract.kind is Kind.QUERY else "producers"), ", ".join(sorted(contract.producers))
    yield "compatibility", contract.document.get("compatibility", "backward")
    if contract.kind is Kind.QUERY:
        to = "to every consumer" if contract.shares_cache else "to the participant that asked"
        yield "an answer may be given again for", f"{contract.cache_seconds} seconds, {to}"
    else:
        yield from _list_delivery(contract)
    if contract.adapters:
        yield "adapters", _write_prose(", ".join(f"{use.adapter} ({use.operation})" for use in contract.adapters))


def _list_delivery(contract: Contract) -> Iterator[tuple[str, str]]:
    delivery = contract.delivery
    if contract.attributes:
        yield "attributes that every consumer sees", Markup(", ").join(map(_write_code, contract.attributes))
    if delivery.ordered_by:
        yield "delivered in order of", _write_code(delivery.ordered_by)
    yield "kept", f"{delivery.retention_days} days" if delivery.retention_days else "for good"
    yield "largest event", f"{delivery.max_bytes} bytes"


def _list_schemas(contract: Contract) -> list[tuple[str, Schema]]:
    if contract.kind is Kind.QUERY:
        return [("Question", contract.sent), ("Answer", contract.shown)]
    return [("Data", contract.sent)]


def _write_part(title: str, schema: Schema) -> Mapping[str, Any]:
    return {
        "title": title,
        "description": _write_prose(schema.get("description", "")),
        "fields": [_write_field(field) for field in draw_outline(schema)],
    }


def _write_field(field: Field) -> tuple[str, ...]:
    rules = [Markup("required")] * field.required + list(dict.fromkeys(_list_rules(field.schemas)))
    return (
        _write_code(field.pointer),
        _write_type(field.schemas),
        Markup("; ").join(rules) or _NOTHING,
        _write_prose(_write_meaning(field.schemas)),
    )


_TYPES: Final = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
    list: "array",
    dict: "object",
}


def _write_type(schemas: Sequence[Schema]) -> str:
    types = dict.fromkeys(name for schema in schemas for name in _list_types(schema))
    # An integer is a number too: both types together mean integer.
    return " or ".join(name for name in types if name != "number" or "integer" not in types) or "anything"


def _list_types(schema: Schema) -> Iterator[str]:
    names = schema.get("type", [])
    for name in [names] if isinstance(names, str) else names:
        items = schema.get("items")
        of = items.get("type") if name == "array" and isinstance(items, dict) else None
        yield f"{name} of {of}" if isinstance(of, str) else name
    if not names:
        values = schema.get("enum", [schema["const"]] if "const" in schema else [])
        yield from (_TYPES[type(value)] for value in values)


def _write_meaning(schemas: Sequence[Schema]) -> str:
    return next((schema["description"] for schema in schemas if "description" in schema), "")


def _list_rules(schemas: Sequence[Schema]) -> Iterator[str]:
    for schema in schemas:
        if "const" in schema:
            yield Markup("always {}").format(_write_value(schema["const"]))
        if "enum" in schema:
            yield _write_one_of(schema["enum"])
        if "format" in schema:
            yield _write_prose(str(schema["format"]))
        if "pattern" in schema:
            yield _write_code(schema["pattern"])
        yield from _list_bounds(schema)
        if "multipleOf" in schema:
            yield f"a multiple of {schema['multipleOf']}"
        if schema.get("uniqueItems"):
            yield "no item twice"


def _write_one_of(values: list[Any]) -> Markup:
    listed = Markup("one of {}").format(Markup(", ").join(_write_value(value) for value in values[:_MOST_VALUES]))
    return listed + (f" and {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else "")


_BOUNDS: Final = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " members"),
)


def _list_bounds(schema: Schema) -> Iterator[str]:
    for lowest, highest, unit in _BOUNDS:
        low, high = schema.get(lowest), schema.get(highest)
        if low is not None and low == high:
            yield f"{low}{unit}"
        elif low is not None and high is not None:
            yield f"{low} to {high}{unit}"
        elif low is not None:
            yield f"at least {low}{unit}"
        elif high is not None:
            yield f"at most {high}{unit}"
    if "exclusiveMinimum" in schema:
        yield f"more than {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema:
        yield f"less than {schema['exclusiveMaximum']}"


def _write_grant(grant: Grant) -> tuple[str, ...]:
    return (
        grant.participant,
        _write_prose(grant.purpose) or _NOTHING,
        _write_prose(grant.legal_basis) or _NOTHING,
        str(grant.until or "no end"),
        Markup(", ").join(map(_write_code, grant.fields)) if grant.fields else "everything",
        _write_masks(grant) or _NOTHING,
        Markup("; ").join(_write_condition(row) for row in grant.rows) or "all",
    )


def _write_masks(grant: Grant) -> Markup:
    return Markup(", ").join(Markup("{}: {}").format(_write_code(at), mask.value) for at, mask in grant.mask.items())


_AND: Final = Markup(" and ")
_OR: Final = Markup(" or ")
_SAYS: Final = {"exact": "is", "prefix": "begins with", "suffix": "ends with"}


def _write_condition(expression: Any) -> Markup:
    """A row filter in words."""
    ((dialect, operand),) = expression.items()
    if dialect == "not":
        return Markup("not ({})").format(_write_condition(operand))
    if dialect in ("all", "any"):
        parts = [Markup("({})").format(part) if _is_joined(part) else part for part in map(_write_condition, operand)]
        return (_AND if dialect == "all" else _OR).join(parts)
    says = Markup("{} {} {}")
    return _AND.join(
        says.format(_write_code(name), _SAYS[dialect], _write_value(text)) for name, text in operand.items()
    )


def _is_joined(condition: str) -> bool:
    return " or " in condition or " and " in condition


def _write_requests(contract: Contract) -> Mapping[str, Any]:
    """How to send and get the data, with curl."""
    if contract.kind is Kind.QUERY:
        question = contract.examples[0]["request"] if contract.examples else {}
        return {"question": _write_curl(f"/v1/queries/{contract.name}", "application/json", question)}
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": "2026-0001",
        "source": f"/{min(contract.producers)}",
        "type": contract.name,
        "data": next(iter(contract.examples), {}),
    }
    records = [f"/v1/records/{contract.name}", f"/v1/records/{contract.name}/{_pick_example_key(contract)}"]
    return {
        "question": None,
        "publication": _write_curl("/v1/events", "application/cloudevents+json", event),
        "feed": _write_curl(f"/v1/feeds/{contract.name}?wait=30"),
        "records": list(map(_write_curl, records)) if contract.kind is Kind.RECORD else [],
    }


def _pick_example_key(contract: Contract) -> str:
    """A key as a step of a path. It is percent-encoded, so no character has a meaning for a shell."""
    found = json.find(contract.examples[0], contract.key or "") if contract.examples else None
    return "KEY" if found is None else quote(str(found), safe="")


def _write_curl(path: str, media_type: str | None = None, body: Any = None) -> Markup:
    command = f'curl -H "Authorization: Bearer $TOKEN" "$BUS{path}"'
    if media_type is None:
        return _write_block("sh", command)
    text = _write_pretty(body)
    return _write_block("sh", f"{command} -H 'Content-Type: {media_type}' --data-binary @- <<'END'\n{text}\nEND")


def _write_prose(text: str) -> Markup:
    """A document's text on one line, without markup of its own."""
    return Markup(to_markdown(text))  # noqa: S704 - Markdown's characters are escaped, and those of HTML


def _write_code(text: str) -> Markup:
    """A document's text as a code span."""
    return Markup(to_markdown_code(text))  # noqa: S704 - nothing in a code span is markup


def _write_block(language: str, text: str) -> Markup:
    """A fenced block whose fence does not occur in the text."""
    text = escape_unseen_in_lines(text)
    fence = "```"
    while fence in text:
        fence += "`"
    return Markup(f"{fence}{language}\n{text}\n{fence}")  # noqa: S704 - nothing in a fenced block is markup


def _write_value(value: Any) -> Markup:
    return _write_code(value if isinstance(value, str) else json.dumps(value).decode())


def _write_pretty(value: Any) -> str:
    """Indented JSON with invisible characters escaped, so that it stays valid."""
    return escape_unseen_in_json(json.dump_pretty(value).encode()).decode()
