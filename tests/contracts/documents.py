"""Contract documents with good defaults, and the shipped ones."""

from functools import cache
from pathlib import Path
from typing import Any

from bus.contracts.document import Contract, load_contract, parse_contract

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "contracts").rglob("*.yaml"))
NIK = "3524010101909001"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["nik"],
    "additionalProperties": False,
    "properties": {
        "nik": {"type": "string", "pattern": "^[0-9]{16}$", "maxLength": 16},
        "nama": {"type": "string", "maxLength": 100},
        "tanggal_lahir": {"type": "string", "format": "date"},
        "kode_wilayah": {"type": "string", "maxLength": 13},
        "jumlah": {"type": "integer"},
        "alamat": {
            "type": "object",
            "properties": {"jalan": {"type": "string"}, "kode_wilayah": {"type": "string"}},
        },
        "keluarga": {
            "type": "array",
            "items": {"type": "object", "properties": {"nik": {"type": "string"}, "nama": {"type": "string"}}},
        },
    },
}


def a_grant(**changes: Any) -> dict[str, Any]:
    return {
        "participant": "bapenda",
        "purpose": "pemutakhiran wajib pajak",
        "legal_basis": "PKS 470/12/2026",
        "until": "2027-12-31",
        **changes,
    }


def a_document(**changes: Any) -> dict[str, Any]:
    """A record contract about persons with one grant; a change to None takes the member away."""
    document = {
        "contract": "kependudukan.uji",
        "version": "1.0.0",
        "kind": "record",
        "title": "Penduduk rekaan",
        "owner": "dukcapil-lamongan",
        "classification": "personal",
        "key": "/nik",
        "schema": SCHEMA,
        "producers": ["dukcapil-lamongan"],
        "consumers": [a_grant()],
        "examples": [{"nik": NIK, "nama": "Siti Rekaan"}],
        **changes,
    }
    return {name: value for name, value in document.items() if value is not None}


def a_contract(**changes: Any) -> Contract:
    return parse_contract(a_document(**changes))


@cache
def shipped(path: Path) -> Contract:
    return load_contract(path)
