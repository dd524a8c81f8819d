"""Roads between the contract `infrastruktur.ruas-jalan` and an ArcGIS feature layer, both ways, as pure functions.

Sources: ArcGIS REST API, Feature Service: query, applyEdits, feature service error codes; the road condition survey's
classes (baik, sedang, rusak ringan, rusak berat; IRI in m/km).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bus.kit import DELIVERED, AgencyFault, Failure, Outcome, by_status, dump_canonical

NUMBER_FIELD = "NO_RUAS"

FIELDS: Mapping[str, str] = {
    "nomor_ruas": NUMBER_FIELD,
    "nama_ruas": "NAMA_RUAS",
    "status_jalan": "STATUS_JALAN",
    "panjang_km": "PANJANG_KM",
    "lebar_m": "LEBAR_M",
    "jenis_permukaan": "PERMUKAAN",
    "kondisi": "KONDISI",
    "iri": "IRI",
    "tahun_survei": "TAHUN_SURVEI",
}
"""The contract's property, and the layer's field for it. Length in km, width in m, IRI in m/km on both sides."""

SEGMENT_FIELDS = tuple(f"/{name}" for name in (*FIELDS, "kode_wilayah", "geometri"))
"""What `feature` reads."""

DISTRICTS_FIELD = "KODE_KECAMATAN"
"""The codes of the kecamatan that the segment passes through, separated by commas: a field holds no list."""

_OBJECT_ID = re.compile(r"\d{1,18}", re.ASCII)

WGS84 = {"wkid": 4326}


class Kind(Enum):
    """What is done to a feature; the value is the form field of applyEdits, and the name's stem that of its results."""

    ADD = "adds"
    UPDATE = "updates"
    DELETE = "deletes"

    @property
    def results(self) -> str:
        """The key of this kind's results in a folded answer."""
        return f"{self.value.removesuffix('s')}results"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one feature.

    Attributes:
        number: the segment number that it is about.
        value: a feature, or for a deletion its object id.
    """

    number: str
    kind: Kind
    value: Mapping[str, Any] | int


@dataclass(frozen=True, slots=True)
class Existing:
    """The features that a layer has.

    Attributes:
        id_field: the layer's name of the object id, which differs by installation.
        ids: segment number to object ids; more than one when an earlier add was made but its answer lost.
    """

    id_field: str = "OBJECTID"
    ids: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def joined(self, other: "Existing") -> "Existing":
        """The features of both; `other` is of a later page of the same layer."""
        numbers = {**self.ids, **other.ids}
        return Existing(other.id_field, {one: [*self.ids.get(one, ()), *other.ids.get(one, ())] for one in numbers})


@dataclass(frozen=True, slots=True)
class ExistingPage:
    """One page of a query's answer.

    Attributes:
        rows: how many features the page has, whosever they are.
        more: the layer says that there are further pages.
    """

    existing: Existing
    rows: int
    more: bool


def query_form(numbers: Iterable[str], offset: int = 0) -> dict[str, str]:
    """The form of a query for the features of these segment numbers, from the `offset`th on."""
    literals = ", ".join(f"'{number.replace(chr(39), chr(39) * 2)}'" for number in numbers)
    return {
        "where": f"{NUMBER_FIELD} IN ({literals})",
        "outFields": "*",
        "returnGeometry": "false",
        "resultOffset": str(offset),
    }


def existing_page(answer: Mapping[str, Any], numbers: Iterable[str]) -> ExistingPage:
    """What a folded page holds of these segment numbers.

    Raises:
        AgencyFault: transient; its features are no list of objects.
    """
    features, name = answer.get("features") or [], answer.get("objectidfieldname")
    if not isinstance(features, list) or not all(isinstance(item, dict) for item in features):
        raise AgencyFault(Failure.TRANSIENT, "PUPR answered features that are no list of objects", status=200)
    found = existing(name if isinstance(name, str) else None, features)
    ours = {number: found.ids[number] for number in numbers if number in found.ids}
    return ExistingPage(Existing(found.id_field, ours), len(features), bool(answer.get("exceededtransferlimit")))


def existing(id_field: str | None, features: Iterable[Mapping[str, Any]]) -> Existing:
    """What a query found. `features` are folded; a feature without a number or an id is none of ours."""
    name = id_field or Existing().id_field
    ids: dict[str, list[int]] = defaultdict(list)
    for attributes in (item.get("attributes") for item in features):
        if not isinstance(attributes, dict):
            continue
        number, object_id = attributes.get(NUMBER_FIELD.lower()), _object_id(attributes.get(name.lower()))
        if number is not None and object_id is not None:
            ids[str(number)].append(object_id)
    return Existing(name, ids)


def _object_id(value: Any) -> int | None:
    """An object id, which installations write as a number or as a text."""
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    return int(text) if _OBJECT_ID.fullmatch(text) else None


def edits(number: str, data: Mapping[str, Any] | None, there: Existing) -> list[Edit]:
    """What makes the layer hold this segment exactly once (or, for None, not at all), whatever it holds now."""
    ids = sorted(there.ids.get(number, ()))
    if data is None:
        return [Edit(number, Kind.DELETE, object_id) for object_id in ids]
    if not ids:
        return [Edit(number, Kind.ADD, feature(data))]
    first, *surplus = ids
    update = Edit(number, Kind.UPDATE, feature(data, {there.id_field: first}))
    return [update, *(Edit(number, Kind.DELETE, object_id) for object_id in surplus)]


def feature(data: Mapping[str, Any], identity: Mapping[str, int] | None = None) -> dict[str, Any]:
    """A segment as an ArcGIS feature; a property that is absent clears the field, since a record replaces the last one."""
    attributes = {name: data.get(ours) for ours, name in FIELDS.items()}
    districts = ",".join(data.get("kode_wilayah") or ()) or None
    drawn: dict[str, Any] = {"attributes": {**(identity or {}), **attributes, DISTRICTS_FIELD: districts}}
    if geometry := data.get("geometri"):
        drawn["geometry"] = polyline(geometry)
    return drawn


def polyline(line: Mapping[str, Any]) -> dict[str, Any]:
    """A GeoJSON LineString (RFC 7946, WGS 84) as an ArcGIS polyline: one path, without heights, which the layer lacks."""
    return {"paths": [[position[:2] for position in line["coordinates"]]], "spatialReference": WGS84}


def form(changes: Sequence[Edit]) -> dict[str, str]:
    """The edits as applyEdits takes them: a JSON list for each kind that there is."""
    lists: dict[str, list[Any]] = defaultdict(list)
    for edit in changes:
        lists[edit.kind.value].append(edit.value)
    return {name: dump_canonical(values).decode() for name, values in lists.items()}


def outcomes(changes: Sequence[Edit], answer: Mapping[str, Any]) -> dict[str, Outcome]:
    """The outcome of each segment number from a folded answer, whose lists are in the order of what was sent.

    A number with several edits has arrived when all of them have.
    """
    left = {kind: iter(_list(answer.get(kind.results))) for kind in Kind}
    found: dict[str, Outcome] = {}
    for edit in changes:
        outcome = edit_outcome(edit.kind, next(left[edit.kind], {}))
        if found.get(edit.number, DELIVERED).failure is None:
            found[edit.number] = outcome
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_CONTENT_ERRORS = frozenset({1001, 1002, 1004, 1005, 1006, 1014, 1015, 1016, 1022, 1023})
"""Error codes that say that this feature itself is unfit (a field that may not be null, a geometry that cannot be set)."""
_OBJECT_MISSING = 1011


def edit_outcome(kind: Kind, result: Any) -> Outcome:
    """What one edit's folded result means.

    Only codes that blame the content are permanent; all else (rolled back along with another, an internal error) is tried again.
    """
    told = result if isinstance(result, dict) else {}
    if _is_true(told.get("success")):
        return DELIVERED
    code = _code(told.get("error"))
    if kind is Kind.DELETE and code == _OBJECT_MISSING:
        return DELIVERED
    failure = Failure.PERMANENT if code in _CONTENT_ERRORS else Failure.TRANSIENT
    return Outcome(failure, f"PUPR refused the {kind.name.lower()} of a feature (ArcGIS error {code})")


_CODE_DIGITS = 6
"""Of an error code. Python reads no integer of some thousand digits."""
_TOKEN_ERRORS = frozenset({498, 499})
"""Invalid or expired token; token required."""


def body_fault(answer: Mapping[str, Any]) -> AgencyFault | None:
    """The fault that a folded answer of HTTP 200 is, or None: ArcGIS reports errors of a whole request in the body.

    Its message is left out: it can repeat the request.
    """
    if "error" not in answer:
        return None
    code = _code(answer["error"])
    if code in _TOKEN_ERRORS:
        return AgencyFault(Failure.SINK_DOWN, f"PUPR refuses the token (ArcGIS error {code})", status=200)
    failure, what = by_status(code) if 400 <= code < 600 else (Failure.TRANSIENT, "answered with an error")
    return AgencyFault(failure, f"PUPR {what} (ArcGIS error {code})", status=200)


def _code(error: Any) -> int:
    """ArcGIS's error code, which documentation shows as a number and as a string; 0 when there is none."""
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    return int(code) if code.isdecimal() and len(code) <= _CODE_DIGITS else 0


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
