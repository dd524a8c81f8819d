"""KRISNA's DAK rows as records of the contract `perencanaan.dak`, one budget year at a time.

Source: public clients of KRISNA, whose tables name the columns.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bus.kit import Row, Rows, digest, read_number, read_rows, read_rupiah

CONTRACT = "perencanaan.dak"

RENAMED = 2022
"""From this budget year on, the menu's column is `menu_kegiatan`. Before, it was `kegiatan`."""

TEXTS: Mapping[str, str] = {
    "bidang": "bidang",
    "subbidang": "sub_bidang",
    "satuan": "satuan",
    "lokasi": "lokasi",
    "catatan": "keterangan",
}
MONEY: Mapping[str, str] = {"nilai_usulan": "nilai_usulan", "nilai_disetujui": "nilai_rk"}


def read_turn(cursor: str | None) -> int:
    """The number of finished turns, which is the poll's cursor: the budget years take turns."""
    return int(json.loads(cursor)["number"]) if cursor else 0


def write_turn(turn: int) -> str:
    """The cursor after so many turns."""
    return json.dumps({"number": turn})


def read_year(entries: Iterable[Any], year: int) -> Rows:
    """All rows of a budget year.

    Args:
        entries: the entries of KRISNA's list, folded.
        year: the budget year.
    """
    nameless: Counter[str] = Counter()

    def read(entry: Mapping[str, Any]) -> Row:
        record = read_record(entry, year, nameless)
        return Row(record["kode_usulan"], record)

    def find_key(entry: Mapping[str, Any]) -> str:
        return make_key(entry, year, Counter())

    return Rows(f"/krisna/dak/{year}", read_rows(entries, read, find_key), is_whole=True)


def make_key(entry: Mapping[str, Any], year: int, nameless: Counter[str]) -> str:
    """The record's key: the year and KRISNA's id; of a row without an id, a digest.

    Args:
        entry: the row, folded.
        year: the budget year.
        nameless: counts the rows without an id, since several of them may say the same. The call adds to it.
    """
    if named := entry.get("id_detail_rincian"):
        return f"{year}-{named}"
    mark = digest(entry)
    nameless[mark] += 1
    return f"{year}-{mark}" if nameless[mark] == 1 else f"{year}-{mark}-{nameless[mark]}"


FIELDS = tuple(
    f"/{name}"
    for name in ("kode_usulan", "tahun", "jenis", "menu", "rincian", "opd", "volume", "status", *TEXTS, *MONEY)
)
"""The fields that `read_record` writes."""


def read_record(row: Mapping[str, Any], year: int, nameless: Counter[str]) -> dict[str, Any]:
    """A folded row as a record of the contract.

    Empty values are absent. An unreadable value stays as it is, so that the gate names it.

    Args:
        row: the row.
        year: the budget year.
        nameless: see `make_key`.
    """
    values: dict[str, Any] = {
        "kode_usulan": make_key(row, year, nameless),
        "tahun": year,
        "jenis": read_kind(row.get("jenis")),
        "menu": row.get("menu_kegiatan" if year >= RENAMED else "kegiatan"),
        "rincian": row.get("detail_rincian") or row.get("rincian"),
        "opd": read_proposers(row.get("pelaksana")),
        "volume": read_number(row.get("volume_rk")),
        "status": read_status(row.get("status_detail")),
        **{ours: row.get(theirs) for ours, theirs in TEXTS.items()},
        **{ours: read_rupiah(row.get(theirs)) for ours, theirs in MONEY.items()},
    }
    return {name: value for name, value in values.items() if value not in (None, "", "-")}


def read_kind(value: Any) -> str | None:
    """`fisik` or `nonfisik`, from words such as `DAK Fisik - Reguler` and `Non Fisik`; None for other words."""
    words = re.sub(r"[^a-z]", "", str(value or "").lower())
    if "nonfisik" in words:
        return "nonfisik"
    return "fisik" if "fisik" in words else None


def read_status(value: Any) -> str:
    """The contract's word for the assessment's result. A row without a result is `diusulkan`."""
    words = str(value or "").lower()
    if "belum" in words:
        return "diusulkan"
    if "tolak" in words or "tidak" in words:
        return "ditolak"
    if "setuju" in words:
        return "disetujui"
    return "dinilai" if "nilai" in words else "diusulkan"


def read_proposers(value: Any) -> str | None:
    """The names of the proposing offices, from a text, or a list of texts or of objects with a `nama`."""
    offices: Sequence[Any] = value if isinstance(value, list) else [value]
    names = [item.get("nama") if isinstance(item, dict) else item for item in offices]
    return ", ".join(str(name) for name in names if name) or None
