"""The OpenAPI document made whole: what FastAPI cannot know, and what every operation has in common."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from bus.http.openapi_parts import (
    CLIENT_PROOF,
    CLIENT_SCHEME,
    FILTER_SCHEMA,
    HEADERS,
    JSON,
    LIMITS,
    PROBLEM,
    PROBLEM_SCHEMA,
    REFUSALS,
    TAGS,
    WRONG_FIELD_SCHEMA,
    Part,
    refer,
    refer_headers,
)

OAUTH: Final = "oauth"
"""The security scheme of the endpoints that take an access token."""

_NAMES: Final = {
    "bus__actions__actor__Channel": "ActionChannel",
    "bus__contracts__document__Kind": "ContractKind",
    "bus__disclosures__disclosure__Channel": "DisclosureChannel",
    "bus__identity__participants__Kind": "ParticipantKind",
}
"""Names for schemas whose classes share a name. The framework writes the module into the name."""
_REFERENCE: Final = re.compile(r"#/components/schemas/(.+)")
_RANGE: Final = "4XX"
_ALWAYS: Final = (400, 429, 431, 500, 503)
_WITH_TOKEN: Final = (401, 403)
_WITH_BODY: Final = (413, 415)
_WITH_JSON: Final = (422,)
"""A number in the JSON may be one that the bus would change."""
_WITH_PATH: Final = (404,)
_WITH_FORMS: Final = (406,)
_WRITING: Final = (507,)
_READS: Final = frozenset({"get", "head"})
_DESCRIPTIONS: Final = {"200": "Done", "201": "Made", "202": "Taken", "204": "Done; there is nothing to tell"}
_FRAMEWORK: Final = "Successful Response"


def complete(document: Part, address: str) -> None:
    """Complete a document in place: servers, security, tags, refusals, header fields, and JSON first.

    Args:
        document: as FastAPI and the descriptions of the other routes make it.
        address: where clients reach the bus, without a slash at the end.
    """
    document["servers"] = [{"url": address, "description": "this bus"}]
    document["security"] = [{OAUTH: []}]
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    components = document["components"]
    schemes = components["securitySchemes"]
    # The published schema of OpenAPI 3.1 wants this address absolute.
    schemes[OAUTH]["flows"]["clientCredentials"]["tokenUrl"] = f"{address}/oauth/token"
    schemes[CLIENT_PROOF] = CLIENT_SCHEME
    components["schemas"] |= {"Problem": PROBLEM_SCHEMA, "WrongField": WRONG_FIELD_SCHEMA, "Filter": FILTER_SCHEMA}
    components["headers"] = dict(HEADERS)
    components["responses"] = {refusal.name: refusal.describe() for refusal in REFUSALS.values()}
    for path, method, operation in _list_operations(document):
        _complete_operation(operation, method, has_path="{" in path)
    document["paths"] = dict(sorted(document["paths"].items()))
    for name, new in _NAMES.items():
        # Generators name a type by its title.
        components["schemas"][new] = {**components["schemas"].pop(name), "title": new}
    _rename(document)
    components["schemas"] = dict(sorted(_find_used(document).items()))


def _list_operations(document: Part) -> Iterator[tuple[str, str, Part]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def _complete_operation(operation: Part, method: str, *, has_path: bool) -> None:
    operation.setdefault("security", [])
    takes_token = any(OAUTH in scheme for scheme in operation["security"])
    responses: Part = operation["responses"]
    responses.pop(_RANGE, None)
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _without_null(parameter["schema"])
        if parameter["name"] == "if-match" and "428" in responses:
            parameter["required"] = True
    names = {parameter["name"].lower() for parameter in operation.get("parameters", ())}
    expected = [
        *_ALWAYS,
        *(_WITH_TOKEN if takes_token else ()),
        *(_WITH_BODY if "requestBody" in operation else ()),
        *(_WITH_JSON if "application/json" in operation.get("requestBody", {}).get("content", ()) else ()),
        *(_WITH_PATH if has_path else ()),
        *(_WITH_FORMS if "204" not in responses else ()),
        *(_WRITING if takes_token and method not in _READS else ()),
        *((412,) if "if-match" in names else ()),
    ]
    for status in expected:
        responses.setdefault(str(status), {})
    for status, response in responses.items():
        responses[status] = (
            _complete_refusal(int(status), response)
            if int(status) >= 400
            else _complete_answer(status, response, takes_token=takes_token)
        )
    operation["responses"] = dict(sorted(responses.items()))


def _without_null(schema: Part) -> Part:
    """A parameter's schema: what is not sent is absent, never null."""
    others = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(others) != 1:
        return schema
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "default", "title")}
    return {**kept, **others[0]}


def _complete_refusal(status: int, response: Part) -> Part:
    """The response of a refusal: a reference, unless the operation has words of its own."""
    common = REFUSALS[status]
    # FastAPI describes a status without a description by its phrase.
    if response in ({}, {"description": HTTPStatus(status).phrase}):
        return refer("responses", common.name)
    headers = refer_headers(*common.headers) | response.get("headers", {})
    content = response.get("content", {})
    # FastAPI writes an empty schema where a route names the media type alone.
    own = {media_type: told for media_type, told in content.items() if told and media_type != PROBLEM}
    problem = {PROBLEM: {"schema": refer("schemas", "Problem")}}
    return {"description": common.description, **response, "headers": headers, "content": own | problem}


def _complete_answer(status: str, response: Part, *, takes_token: bool) -> Part:
    if response.get("description", _FRAMEWORK) == _FRAMEWORK:
        response["description"] = _DESCRIPTIONS[status]
    headers = response.get("headers", {}) | (refer_headers(*LIMITS) if takes_token else {})
    if headers:
        response["headers"] = headers
    _put_json_first(response)
    return response


def _put_json_first(holder: Part) -> None:
    """Order media types: generators take the first that they know."""
    if "content" in holder:
        content: Mapping[str, Any] = holder["content"]
        holder["content"] = dict(sorted(content.items(), key=lambda one: _rank(one[0])))


def _rank(media_type: str) -> int:
    return 0 if media_type == JSON else 1 if media_type.endswith("+json") else 2


def _find_used(document: Part) -> Part:
    """The schemas that something refers to. Some models only read requests, and are described by other types."""
    schemas: Part = document["components"]["schemas"]
    used: Part = {}
    found = _list_references({**document, "components": {**document["components"], "schemas": {}}})
    while found := found - used.keys():
        used |= {name: schemas[name] for name in found}
        found = _list_references([schemas[name] for name in found])
    return used


def _list_references(value: Any) -> set[str]:
    """The names of the schemas that a part refers to."""
    if isinstance(value, list):
        return {name for inner in value for name in _list_references(inner)}
    if not isinstance(value, dict):
        return set()
    reference = value.get("$ref")
    match = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    return {name for inner in value.values() for name in _list_references(inner)} | ({match[1]} if match else set())


def _rename(value: Any) -> None:
    """Have every reference use the names of `_NAMES`."""
    if isinstance(value, list):
        for inner in value:
            _rename(inner)
    elif isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and (found := _REFERENCE.fullmatch(reference)):
            value["$ref"] = f"#/components/schemas/{_NAMES.get(found[1], found[1])}"
        for inner in value.values():
            _rename(inner)
