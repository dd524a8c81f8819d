"""The standard's own JSON Schema, unchanged; `standard/manifest.json` has its version, origin and digest."""

from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from bus import json
from bus.problem import FieldError, Refused, Unavailable

STANDARD: Final = Path(__file__).parent / "standard"
API_VERSION: Final = "v3.1.0"
_SCHEMA: Final = STANDARD / "odcs-v3.1.0.schema.json"
_MOST_ERRORS: Final = 50


class OdcsInvalid(Refused):
    """This is not a document of the Open Data Contract Standard 3.1."""

    status = 422
    slug = "odcs-invalid"


def check_official(document: Any) -> None:
    """Refuse a document that the standard's schema refuses.

    Raises:
        OdcsInvalid: with a pointer for each thing that is wrong.
    """
    found = islice(_make_validator().iter_errors(document), _MOST_ERRORS)
    if errors := [FieldError(json.to_pointer(error.instance_path), _describe(error)) for error in found]:
        raise OdcsInvalid("The document does not fit the schema of the Open Data Contract Standard 3.1.", errors=errors)


def _describe(error: jsonschema_rs.ValidationError) -> str:
    kind: Any = error.kind
    match kind.name:
        case "required":
            return f"lacks the property {kind.property}"
        case "additionalProperties" | "unevaluatedProperties":
            return f"has properties that the standard does not know: {', '.join(kind.unexpected)}"
        case "type":
            return "has a value of another type than the standard asks for"
        case "enum":
            return "has a value that the standard does not list"
        case name:
            return f"breaks the rule `{name}` of the standard's schema"


@cache
def _make_validator() -> jsonschema_rs.Draft201909Validator:
    try:
        schema = json.loads(_SCHEMA.read_bytes())
    except OSError as error:
        raise Unavailable(f"The installation lacks {_SCHEMA.name}; install the bus again.") from error
    return jsonschema_rs.Draft201909Validator(schema, validate_formats=False, offline=True)
