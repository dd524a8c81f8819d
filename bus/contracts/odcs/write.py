"""A contract as a document of the standard."""

from typing import Any

from bus.contracts.document import Contract, Kind, Mask
from bus.contracts.lifecycle import State
from bus.contracts.odcs.official import API_VERSION
from bus.contracts.odcs.properties import write_properties
from bus.contracts.odcs.terms import (
    DAYS,
    GRANT_TERMS,
    JSON_SCHEMA,
    MAPPED,
    MEASURES,
    RETENTION,
    SCHEMAS,
    TERMS,
    VOCABULARY,
    Document,
    make_term,
)


def write_odcs(contract: Contract, state: State = State.DRAFT) -> Document:
    """The document of the standard, whose import is the contract's own document.

    Args:
        state: of the version; the standard calls it the status.
    """
    document = contract.document
    domain, _, noun = contract.name.partition(".")
    parts = [name for name in SCHEMAS if name in document]
    purpose = {"description": {"purpose": document["description"]}} if "description" in document else {}
    roles = {"roles": [_write_role(grant) for grant in document["consumers"]]} if "consumers" in document else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": contract.name,
        "name": contract.title,
        "version": contract.version,
        "status": state.value,
        "domain": domain,
        **purpose,
        "schema": [_write_object(contract, name, noun) for name in parts],
        "team": {"name": contract.owner},
        **roles,
        **_write_retention(document),
        "customProperties": _write_customs(document),
        "authoritativeDefinitions": [{"url": VOCABULARY, "type": "businessDefinition"}],
    }


def _write_object(contract: Contract, part: str, noun: str) -> Document:
    schema = contract.document[part]
    title = {"businessName": schema["title"]} if isinstance(schema.get("title"), str) else {}
    told = {"description": schema["description"]} if isinstance(schema.get("description"), str) else {}
    properties = write_properties(schema, contract.key if part == "schema" else None)
    return {
        "name": noun if part == "schema" else f"{noun}-{part}",
        "physicalType": part if contract.kind is Kind.QUERY else contract.kind.value,
        "logicalType": "object",
        **title,
        **told,
        **({"properties": properties} if properties else {}),
        "customProperties": [{"property": JSON_SCHEMA, "value": schema}],
    }


def _write_role(grant: Document) -> Document:
    return {
        "role": grant["participant"],
        "access": "read",
        **({"description": grant["purpose"]} if "purpose" in grant else {}),
        "customProperties": [
            _write_custom(make_term(member, GRANT_TERMS), value, _explain(member, value))
            for member, value in grant.items()
        ],
    }


def _explain(member: str, value: Any) -> str:
    """What a reader of the standard has to know of a grant's member; empty: nothing."""
    if member == "rows":
        return "The consumer gets the data for which every condition holds."
    if member != "mask":
        return ""
    words = sorted({MEASURES[Mask(mask)] for mask in value.values()})
    return f"Masks, by the pointers of the fields that they hide ({', '.join(words)})."


def _write_retention(document: Document) -> Document:
    days = document.get("delivery", {}).get("retention_days")
    sla = {"property": RETENTION, "value": days, "unit": DAYS}
    return {} if days is None else {"slaProperties": [sla]}


def _write_customs(document: Document) -> list[Document]:
    others = {member: value for member, value in document.items() if member not in MAPPED}
    if "delivery" in document:
        others["delivery"] = {word: value for word, value in document["delivery"].items() if word != "retention_days"}
    return [_write_custom(make_term(member, TERMS), value) for member, value in others.items()]


def _write_custom(term: str, value: Any, told: str = "") -> Document:
    return {"property": term, "value": value} | ({"description": told} if told else {})
