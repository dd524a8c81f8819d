"""KRISNA's DAK rows as records of the contract `perencanaan.dak`, and what changed since the last look.

Source: public clients of KRISNA, whose tables name the columns. KRISNA gives every row of a year each time; the cursor
remembers a digest of each, so that new, changed and vanished rows alone become events.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

from bus.adapter import AgencyFault, Failure, canonical
from bus.event import Event

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
class Memory:
    """What the last steps of the poll saw; the poll's cursor is its text.

    Attributes:
        step: how many steps there were.
        digests: of each budget year, the digest of each row by its key.
    """

    step: int = 0
    digests: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def text(self) -> str:
        """As the bus keeps it."""
        return json.dumps({"step": self.step, "digests": self.digests}, separators=(",", ":"))


def memory(cursor: str | None) -> Memory:
    """The memory that a cursor holds."""
    return Memory(**json.loads(cursor)) if cursor else Memory()


def next_look(before: Memory, year: int, rows: Iterable[Mapping[str, Any]]) -> tuple[list[Event], Memory]:
    """The events of what is new, changed or gone in a year's rows, and the memory after them.

    The step is in the events' ids: a row that changes back is news again, while a step repeated after a crash is a
    duplicate.

    Raises:
        AgencyFault: no rows where there were some, which is more likely an accident than an empty budget.
    """
    records = {item["kode_usulan"]: item for item in (record(row, year) for row in rows)}
    known = before.digests.get(str(year), {})
    if known and not records:
        raise AgencyFault(
            Failure.TRANSIENT, f"KRISNA gives no rows of {year}, where it had {len(known)}; none is deleted"
        )
    seen = {key: digest(item) for key, item in records.items()}
    changed = [_event(before.step, year, key, records[key], seen[key]) for key in seen if seen[key] != known.get(key)]
    gone = [_event(before.step, year, key, None, "gone") for key in known if key not in seen]
    return changed + gone, Memory(before.step + 1, {**before.digests, str(year): seen})


def _event(step: int, year: int, key: str, data: Mapping[str, Any] | None, mark: str) -> Event:
    return Event(id=f"{key}:{mark}:{step}", source=f"/krisna/dak/{year}", type=CONTRACT, subject=key, data=data)


def digest(value: Any) -> str:
    """64 bits of SHA-256 of the value's canonical JSON."""
    return sha256(canonical(value)).hexdigest()[:16]


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


_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,10})?")


def number(value: Any) -> Any:
    """A number that may come as a string: `"12 "`, `"1.50000"`; a decimal comma is read too. Else the value itself."""
    text = str(value).strip().replace(",", ".")
    if not _NUMBER.fullmatch(text):
        return value
    exact = Decimal(text)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def whole(value: Any) -> Any:
    """Rupiah, which may come as a string with a fraction: `"296187500.00000"`. Else the value itself."""
    read = number(value)
    return round(read) if isinstance(read, float) else read


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
