"""A contract document from a document of the standard. What a contract cannot say is refused, or named."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bus import json
from bus.contracts.document import Classification, Kind, parse_contract
from bus.contracts.odcs.official import check_official
from bus.contracts.odcs.properties import read_properties
from bus.contracts.odcs.terms import (
    DAYS,
    GRANT_TERMS,
    JSON_SCHEMA,
    MAPPED,
    RETENTION,
    TERMS,
    Document,
    read_customs,
)
from bus.contracts.odcs.write import write_odcs
from bus.problem import FieldError, Refused

_NAME: Final = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*")
_FREE: Final = frozenset({"apiVersion", "kind", "status"})
"""Members that a contract document does not need: the status is the register's."""
_WHOLE: Final = frozenset({"value", "examples", "arguments"})
"""Members that hold any JSON value."""
_LABELS: Final = ("name", "property", "role")
_MOST_TOLD: Final = 100


class OdcsSaysMore(Refused):
    """The document says more than a contract of the bus can say; import it with --leave-out (`leave_out=true`), or shorten it."""

    status = 422
    slug = "odcs-says-more"


@dataclass(frozen=True, slots=True)
class OdcsAnswers:
    """What a document from elsewhere does not say. None: the document says it."""

    name: str | None = None
    owner: str | None = None
    classification: Classification | None = None
    subject: str | None = None


def read_odcs(given: Any, answers: OdcsAnswers = OdcsAnswers(), *, leave_out: bool = False) -> Document:
    """The contract document.

    A role becomes a grant only if it names the participant as an export of the bus does: roles elsewhere mean accounts.

    Args:
        given: the document of the standard.
        leave_out: also if the document says more than the contract.

    Raises:
        OdcsInvalid: the standard's own schema refuses it.
        OdcsSaysMore: with a pointer to each thing that would be lost.
        DocumentInvalid: something that a contract needs is missing, or is in a form that contracts do not have.
    """
    check_official(given)
    contract = parse_contract(_read_document(given, answers))
    lost = list(_find_lost(given, write_odcs(contract)))[:_MOST_TOLD]
    if lost and not leave_out:
        errors = [FieldError(pointer, "has no place in a contract of the bus") for pointer in dict.fromkeys(lost)]
        raise OdcsSaysMore("Nothing was written.", errors=errors)
    return contract.document


def _read_document(given: Document, answers: OdcsAnswers) -> Document:
    objects = given.get("schema", [])
    customs = read_customs(given, TERMS)
    owner = answers.owner or _read_owner(given)
    document: Document = {
        "contract": answers.name or _read_name(given, objects),
        "version": given["version"],
        "kind": _read_kind(objects).value,
        "title": given.get("name", given["id"]),
        "owner": owner,
        "producers": [owner],
        **_read_description(given),
        **{word: value for word, value in customs.items() if word not in MAPPED},
        **_read_schemas(objects),
        **_read_delivery(given, customs),
        **_read_grants(given),
    }
    if document["kind"] == Kind.RECORD.value and "key" not in document:
        document["key"] = json.to_pointer((_list_keys(objects)[0],))
    if answers.classification:
        document["classification"] = answers.classification.value
    if answers.subject:
        document["subject"] = answers.subject
    return {word: value for word, value in document.items() if value is not None}


def _read_name(given: Document, objects: Sequence[Document]) -> str:
    if _NAME.fullmatch(given["id"]):
        return str(given["id"])
    noun = objects[0]["name"] if objects else given.get("name", given["id"])
    return f"{_make_word(given.get('domain', ''))}.{_make_word(str(noun))}"


def _make_word(text: str) -> str:
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")


def _read_owner(given: Document) -> str | None:
    team = given.get("team")
    return _make_word(team["name"]) if isinstance(team, dict) and "name" in team else None


def _read_kind(objects: Sequence[Document]) -> Kind:
    types = [one.get("physicalType") for one in objects]
    if types == ["request", "answer"]:
        return Kind.QUERY
    if types in (["event"], ["record"]):
        return Kind(types[0])
    return Kind.RECORD if _list_keys(objects) else Kind.EVENT


def _list_keys(objects: Sequence[Document]) -> list[str]:
    return [one["name"] for told in objects[:1] for one in told.get("properties", ()) if one.get("primaryKey")]


def _read_description(given: Document) -> Document:
    purpose = given.get("description", {}).get("purpose")
    return {"description": purpose} if purpose else {}


def _read_schemas(objects: Sequence[Document]) -> Document:
    parts = ["request", "answer"] if _read_kind(objects) is Kind.QUERY else ["schema"]
    return {part: _read_schema(told) for part, told in zip(parts, objects, strict=False)}


def _read_schema(told: Document) -> Any:
    customs = {one["property"]: one["value"] for one in told.get("customProperties", ())}
    if JSON_SCHEMA in customs:
        return customs[JSON_SCHEMA]
    words = (("title", "businessName"), ("description", "description"))
    return read_properties(told.get("properties", [])) | {word: told[name] for word, name in words if name in told}


def _read_delivery(given: Document, customs: Document) -> Document:
    delivery = dict(customs["delivery"]) if isinstance(customs.get("delivery"), dict) else {}
    for sla in given.get("slaProperties", ()):
        if sla["property"] == RETENTION and sla.get("unit") == DAYS and type(sla["value"]) is int:
            delivery["retention_days"] = sla["value"]
    return {"delivery": delivery} if delivery or "delivery" in customs else {}


def _read_grants(given: Document) -> Document:
    grants = [read_customs(role, GRANT_TERMS) for role in given.get("roles", ())]
    told = [grant for grant in grants if "participant" in grant]
    return {"consumers": told} if told or given.get("roles") == [] else {}


def _find_lost(given: Document, written: Document) -> Iterator[str]:
    """Pointers to what the document says and its contract does not."""
    yield from _find_missing({word: value for word, value in given.items() if word not in _FREE}, written, "")
    for index, (told, made) in enumerate(zip(given.get("schema", ()), written["schema"], strict=False)):
        if any(one["property"] == JSON_SCHEMA for one in told.get("customProperties", ())):
            # The schema counts. A property that was taken out beside it would come back.
            missing = _find_missing({"properties": made.get("properties", [])}, told, f"/schema/{index}")
            yield from missing


def _find_missing(given: Any, written: Any, pointer: str) -> Iterator[str]:
    if isinstance(given, dict) and isinstance(written, dict):
        for word, value in given.items():
            at = pointer + json.to_pointer((word,))
            if word in _WHOLE:
                yield from () if value == written.get(word) else (at,)
            elif not _is_empty(value):
                yield from _find_missing(value, written.get(word), at)
    elif isinstance(given, list) and isinstance(written, list):
        for index, value in enumerate(given):
            yield from _find_missing(
                value, _find_partner(value, index, written, is_alone=len(given) == 1), f"{pointer}/{index}"
            )
    elif given != written:
        yield pointer


def _is_empty(value: Any) -> bool:
    """Whether a value says what an absent member says in the standard."""
    return value is None or value is False or (isinstance(value, str | list | dict) and not value)


def _find_partner(value: Any, index: int, others: list[Any], *, is_alone: bool) -> Any:
    """The item that says the same thing: by its name, else by its place."""
    label = next((word for word in _LABELS if isinstance(value, dict) and word in value), None)
    named = [one for one in others if label and isinstance(one, dict) and one.get(label) == value[label]]
    if named or (label and not (is_alone and len(others) == 1)):
        return named[0] if named else None
    return others[index] if index < len(others) else None
