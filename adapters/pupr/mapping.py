"""Translates between the contract `infrastruktur.ruas-jalan` and an ArcGIS feature layer; pure functions.

Sources: ArcGIS REST API, Feature Service (query, applyEdits, error codes); the classes of the road condition survey.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from adapters.pupr.codes import OBJECT_MISSING, classify_code, describe_code, read_code
from bus.kit import DELIVERED, AgencyFault, Failure, Outcome, dump_canonical, read_success

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
"""The contract's property to the layer's field. On both sides length is in km, width in m, IRI in m/km."""

SEGMENT_FIELDS = tuple(f"/{name}" for name in (*FIELDS, "kode_wilayah", "geometri"))
"""The fields that `write_feature` reads."""

DISTRICTS_FIELD = "KODE_KECAMATAN"
"""The layer's field for the codes of the segment's kecamatan, separated by commas, since a field holds no list."""

_OBJECT_ID = re.compile(r"\d{1,18}", re.ASCII)

WGS84 = {"wkid": 4326}


class Kind(Enum):
    """What an edit does to a feature. The value is the field in the form of applyEdits."""

    ADD = "adds"
    UPDATE = "updates"
    DELETE = "deletes"

    @property
    def results(self) -> str:
        """The key of the edits' results in a folded answer."""
        return f"{self.value.removesuffix('s')}results"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one feature.

    Attributes:
        number: the segment number.
        kind: what the edit does.
        value: a feature; for a deletion its object id.
    """

    number: str
    kind: Kind
    value: Mapping[str, Any] | int


@dataclass(frozen=True, slots=True)
class Existing:
    """Features of a layer.

    Attributes:
        id_field: the layer's field for the object id; installations differ.
        ids: segment number to object ids. A number has several if the answer to an earlier add was lost.
    """

    id_field: str = "OBJECTID"
    ids: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def join(self, other: "Existing") -> "Existing":
        """The features of both; `other` is a later page of the same layer."""
        numbers = {**self.ids, **other.ids}
        return Existing(other.id_field, {one: [*self.ids.get(one, ()), *other.ids.get(one, ())] for one in numbers})


@dataclass(frozen=True, slots=True)
class ExistingPage:
    """One page of a query's answer.

    Attributes:
        existing: the page's features of the wanted segment numbers.
        rows: the number of all features on the page.
        more: whether the layer says that there are more pages.
    """

    existing: Existing
    rows: int
    more: bool


def write_query(numbers: Iterable[str], offset: int = 0) -> dict[str, str]:
    """The form of a query for the features of these segment numbers.

    Args:
        numbers: segment numbers.
        offset: the number of features to skip.
    """
    literals = ", ".join(f"'{number.replace(chr(39), chr(39) * 2)}'" for number in numbers)
    return {
        "where": f"{NUMBER_FIELD} IN ({literals})",
        "outFields": "*",
        "returnGeometry": "false",
        "resultOffset": str(offset),
    }


def read_page(answer: Mapping[str, Any], numbers: Iterable[str]) -> ExistingPage:
    """A folded page, with the features of these segment numbers.

    Raises:
        AgencyFault: transient; the page's features are no list of objects.
    """
    features, name = answer.get("features"), answer.get("objectidfieldname")
    if not isinstance(features, list) or not all(isinstance(item, dict) for item in features):
        raise AgencyFault(Failure.TRANSIENT, "PUPR answered features that are no list of objects", status=200)
    found = read_existing(name if isinstance(name, str) else None, features)
    ours = {number: found.ids[number] for number in numbers if number in found.ids}
    return ExistingPage(Existing(found.id_field, ours), len(features), bool(answer.get("exceededtransferlimit")))


def read_existing(id_field: str | None, features: Iterable[Mapping[str, Any]]) -> Existing:
    """The features that a query found, without those that have no segment number or no object id.

    Args:
        id_field: the layer's field for the object id; None: the usual field.
        features: folded features.
    """
    name = id_field or Existing().id_field
    ids: dict[str, list[int]] = defaultdict(list)
    for attributes in (item.get("attributes") for item in features):
        if not isinstance(attributes, dict):
            continue
        number, object_id = attributes.get(NUMBER_FIELD.lower()), _read_object_id(attributes.get(name.lower()))
        if number is not None and object_id is not None:
            ids[str(number)].append(object_id)
    return Existing(name, ids)


def _read_object_id(value: Any) -> int | None:
    """An object id, from a number or a text; None if it is unreadable."""
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    return int(text) if _OBJECT_ID.fullmatch(text) else None


def plan_edits(number: str, data: Mapping[str, Any] | None, existing: Existing) -> list[Edit]:
    """The edits after which the layer holds a segment once, or not at all if `data` is None."""
    ids = sorted(existing.ids.get(number, ()))
    if data is None:
        return [Edit(number, Kind.DELETE, object_id) for object_id in ids]
    if not ids:
        return [Edit(number, Kind.ADD, write_feature(data))]
    first, *surplus = ids
    update = Edit(number, Kind.UPDATE, write_feature(data, {existing.id_field: first}))
    return [update, *(Edit(number, Kind.DELETE, object_id) for object_id in surplus)]


def write_feature(data: Mapping[str, Any], identity: Mapping[str, int] | None = None) -> dict[str, Any]:
    """A segment as an ArcGIS feature. An absent property clears its field, since a record replaces the earlier one.

    Args:
        data: the record.
        identity: the object id's field and value, for an update.
    """
    attributes = {name: data.get(ours) for ours, name in FIELDS.items()}
    districts = ",".join(data.get("kode_wilayah") or ()) or None
    drawn: dict[str, Any] = {"attributes": {**(identity or {}), **attributes, DISTRICTS_FIELD: districts}}
    if geometry := data.get("geometri"):
        drawn["geometry"] = write_polyline(geometry)
    return drawn


def write_polyline(line: Mapping[str, Any]) -> dict[str, Any]:
    """A GeoJSON LineString (RFC 7946, WGS 84) as an ArcGIS polyline of one path. The layer has no heights."""
    return {"paths": [[position[:2] for position in line["coordinates"]]], "spatialReference": WGS84}


def write_edits(changes: Sequence[Edit]) -> dict[str, str]:
    """The form of applyEdits: a JSON list for each kind of edit."""
    lists: dict[str, list[Any]] = defaultdict(list)
    for edit in changes:
        lists[edit.kind.value].append(edit.value)
    return {name: dump_canonical(values).decode() for name, values in lists.items()}


def read_outcomes(changes: Sequence[Edit], answer: Mapping[str, Any]) -> dict[str, Outcome]:
    """Segment number to outcome, from a folded answer to these edits. The answer's lists have the order of the request.

    A number with several edits is delivered if all of them succeeded.
    """
    left = {kind: iter(_read_results(kind, changes, answer)) for kind in Kind}
    found: dict[str, Outcome] = {}
    for edit in changes:
        outcome = read_outcome(edit.kind, next(left[edit.kind], {}))
        if found.get(edit.number, DELIVERED).failure is None:
            found[edit.number] = outcome
    return found


def _read_results(kind: Kind, changes: Sequence[Edit], answer: Mapping[str, Any]) -> list[Any]:
    """The results of the edits of one kind. None if their number differs: nobody could tell whose they are."""
    results = answer.get(kind.results)
    wanted = sum(edit.kind is kind for edit in changes)
    return results if isinstance(results, list) and len(results) == wanted else []


def read_outcome(kind: Kind, result: Any) -> Outcome:
    """The outcome of one edit, from its folded result."""
    told = result if isinstance(result, dict) else {}
    if _is_true(told.get("success")):
        return DELIVERED
    code = read_code(told.get("error"))
    if kind is Kind.DELETE and code == OBJECT_MISSING:
        return DELIVERED
    return Outcome(classify_code(code), f"PUPR refused the {kind.name.lower()} of a feature ({describe_code(code)})")


def read_fault(answer: Mapping[str, Any]) -> AgencyFault | None:
    """The fault in a folded answer of HTTP 200; None if it is none. ArcGIS reports a request's error in the body.

    The fault does not hold ArcGIS's message, which can repeat the request.
    """
    if read_success(answer) is not False and "error" not in answer:
        return None
    # ArcGIS Server's own errors have a `status`, such as `{"status": "error", "messages": […]}`.
    code = read_code(answer.get("error", answer))
    return AgencyFault(classify_code(code), f"PUPR answered with an error ({describe_code(code)})", status=200)


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
