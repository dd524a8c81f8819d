"""KRISNA's DAK rows as records of the contract `perencanaan.dak`, one budget year at a time.

Source: public clients of KRISNA, whose tables name the columns.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bus.kit import Polled, digest, find_changes, rounded

CONTRACT = "perencanaan.dak"

RENAMED = 2022
"""The first budget year whose rows call the menu `menu_kegiatan`; before, the column was `kegiatan`."""

TEXTS: Mapping[str, str] = {
    "bidang": "bidang",
    "subbidang": "sub_bidang",
    "satuan": "satuan",
    "lokasi": "lokasi",
    "catatan": "keterangan",
}
MONEY: Mapping[str, str] = {"nilai_usulan": "nilai_usulan", "nilai_disetujui": "nilai_rk"}


@dataclass(frozen=True, slots=True)
class Turn:
    """Where the poll is: the budget years take turns, each with what was seen of it. The poll's cursor is its text.

    Attributes:
        number: how many turns are over.
        cursors: of each year, the cursor of its list.
    """

    number: int = 0
    cursors: Mapping[str, str | None] = field(default_factory=dict)

    def look(self, year: int, rows: Iterable[Mapping[str, Any]], years: int) -> Polled:
        """One step: what is new in a year's rows; the turn goes on when there is no more of it.

        Args:
            years: how many years take turns; the poll rests when all of them had theirs.

        Raises:
            AgencyFault: no rows where there were some.
        """
        records = {item["kode_usulan"]: item for item in (record(row, year) for row in rows)}
        seen = find_changes(self.cursors.get(str(year)), records, contract=CONTRACT, source=f"/krisna/dak/{year}")
        number = self.number + (0 if seen.more else 1)
        cursor = json.dumps({"number": number, "cursors": {**self.cursors, str(year): seen.cursor}})
        return Polled(seen.events, cursor, more=seen.more or number % years != 0)


def turn(cursor: str | None) -> Turn:
    """Where a cursor says that the poll is."""
    return Turn(**json.loads(cursor)) if cursor else Turn()


FIELDS = tuple(
    f"/{name}"
    for name in ("kode_usulan", "tahun", "jenis", "menu", "rincian", "opd", "volume", "status", *TEXTS, *MONEY)
)
"""What `record` writes."""


def record(row: Mapping[str, Any], year: int) -> dict[str, Any]:
    """A folded row as the contract has it. What is empty is left out; what cannot be read stays, for the gate to name it."""
    values: dict[str, Any] = {
        "kode_usulan": f"{year}-{row.get('id_detail_rincian') or digest(row)}",
        "tahun": year,
        "jenis": kind(row.get("jenis")),
        "menu": row.get("menu_kegiatan" if year >= RENAMED else "kegiatan"),
        "rincian": row.get("detail_rincian") or row.get("rincian"),
        "opd": proposer(row.get("pelaksana")),
        "volume": number(row.get("volume_rk")),
        "status": status(row.get("status_detail")),
        **{ours: row.get(theirs) for ours, theirs in TEXTS.items()},
        **{ours: whole(row.get(theirs)) for ours, theirs in MONEY.items()},
    }
    return {name: value for name, value in values.items() if value not in (None, "", "-")}


_PLACES = 10
"""Digits after the point of a number."""
_NUMBER = re.compile(rf"-?\d{{1,18}}(\.\d{{1,{_PLACES}}})?")


def number(value: Any) -> Any:
    """A number that may come as a string, or too precise: `"12 "`, `"1.50000"`, `"1,5"`. Else the value itself."""
    exact = _read_number(value)
    if exact is None:
        return rounded(value, _PLACES)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def whole(value: Any) -> Any:
    """Rupiah, which may come as a string with a fraction: `"296187500.00000"`. Else the value itself."""
    exact = _read_number(value)
    return value if exact is None else round(exact)


def _read_number(value: Any) -> Decimal | None:
    """The number that a value or its text is; None: it is none."""
    text = str(rounded(value, _PLACES)).strip().replace(",", ".")
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def kind(value: Any) -> str | None:
    """Fisik or nonfisik, from such words as `DAK Fisik - Reguler` and `Non Fisik`."""
    words = re.sub(r"[^a-z]", "", str(value or "").lower())
    if "nonfisik" in words:
        return "nonfisik"
    return "fisik" if "fisik" in words else None


def status(value: Any) -> str:
    """The result of the assessment; a row without one yet has only been proposed."""
    words = str(value or "").lower()
    if "belum" in words:
        return "diusulkan"
    if "tolak" in words or "tidak" in words:
        return "ditolak"
    if "setuju" in words:
        return "disetujui"
    return "dinilai" if "nilai" in words else "diusulkan"


def proposer(value: Any) -> str | None:
    """The proposing offices: a text, or a list of texts or of objects with a `nama`."""
    offices: Sequence[Any] = value if isinstance(value, list) else [value]
    names = [item.get("nama") if isinstance(item, dict) else item for item in offices]
    return ", ".join(str(name) for name in names if name) or None
