"""Between the contracts' data and what the APIs behind SPLP write.

Source: public client code of regencies for the list API (`api_status`, flattened column names, every value a string). The
catalogue's form follows the service standard of SPBE's national catalogue (Perpres 95/2018) as far as it is public.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bus.kit import digest, rounded

KODE_PEMDA = "35.24"
"""Kemendagri's code of Kabupaten Lamongan, by which the national catalogue knows who offers a service."""

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
"""What `service` reads."""
INDICATOR_FIELDS = tuple(f"/{name}" for name in ("id_indikator", *_INDICATOR, "tahun", "nilai"))
"""What `indicators` writes."""

_PLACES = 10
"""Digits after the point of an indicator's value."""
_NUMBER = re.compile(r"-?\d{1,15}([.,]\d{1,10})?")


def succeeded(answer: Mapping[str, Any]) -> bool:
    """Whether a folded answer says so: `api_status` decides, a number or a string, whatever the HTTP status was."""
    return str(answer.get("api_status", "")).strip() == "1"


def indicators(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Folded rows as records of `satudata.indikator`, by their key.

    What is empty is left out; what cannot be read stays, for the gate to name it. A row without an id is known by its
    content.
    """
    records = map(_indicator, rows)
    # Text, also where the list has a number that JSON does not hold: the gate refuses that row alone.
    return {str(record.get("id_indikator") or digest(record)): record for record in records}


def _indicator(row: Mapping[str, Any]) -> dict[str, Any]:
    values = {
        "id_indikator": _said(row.get("id")),
        **{ours: _said(row.get(theirs)) for ours, theirs in _INDICATOR.items()},
        "tahun": _number(row.get("tahun")),
        "nilai": _number(row.get("nilai")),
    }
    return _present(values)


def _said(value: Any) -> Any:
    """A text without padding; None where the list says nothing. What is no text or number is left as it is."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value).strip()
        return None if text in ("", "-") else text
    return value


def _number(value: Any) -> Any:
    """A number that comes as a string, with trailing blanks or a decimal comma, or too precise; else the value itself."""
    value = rounded(value, _PLACES)
    text = str(value).strip()
    if not _NUMBER.fullmatch(text):
        return _said(value)
    plain = text.replace(",", ".")
    return float(plain) if "." in plain else int(plain)


def service(data: Mapping[str, Any]) -> dict[str, Any]:
    """A service of `layanan.katalog` in the catalogue's form: money as a string, the state in capitals."""
    contact = data.get("kontak", {})
    entry = {
        "kode_pemda": KODE_PEMDA,
        **{theirs: data.get(ours) for ours, theirs in _SERVICE.items()},
        "biaya": _as_text(data.get("biaya")),
        "waktu_penyelesaian": _as_text(data.get("waktu_hari")),
        "kanal": [
            _present({theirs: channel.get(ours) for ours, theirs in _CHANNEL.items()}) for channel in data["kanal"]
        ],
        "surel": contact.get("surel"),
        "telepon": contact.get("telepon"),
        "status": data["status"].upper(),
    }
    return _present(entry)


def _as_text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
