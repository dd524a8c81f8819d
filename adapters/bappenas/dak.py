"""KRISNA's DAK rows as records of the contract `perencanaan.dak`, one budget year at a time.

Source: public clients of KRISNA, whose tables name the columns.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bus.kit import Polled, digest, find_changes, round_decimal

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


@dataclass(frozen=True, slots=True)
class Turn:
    """The place of the poll: the budget years take turns. The poll's cursor is its text.

    Attributes:
        number: the number of finished turns.
        cursors: budget year to the cursor of the year's list.
    """

    number: int = 0
    cursors: Mapping[str, str | None] = field(default_factory=dict)

    def find_changes_of_year(self, year: int, rows: Iterable[Mapping[str, Any]], years: int) -> Polled:
        """One step of the poll: the changes in a year's rows. After the last of them, the next year has its turn.

        Args:
            year: the budget year.
            rows: all rows of the year, folded.
            years: the number of years that take turns. The poll pauses after all of them had a turn.

        Raises:
            AgencyFault: the list is empty and was not before.
        """
        records = {item["kode_usulan"]: item for item in (read_record(row, year) for row in rows)}
        seen = find_changes(self.cursors.get(str(year)), records, contract=CONTRACT, source=f"/krisna/dak/{year}")
        number = self.number + (0 if seen.more else 1)
        cursor = json.dumps({"number": number, "cursors": {**self.cursors, str(year): seen.cursor}})
        return Polled(seen.events, cursor, more=seen.more or number % years != 0)


def read_turn(cursor: str | None) -> Turn:
    """The place that a poll's cursor names; without a cursor, the beginning."""
    return Turn(**json.loads(cursor)) if cursor else Turn()


FIELDS = tuple(
    f"/{name}"
    for name in ("kode_usulan", "tahun", "jenis", "menu", "rincian", "opd", "volume", "status", *TEXTS, *MONEY)
)
"""The fields that `read_record` writes."""


def read_record(row: Mapping[str, Any], year: int) -> dict[str, Any]:
    """A folded row as a record of the contract.

    Empty values are absent. An unreadable value stays as it is, so that the gate names it.
    """
    values: dict[str, Any] = {
        "kode_usulan": f"{year}-{row.get('id_detail_rincian') or digest(row)}",
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


_PLACES = 10
"""Digits after the point of a number."""
_NUMBER = re.compile(rf"-?\d{{1,18}}(\.\d{{1,{_PLACES}}})?")


def read_number(value: Any) -> Any:
    """A number, also from a string such as `"12 "`, `"1.50000"` or `"1,5"`, or one that is too precise.

    An unreadable value is returned as it is.
    """
    exact = _read_decimal(value)
    if exact is None:
        return round_decimal(value, _PLACES)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def read_rupiah(value: Any) -> Any:
    """Whole rupiah, also from a string such as `"296187500.00000"`. An unreadable value is returned as it is."""
    exact = _read_decimal(value)
    return value if exact is None else round(exact)


def _read_decimal(value: Any) -> Decimal | None:
    """The number that a value or its text is; None: it is no number."""
    text = str(round_decimal(value, _PLACES)).strip().replace(",", ".")
    return Decimal(text) if _NUMBER.fullmatch(text) else None


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
