"""A contract as a page of the catalogue, in Markdown: what the data are, who may read what and why, how to exchange them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

from bus import json
from bus.contracts.document import Classification, Contract, Grant, Kind
from bus.contracts.outline import Field, outline
from bus.contracts.schemas import Schema
from bus.texts import markdown, markdown_code, visible_json, visible_lines

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


def file_name(contract: Contract) -> str:
    """The name of the contract's page."""
    return f"{contract.name}.md"


def page(contract: Contract) -> str:
    """The contract's page."""
    described = contract.document.get("description")
    parts = [
        f"# {contract.name}",
        f"{markdown(contract.title)}." if described is None else markdown(f"{contract.title}. {described}"),
        _table(("", ""), _facts(contract)),
        *_data(contract),
        "## Who may read what, and why",
        _grants(contract),
        *_examples(contract),
        *_ways(contract),
    ]
    return "\n\n".join(parts) + "\n"


def index(contracts: Iterable[Contract]) -> str:
    """The page that leads to the others, in order of name."""
    rows = [
        (
            f"[{one.name}]({file_name(one)})",
            one.version,
            one.kind.value,
            markdown(one.title),
            one.owner,
            one.classification.value,
            ", ".join(grant.participant for grant in one.grants) or _NOTHING,
        )
        for one in sorted(contracts, key=lambda one: one.name)
    ]
    head = ("contract", "version", "kind", "what", "owner", "classification", "consumers")
    told = "One page for each contract, made by `bus contract docs` from the contract documents: do not edit them here."
    return "\n\n".join(["# Catalogue", told, _table(head, rows)]) + "\n"


def _facts(contract: Contract) -> Iterator[tuple[str, str]]:
    yield "version", contract.version
    yield "kind", _KINDS[contract.kind]
    if contract.key:
        yield "key", markdown_code(contract.key)
    yield "data owner", contract.owner
    yield "classification", _CLASSES[contract.classification]
    if contract.person:
        yield (
            "about the person",
            markdown_code(contract.person) + (" of the question" if contract.kind is Kind.QUERY else ""),
        )
    yield ("answered by" if contract.kind is Kind.QUERY else "producers"), ", ".join(sorted(contract.producers))
    yield "compatibility", contract.document.get("compatibility", "backward")
    if contract.kind is Kind.QUERY:
        to = "to every consumer" if contract.shares_cache else "to the participant that asked"
        yield "an answer may be given again for", f"{contract.cache_seconds} seconds, {to}"
    else:
        yield from _delivery(contract)
    if contract.adapters:
        yield "adapters", markdown(", ".join(f"{use.adapter} ({use.operation})" for use in contract.adapters))


def _delivery(contract: Contract) -> Iterator[tuple[str, str]]:
    delivery = contract.delivery
    if contract.attributes:
        yield "attributes that every consumer sees", ", ".join(map(markdown_code, contract.attributes))
    if delivery.ordered_by:
        yield "delivered in order of", markdown_code(delivery.ordered_by)
    yield "kept", f"{delivery.retention_days} days" if delivery.retention_days else "for good"
    yield "largest event", f"{delivery.max_bytes} bytes"


def _data(contract: Contract) -> Iterator[str]:
    parts = {"Question": contract.sent, "Answer": contract.shown}
    for title, schema in parts.items() if contract.kind is Kind.QUERY else [("Data", contract.sent)]:
        yield f"## {title}"
        if "description" in schema:
            yield markdown(schema["description"])
        yield _fields(outline(schema))


def _fields(fields: Sequence[Field]) -> str:
    if not fields:
        return "The schema declares no fields."
    rows = [
        (
            markdown_code(field.pointer),
            _type(field.schemas),
            "; ".join(["required"] * field.required + list(dict.fromkeys(_rules(field.schemas)))) or _NOTHING,
            markdown(_meaning(field.schemas)),
        )
        for field in fields
    ]
    return _table(("field", "type", "rule", "meaning"), rows)


_TYPES: Final = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
    list: "array",
    dict: "object",
}


def _type(schemas: Sequence[Schema]) -> str:
    types = dict.fromkeys(name for schema in schemas for name in _types(schema))
    # An integer is a number too, so that both together say integer.
    return " or ".join(name for name in types if name != "number" or "integer" not in types) or "anything"


def _types(schema: Schema) -> Iterator[str]:
    names = schema.get("type", [])
    for name in [names] if isinstance(names, str) else names:
        items = schema.get("items")
        of = items.get("type") if name == "array" and isinstance(items, dict) else None
        yield f"{name} of {of}" if isinstance(of, str) else name
    if not names:
        values = schema.get("enum", [schema["const"]] if "const" in schema else [])
        yield from (_TYPES[type(value)] for value in values)


def _meaning(schemas: Sequence[Schema]) -> str:
    return next((schema["description"] for schema in schemas if "description" in schema), "")


def _rules(schemas: Sequence[Schema]) -> Iterator[str]:
    for schema in schemas:
        if "const" in schema:
            yield f"always {_value(schema['const'])}"
        if "enum" in schema:
            yield _one_of(schema["enum"])
        if "format" in schema:
            yield markdown(str(schema["format"]))
        if "pattern" in schema:
            yield markdown_code(schema["pattern"])
        yield from _bounds(schema)
        if "multipleOf" in schema:
            yield f"a multiple of {schema['multipleOf']}"
        if schema.get("uniqueItems"):
            yield "no item twice"


def _one_of(values: list[Any]) -> str:
    shown = ", ".join(_value(value) for value in values[:_MOST_VALUES])
    return f"one of {shown}" + (f" and {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else "")


_BOUNDS: Final = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " members"),
)


def _bounds(schema: Schema) -> Iterator[str]:
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


def _grants(contract: Contract) -> str:
    if not contract.grants:
        return "Nobody yet."
    rows = [
        (
            grant.participant,
            markdown(grant.purpose) or _NOTHING,
            markdown(grant.legal_basis) or _NOTHING,
            str(grant.until or "no end"),
            ", ".join(map(markdown_code, grant.fields)) if grant.fields else "everything",
            _masks(grant),
            "; ".join(_condition(row) for row in grant.rows) or "all",
        )
        for grant in contract.grants
    ]
    return _table(("consumer", "purpose", "legal basis", "until", "fields", "masked", "rows"), rows)


def _masks(grant: Grant) -> str:
    return ", ".join(f"{markdown_code(pointer)}: {mask.value}" for pointer, mask in grant.mask.items()) or _NOTHING


_SAYS: Final = {"exact": "is", "prefix": "begins with", "suffix": "ends with"}


def _condition(expression: Any) -> str:
    """A row filter in words."""
    ((dialect, operand),) = expression.items()
    if dialect == "not":
        return f"not ({_condition(operand)})"
    if dialect in ("all", "any"):
        parts = [f"({part})" if " or " in part or " and " in part else part for part in map(_condition, operand)]
        return (" and " if dialect == "all" else " or ").join(parts)
    return " and ".join(f"{markdown_code(name)} {_SAYS[dialect]} {_value(text)}" for name, text in operand.items())


def _examples(contract: Contract) -> Iterator[str]:
    if contract.examples:
        yield "## Examples"
    yield from (_block("json", _pretty(one)) for one in contract.examples)


def _ways(contract: Contract) -> Iterator[str]:
    """How to send and get the data, with curl."""
    if contract.kind is Kind.QUERY:
        yield "## How to ask"
        yield "With a token of the scope `queries.call`; the answer is what your grant shows."
        question = contract.examples[0]["request"] if contract.examples else {}
        yield _curl(f"/v1/queries/{contract.name}", "application/json", question)
        return
    yield "## How to publish"
    yield "With a token of the scope `events.publish`; 202 says that it is safely kept."
    event = {"specversion": "1.0", "id": "2026-0001", "source": f"/{min(contract.producers)}", "type": contract.name}
    yield _curl("/v1/events", "application/cloudevents+json", event | {"data": next(iter(contract.examples), {})})
    yield "## How to receive"
    yield (
        "With a token of the scope `events.read` you follow the feed: each answer has a `next`, which you give as `after`. "
        "Or have events sent to you: POST `/v1/subscriptions` with a sink."
    )
    yield _curl(f"/v1/feeds/{contract.name}?wait=30")
    if contract.kind is Kind.RECORD:
        yield "The newest state of everything, and one record by its key:"
        yield _curl(f"/v1/records/{contract.name}")
        yield _curl(f"/v1/records/{contract.name}/{_example_key(contract)}")


def _example_key(contract: Contract) -> str:
    """A key as a step of a path: percent-encoded, nothing in it means anything to a shell."""
    found = json.at(contract.examples[0], contract.key or "") if contract.examples else None
    return "KEY" if found is None else quote(str(found), safe="")


def _curl(path: str, media_type: str | None = None, body: Any = None) -> str:
    command = f'curl -H "Authorization: Bearer $TOKEN" "$BUS{path}"'
    if media_type is None:
        return _block("sh", command)
    text = _pretty(body)
    return _block("sh", f"{command} -H 'Content-Type: {media_type}' --data-binary @- <<'END'\n{text}\nEND")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _block(language: str, text: str) -> str:
    """A fenced block whose fence does not stand in the text."""
    text = visible_lines(text)
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def _value(value: Any) -> str:
    return markdown_code(value if isinstance(value, str) else json.dumps(value).decode())


def _pretty(value: Any) -> str:
    """Indented JSON that stays valid where it holds characters that are not seen."""
    return visible_json(json.pretty(value).encode()).decode()
