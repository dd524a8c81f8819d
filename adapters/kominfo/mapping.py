"""Translates between the contracts' data and the form of the APIs behind SPLP.

Sources: for the list API, public client code of regencies (`api_status`, flattened column names, values as strings). For
the catalogue, the service standard of SPBE's national catalogue (Perpres 95/2018), as far as it is public.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from bus.kit import Row, read_rows, round_decimal

KODE_PEMDA = "35.24"
"""Kemendagri's code of Kabupaten Lamongan. The national catalogue knows a service's government by this code."""

_INDICATOR: Mapping[str, str] = {
    "nama_indikator": "kode_indikator_nama_indikator",
    "opd": "opds_nama_opd",
    "satuan": "satuan",
    "variabel": "variabel",
}
_SERVICE: Mapping[str, str] = {
    "kode_layanan": "kode_layanan",
    "nama": "nama_layanan",
    "opd": "instansi",
    "deskripsi": "deskripsi",
    "sasaran": "sasaran",
    "persyaratan": "persyaratan",
    "dasar_hukum": "dasar_hukum",
    "diperbarui": "tanggal_pembaruan",
}
_CHANNEL: Mapping[str, str] = {"jenis": "jenis", "url": "alamat", "keterangan": "keterangan"}
_OF_SERVICE = ("biaya", "waktu_hari", "kanal", "kontak", "status")
SERVICE_FIELDS = tuple(f"/{name}" for name in (*_SERVICE, *_OF_SERVICE))
"""The fields that `write_service` reads."""
INDICATOR_FIELDS = tuple(f"/{name}" for name in ("id_indikator", *_INDICATOR, "tahun", "nilai"))
"""The fields that `read_indicators` writes."""

_PLACES = 10
"""Digits after the point of an indicator's value."""
_NUMBER = re.compile(r"-?\d{1,15}([.,]\d{1,64})?")


def has_succeeded(answer: Mapping[str, Any]) -> bool:
    """Whether a folded answer reports success. `api_status`, a number or a string, decides, whatever the HTTP status."""
    return str(answer.get("api_status", "")).strip() == "1"


def has_failed(answer: Mapping[str, Any]) -> bool:
    """Whether a folded answer reports a failure. An answer without `api_status` reports neither."""
    return str(answer.get("api_status", "")).strip() == "0"


def read_indicators(entries: Iterable[Any]) -> list[Row]:
    """Folded entries as rows with records of `satudata.indikator`.

    Empty values are absent. An unreadable value stays as it is, so that the gate names it.
    """
    return read_rows(entries, _read_indicator, _find_id)


def _find_id(entry: Mapping[str, Any]) -> str | None:
    value = _read_text(entry.get("id"))
    # Text, also if the id is a number that JSON does not hold: the gate refuses that row alone.
    return str(value) if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool) else None


def _read_indicator(entry: Mapping[str, Any]) -> Row:
    values = {
        "id_indikator": _read_text(entry.get("id")),
        **{ours: _read_text(entry.get(theirs)) for ours, theirs in _INDICATOR.items()},
        "tahun": _read_number(entry.get("tahun")),
        "nilai": _read_number(entry.get("nilai")),
    }
    return Row(_find_id(entry), _drop_absent(values))


def _read_text(value: Any) -> Any:
    """A text without padding; None if it is empty or `-`. Another type of value is returned as it is."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value).strip()
        return None if text in ("", "-") else text
    return value


def _read_number(value: Any) -> Any:
    """A number, also from a string with trailing blanks or a decimal comma, or one that is too precise.

    Another value as `_read_text` returns it.
    """
    value = round_decimal(value, _PLACES)
    text = str(value).strip()
    if not _NUMBER.fullmatch(text):
        return _read_text(value)
    plain = text.replace(",", ".")
    return float(plain) if "." in plain else int(plain)


def write_service(data: Mapping[str, Any]) -> dict[str, Any]:
    """A service of `layanan.katalog` in the catalogue's form: numbers as strings, the state in capitals."""
    contact = data.get("kontak", {})
    entry = {
        "kode_pemda": KODE_PEMDA,
        **{theirs: data.get(ours) for ours, theirs in _SERVICE.items()},
        "biaya": _write_number(data.get("biaya")),
        "waktu_penyelesaian": _write_number(data.get("waktu_hari")),
        "kanal": [
            _drop_absent({theirs: channel.get(ours) for ours, theirs in _CHANNEL.items()}) for channel in data["kanal"]
        ],
        "surel": contact.get("surel"),
        "telepon": contact.get("telepon"),
        "status": data["status"].upper(),
    }
    return _drop_absent(entry)


def _write_number(number: int | None) -> str | None:
    return None if number is None else str(number)


def _drop_absent(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
