"""Wishes: the fields and records that a reader wants of what its grant shows. They can only take away."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Final

from fastapi import Query

from bus.contracts import Wanted, WantedRows, find_schemas_at
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

ExactRows = Annotated[
    list[str],
    Query(
        max_length=10,
        description="`{pointer}={value}`: only records with this value in a field that the contract names in `filterable` and "
        "that you see unmasked; several must all hold",
        examples=[["/kode_wilayah=35.24.01.2001"]],
    ),
]
PrefixRows = Annotated[
    list[str],
    Query(
        max_length=10,
        description="`{pointer}={beginning}`: as `exact`, but the value begins so",
        examples=[["/kode_wilayah=35.24.01"]],
    ),
]

_FIELDS: Final = "/query/fields"
_MOST: Final = 100


class FieldsInvalid(Invalid):
    """`fields` names something that your grant does not show."""

    slug = "fields-invalid"


class RowsInvalid(Invalid):
    """`exact` or `prefix` names a field by which you may not choose records."""

    slug = "rows-invalid"


def read_wanted(reading: Reading, fields: str, exact: Sequence[str] = (), prefix: Sequence[str] = ()) -> Reading:
    """The reading of what the caller wants. Call it in a thread: it may make views.

    Raises:
        FieldsInvalid, RowsInvalid: the caller's grant does not show a field in any version in force.
    """
    rows = [*_read_rows("exact", exact), *_read_rows("prefix", prefix)]
    if not fields and not rows:
        return reading
    views = reading.views()
    for index, (parameter, one) in enumerate(rows):
        if not any(view.filters_by(one.pointer) for view in views):
            raise _refuse_rows(
                parameter, index, "names a field by which the contract or your grant lets you choose none"
            )
    pointers = _read_fields(fields) if fields else None
    wanted = replace(reading, wanted=Wanted(pointers, tuple(one for _, one in rows)))
    if pointers is not None:
        _check_fields(wanted, pointers)
    return wanted


def _read_rows(dialect: str, texts: Sequence[str]) -> Iterator[tuple[str, WantedRows]]:
    for index, text in enumerate(texts):
        pointer, sign, value = text.partition("=")
        if not sign or not pointer.startswith("/"):
            raise _refuse_rows(dialect, index, "must be a JSON Pointer, the sign = and a value")
        yield dialect, WantedRows(dialect, pointer, value)


def _read_fields(fields: str) -> tuple[str, ...]:
    pointers = tuple(dict.fromkeys(fields.split(",")))
    if len(pointers) > _MOST:
        raise _refuse_fields(f"must name at most {_MOST} fields")
    if not all(pointer.startswith("/") for pointer in pointers):
        raise _refuse_fields("must be JSON Pointers, each beginning with a slash, with commas between them")
    return pointers


def _check_fields(reading: Reading, pointers: Sequence[str]) -> None:
    schemas = [version.contract.shown for version in reading.rooms.catalogue.in_force(reading.contract)]
    shown = {one for view in reading.views() for one in view.fields_granted}
    for number, pointer in enumerate(pointers):
        is_shown = any(one == pointer or one.startswith(f"{pointer}/") for one in shown)
        if not is_shown or not any(find_schemas_at(schema, pointer) for schema in schemas):
            raise _refuse_fields(f"names in place {number + 1} a field that your grant does not show")


def _refuse_fields(detail: str) -> FieldsInvalid:
    return FieldsInvalid("See the fields of your grant in the catalogue.", errors=[FieldError(_FIELDS, detail)])


def _refuse_rows(parameter: str, index: int, detail: str) -> RowsInvalid:
    at = FieldError(f"/query/{parameter}/{index}", detail)
    return RowsInvalid("See `filterable` of the contract, and the fields of your grant.", errors=[at])
