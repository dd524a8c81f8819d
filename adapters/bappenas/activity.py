"""Reads sub-activities that KRISNA holds, in SIPD's form, as records of `perencanaan.kegiatan-krisna`; pure functions.

Source: public clients of SIPD and KRISNA. `mapping.write_activity` is the way back.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from adapters.bappenas.kecamatan import KECAMATAN
from bus.kit import Row, Rows, read_list, read_number, read_rows, read_rupiah

CONTRACT: Final = "perencanaan.kegiatan-krisna"

_CODE: Final = ("kode_sub_giat", "kode_sub_kegiatan")
_NAME: Final = ("nama_sub_giat", "nama_sub_kegiatan")
_OFFICE: Final = ("nama_skpd", "kode_skpd", "nama_sub_skpd")
"""SIPD's column, and the same column of other years."""
_CODES: Final[Mapping[str, str]] = {name.casefold(): code for code, name in KECAMATAN.items()}
_ALL_DISTRICTS: Final = "semua kecamatan"
_REGENCY: Final = "35.24"

ACTIVITY_FIELDS: Final = tuple(
    f"/{name}"
    for name in (
        "nomor",
        "kode_sub_kegiatan",
        "nama_sub_kegiatan",
        "tahun_anggaran",
        "opd",
        "pagu",
        "indikator",
        "lokasi",
        "sumber_dana",
    )
)
"""The fields that `read_activity` writes."""

_Entry = Mapping[str, Any]


def read_activities(entries: Iterable[Any], year: int) -> Rows:
    """All sub-activities of a budget year.

    Args:
        entries: the entries of KRISNA's list, folded.
        year: the budget year.
    """

    def read(entry: dict[str, Any]) -> Row:
        return Row(_make_key(entry, year), read_activity(entry, year))

    rows = read_rows(entries, read, lambda entry: _make_key(entry, year))
    return Rows(f"/bappenas/krisna/kegiatan/{year}", rows, is_whole=True)


def read_activity(entry: _Entry, year: int) -> dict[str, Any]:
    """A folded sub-activity as a record of the contract.

    Empty values are absent. An unreadable value stays as it is, so that the gate names it.
    """
    values: dict[str, Any] = {
        "nomor": _make_key(entry, year),
        "kode_sub_kegiatan": _find_text(entry, *_CODE),
        "nama_sub_kegiatan": _find_text(entry, *_NAME),
        "tahun_anggaran": year,
        "opd": _find_text(entry, *_OFFICE),
        "pagu": read_rupiah(entry.get("pagu")),
        "indikator": [_read_indicator(item) for item in _list(entry.get("sub_keg_indikator"))],
        "lokasi": _read_places(_list(entry.get("lokasi_sub_keg"))),
        "sumber_dana": [_read_fund(item) for item in _list(entry.get("sumber_dana"))],
    }
    return _drop_empty(values)


def _make_key(entry: _Entry, year: int) -> str | None:
    code = _find_text(entry, *_CODE)
    return f"{year}-{code}" if code else None


def _read_indicator(item: _Entry) -> dict[str, Any]:
    return _drop_empty(
        {
            "uraian": _find_text(item, "outputteks"),
            "target": read_number(item.get("targetoutput")),
            "satuan": _find_text(item, "satuanoutput"),
        }
    )


def _read_fund(item: _Entry) -> dict[str, Any]:
    return _drop_empty(
        {
            "kode": _find_text(item, "kode_dana"),
            "nama": _find_text(item, "nama_dana"),
            "jumlah": read_rupiah(item.get("pagu_dana")),
        }
    )


def _read_places(items: Iterable[_Entry]) -> list[str]:
    """The codes of the named kecamatan, each once. A name of no kecamatan of the regency stays as it is."""
    names = [_find_text(item, "camatteks") for item in items]
    return list(dict.fromkeys(_read_place(name) for name in names if name))


def _read_place(name: str) -> str:
    folded = " ".join(name.casefold().removeprefix("kecamatan").removeprefix("kec.").split())
    return _REGENCY if name.casefold() == _ALL_DISTRICTS else _CODES.get(folded, name)


def _list(value: Any) -> list[Any]:
    """The items of a list. SIPD also writes one item without its list."""
    items = read_list(value)
    if items is not None:
        return items
    return [value] if isinstance(value, dict) and value else []


def _find_text(entry: _Entry, *names: str) -> str:
    found = next((entry[name] for name in names if entry.get(name) not in (None, "", "-")), "")
    return str(found).strip()


def _drop_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", "-", [])}
