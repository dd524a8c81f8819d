"""Where each member of a contract document stands in the standard, and under which term what the standard lacks."""

from typing import Any, Final

from bus.contracts.document import Mask

Document = dict[str, Any]

VOCABULARY: Final = "https://w3id.org/dpv"
SCHEMAS: Final = ("schema", "request", "answer")
JSON_SCHEMA: Final = "bus:jsonSchema"
RETENTION: Final = "retention"
DAYS: Final = "d"

MAPPED: Final = frozenset(
    {"contract", "version", "title", "description", "owner", "kind", *SCHEMAS, "consumers", "delivery"}
)
"""Members that have a place in the standard. All others are custom properties."""
TERMS: Final = {
    "classification": "dpv:hasSensitivityLevel",
    "subject": "dpv:hasDataSubject",
    "producers": "dpv:hasDataSource",
}
"""The vocabulary's terms for members of a document."""
GRANT_TERMS: Final = {
    "participant": "dpv:hasRecipient",
    "purpose": "dpv:hasPurpose",
    "legal_basis": "dpv:hasLegalBasis",
    "until": "dpv:hasDuration",
    "fields": "dpv:hasData",
    "mask": "dpv:hasTechnicalMeasure",
}
"""The vocabulary's terms for members of a grant."""
MEASURES: Final = {
    Mask.REDACT: "dpv:DataRedaction",
    Mask.LAST4: "dpv:Deidentification",
    Mask.YEAR: "dpv:Deidentification",
    Mask.PSEUDONYM: "dpv:Pseudonymisation",
}
"""What a mask is in the vocabulary."""


def make_term(member: str, terms: dict[str, str]) -> str:
    """The custom property for a document's member."""
    return terms.get(member, f"bus:{member}")


def read_customs(holder: Document, terms: dict[str, str]) -> Document:
    """The document's members among the custom properties of an object."""
    members = {term: member for member, term in terms.items()}
    found: Document = {}
    for one in holder.get("customProperties", ()):
        term = one["property"]
        if term in members:
            found[members[term]] = one["value"]
        elif term.startswith("bus:"):
            found[term.removeprefix("bus:")] = one["value"]
    return found
