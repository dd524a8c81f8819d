"""`fields`: the part that a reader wants of what its grant shows. It can only take away."""

from dataclasses import replace
from typing import Annotated, Final

from fastapi import Query

from bus import json
from bus.contracts import find_schemas_at
from bus.http.page import Reading
from bus.problem import FieldError, Invalid

WantedFields = Annotated[
    str,
    Query(
        description="JSON Pointers of the fields that you want, with commas between them; absent: all that your grant shows. "
        "Without the key's field, `subject` is left out too",
        examples=["/nik,/nama"],
    ),
]

_PLACE: Final = "/query/fields"
_MOST: Final = 100


class FieldsInvalid(Invalid):
    """`fields` names something that your grant does not show."""

    slug = "fields-invalid"


def read_wanted(reading: Reading, fields: str) -> Reading:
    """The reading with only the wanted fields. Call it in a thread: it may make views.

    Raises:
        FieldsInvalid: a field is not shown by the caller's grant in any version in force.
    """
    if not fields:
        return reading
    pointers = tuple(dict.fromkeys(fields.split(",")))
    if len(pointers) > _MOST:
        raise _refuse(f"must name at most {_MOST} fields")
    if not all(pointer.startswith("/") for pointer in pointers):
        raise _refuse("must be JSON Pointers, each beginning with a slash, with commas between them")
    schemas = [version.contract.shown for version in reading.rooms.catalogue.in_force(reading.contract)]
    narrowed = replace(reading, only=pointers)
    shown = {one for view in narrowed.views() for one in view.fields_granted}
    for number, pointer in enumerate(pointers):
        path = json.parse_pointer(pointer)
        is_shown = any(one == pointer or one.startswith(f"{pointer}/") for one in shown)
        if not is_shown or not any(find_schemas_at(schema, json.to_pointer(path)) for schema in schemas):
            raise _refuse(f"names in place {number + 1} a field that your grant does not show")
    return narrowed


def _refuse(detail: str) -> FieldsInvalid:
    return FieldsInvalid("See the fields of your grant in the catalogue.", errors=[FieldError(_PLACE, detail)])
