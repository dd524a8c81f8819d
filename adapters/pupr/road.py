"""Reads features of SIGI's layer of national roads as records of `infrastruktur.jalan-nasional`; pure functions.

Source: public clients of SIGI; RFC 7946 for geometries. Field names and words vary by year of the layer.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bus.kit import Row, Rows, read_number, read_rows, round_decimal

CONTRACT: Final = "infrastruktur.jalan-nasional"
SOURCE: Final = "/pupr/sigi/jalan-nasional"

_NUMBER: Final = ("no_ruas", "nomor_ruas", "link_id")
_TEXTS: Final[Mapping[str, Sequence[str]]] = {"nama_ruas": ("nama_ruas", "nm_ruas", "link_name")}
_FIGURES: Final[Mapping[str, Sequence[str]]] = {
    "panjang_km": ("panjang_km", "panjang", "pjg_km"),
    "lebar_m": ("lebar_m", "lebar"),
    "iri": ("iri", "nilai_iri"),
    "tahun_survei": ("tahun_survei", "tahun", "thn_survei"),
}
"""The contract's property to the layer's names for it, folded. The newest name is the first."""
_CONDITION: Final = ("kondisi", "kls_kondisi")
_SURFACE: Final = ("perkerasan", "permukaan", "jenis_permukaan")
_SHORT_CONDITIONS: Final[Mapping[str, str]] = {"b": "baik", "s": "sedang", "rr": "rusak ringan", "rb": "rusak berat"}
_SURFACES: Final = ("aspal", "beton", "paving", "kerikil", "tanah")
_PLACES: Final = 7
"""Digits after the point of a coordinate in degrees; the seventh is a centimetre on the ground."""

ROAD_FIELDS: Final = tuple(
    f"/{name}" for name in ("nomor_ruas", *_TEXTS, *_FIGURES, "kondisi", "jenis_permukaan", "geometri")
)
"""The fields that `read_road` writes."""

_Feature = Mapping[str, Any]


def read_roads(features: Sequence[Any]) -> Rows:
    """All roads of the layer, from its folded features."""
    return Rows(SOURCE, read_rows(features, _read_row, _find_key), is_whole=True)


def _read_row(feature: dict[str, Any]) -> Row:
    data = read_road(feature)
    return Row(data.get("nomor_ruas"), data)


def _find_key(feature: dict[str, Any]) -> str:
    return _read_text(_find_first(feature["properties"], _NUMBER))


def read_road(feature: _Feature) -> dict[str, Any]:
    """A folded feature as a record of the contract.

    Empty values are absent. An unreadable value stays as it is, so that the gate names it.
    """
    properties = feature["properties"]
    values: dict[str, Any] = {
        "nomor_ruas": _read_text(_find_first(properties, _NUMBER)),
        **{ours: _read_text(_find_first(properties, theirs)) for ours, theirs in _TEXTS.items()},
        **{ours: read_number(_find_first(properties, theirs)) for ours, theirs in _FIGURES.items()},
        "kondisi": read_condition(_read_text(_find_first(properties, _CONDITION))),
        "jenis_permukaan": read_surface(_read_text(_find_first(properties, _SURFACE))),
        "geometri": read_lines(feature.get("geometry")),
    }
    return {name: value for name, value in values.items() if value not in (None, "", "-")}


def read_condition(words: str) -> str:
    """The contract's word for a condition, from `RUSAK_RINGAN`, `Rusak Ringan` or `RR`. Another text is returned as it is."""
    folded = " ".join(words.casefold().replace("_", " ").split())
    if folded in _SHORT_CONDITIONS:
        return _SHORT_CONDITIONS[folded]
    return folded if folded in _SHORT_CONDITIONS.values() else words


def read_surface(words: str) -> str:
    """The contract's word for a surface, from texts such as `Aspal/Hotmix`. Another text is returned as it is."""
    folded = words.casefold()
    return next((ours for ours in _SURFACES if ours in folded), words)


def read_lines(geometry: Any) -> Any:
    """A GeoJSON line as a MultiLineString, rounded to a centimetre. Another geometry is returned as it is."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("LineString", "MultiLineString"):
        return geometry
    lines = geometry["coordinates"] if kind == "MultiLineString" else [geometry["coordinates"]]
    return {"type": "MultiLineString", "coordinates": [[_round(place) for place in line] for line in lines]}


def _round(place: Sequence[Any]) -> list[Any]:
    return [_round_degrees(one) for one in place]


def _round_degrees(value: Any) -> Any:
    exact = round_decimal(value, _PLACES)
    return round(exact, _PLACES) if isinstance(exact, float) else exact


def _find_first(properties: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((properties[name] for name in names if properties.get(name) not in (None, "", "-")), None)


def _read_text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
