"""Translates between SP4N-LAPOR! and the contracts `pengaduan.laporan` and `pengaduan.tindak-lanjut`.

The reporter's identity stays at LAPOR!. A record has a list of allowed fields only, and texts lose the reporter's names
and numbers.

Sources: public client code of regencies (complaints, followups); the words of LAPOR!'s older XML interface (anonim,
rahasia). Field names vary by installation.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from adapters.ksp.strike import Strike
from bus.kit import WIB, digest, read_rows
from bus.kit import Row as ReadRow

CONTRACT = "pengaduan.laporan"
SOURCE = "/ksp/lapor/complaints"

OFFICES: Mapping[str, str] = {
    "dukcapil-lamongan": "Dinas Kependudukan dan Pencatatan Sipil",
    "dpmptsp": "Dinas Penanaman Modal dan Pelayanan Terpadu Satu Pintu",
    "bapenda": "Badan Pendapatan Daerah",
    "dinkes": "Dinas Kesehatan",
    "dinsos": "Dinas Sosial",
    "dpupr": "Dinas Pekerjaan Umum dan Penataan Ruang",
    "bappeda": "Badan Perencanaan Pembangunan Daerah",
    "satpol-pp": "Satuan Polisi Pamong Praja",
    "dinas-kominfo": "Dinas Komunikasi dan Informatika",
}
"""The participants that answer complaints, each with its name at LAPOR!."""

_STATES: tuple[tuple[str, str], ...] = (
    ("belum", "baru"),
    ("tolak", "ditolak"),
    ("arsip", "ditolak"),
    ("selesai", "selesai"),
    ("proses", "diproses"),
    ("disposisi", "terverifikasi"),
    ("verifikasi", "terverifikasi"),
    ("baru", "baru"),
)
"""A word in LAPOR!'s wording to the contract's state.

The first word that occurs decides, so the order matters: `Belum Terverifikasi` is `baru`.
"""

_WRITTEN_STATES: Mapping[str, str] = {
    "terverifikasi": "Terverifikasi",
    "diproses": "Diproses",
    "selesai": "Selesai",
    "ditolak": "Ditolak",
}
_REPORTER = ("reporter", "pelapor")
_IDENTIFYING = ("name", "nama", "phone", "telepon", "telp", "hp", "email", "surel", "nik", "address", "alamat")
_LONGEST_FIGURE = 64
"""Most characters of a time or a coordinate, since parsers take long for a long text."""
_PLACES = 7
"""Digits after the point of a coordinate in degrees; the seventh is a centimetre on the ground."""
_LOCAL_TIMES = ("%Y-%m-%d %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M", "%d-%m-%Y %H:%M")

Row = Mapping[str, Any]
"""A complaint or follow-up of LAPOR!, folded: keys in lower case, texts without padding."""


def find_entries(answer: Any) -> list[Any] | None:
    """The entries of a folded page: a list, or an object with a list in `data` or `results`. None if it is no page."""
    for _ in range(3):
        if isinstance(answer, dict):
            answer = answer.get("data", answer.get("results"))
    if not isinstance(answer, list):
        return None
    # An empty page ends a list: a page without anything readable is none.
    return answer if not answer or any(isinstance(entry, dict) for entry in answer) else None


@dataclass(frozen=True, slots=True)
class ComplaintPage:
    """A page of complaints.

    Attributes:
        rows: the complaints.
        mark: a digest of the page, which tells a repeated page.
    """

    rows: Sequence[ReadRow]
    mark: str


def read_complaints(entries: Sequence[Any]) -> ComplaintPage:
    """A page of complaints, from its entries, folded."""
    return ComplaintPage(read_rows(entries, _read_row, _find_number), digest(entries))


def _read_row(row: Row) -> ReadRow:
    data = read_complaint(row)
    changed = read_time(_find_first(row, "updated_at", "tanggal_pembaruan"))
    return ReadRow(data.get("nomor_laporan"), data, changed)


def _find_number(row: Row) -> str:
    return _read_text(_find_first(row, "tracking_id", "trackingid")).lstrip("#")


COMPLAINT_FIELDS = (
    "/nomor_laporan",
    "/judul",
    "/isi",
    "/kategori",
    "/status",
    "/waktu_lapor",
    "/instansi_tujuan",
    "/kode_wilayah",
    "/titik",
    "/anonim",
    "/rahasia",
    "/lampiran",
)
"""The fields that `read_complaint` writes."""
FOLLOWUP_FIELDS = ("/nomor_laporan", "/instansi", "/isi", "/status", "/waktu", "/lampiran")
"""The fields that `write_followup` reads, and the number of the complaint."""


def read_complaint(row: Row) -> dict[str, Any]:
    """A complaint as a record of the contract, without the reporter.

    Empty values are absent. An unreadable value stays as it is, so that the gate names it.
    """
    strike = Strike(_find_identity(row))
    content = strike.out(_read_text(_find_first(row, "content", "isi", "body")))
    reported = _find_first(row, "created_at", "tanggal")
    values = {
        "nomor_laporan": _find_number(row),
        "judul": strike.out(_read_text(_find_first(row, "title", "judul", "subject"))) or content[:100],
        "isi": content,
        "kategori": _read_name(_find_first(row, "category", "kategori")),
        "status": read_state(_read_name(_find_first(row, "status"))),
        "waktu_lapor": read_time(reported) or _read_text(reported),
        "instansi_tujuan": find_office(_read_name(_find_first(row, "institution", "instansi"))),
        "kode_wilayah": read_region(_find_first(row, "region_code", "kode_wilayah")),
        "titik": read_point(row),
        "anonim": _read_flag(_find_first(row, "is_anonymous", "anonim")),
        "rahasia": _read_flag(_find_first(row, "is_secret", "rahasia")),
        "lampiran": [
            link for link in _read_links(_find_first(row, "attachments", "lampiran")) if strike.out(link) == link
        ],
    }
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def write_followup(data: Mapping[str, Any]) -> dict[str, Any]:
    """A `pengaduan.tindak-lanjut` in LAPOR!'s form, with its time in WIB."""
    return {
        "institution": OFFICES.get(data["instansi"], data["instansi"]),
        "content": data["isi"],
        "status": _WRITTEN_STATES[data["status"]],
        "created_at": datetime.fromisoformat(data["waktu"]).astimezone(WIB).strftime("%Y-%m-%d %H:%M:%S"),
        "attachments": [{"url": link} for link in data.get("lampiran", [])],
    }


def mark_followup(body: Mapping[str, Any], reference: str) -> dict[str, Any]:
    """A follow-up with the event's reference below its text, since LAPOR! takes no id.

    Without a reference, nobody could tell a follow-up that was sent again from two follow-ups with the same words.
    """
    return {**body, "content": f"{body['content']}\n\n(Ref. {reference})"}


def read_followup_page(reference: str, entries: Sequence[Any]) -> "FollowupPage":
    """What a page of follow-ups, from its entries, says about the follow-up with this reference."""
    followups = [row for row in entries if isinstance(row, dict)]
    return FollowupPage(len(entries), digest(entries), has_followup(reference, followups))


@dataclass(frozen=True, slots=True)
class FollowupPage:
    """What the search for a follow-up remembers of a page.

    Attributes:
        rows: the number of follow-ups on the page.
        mark: a digest of the page, which tells a repeated page.
        has_it: whether the page has the follow-up.
    """

    rows: int
    mark: str
    has_it: bool


def has_followup(reference: str, followups: Iterable[Row]) -> bool:
    """Whether a follow-up with this reference is among the follow-ups."""
    return any(reference in _read_text(_find_first(row, "content", "isi")) for row in followups)


def read_state(wording: str) -> str:
    """The contract's word for a state of LAPOR!. An unknown state is returned as it is."""
    folded = wording.casefold()
    return next((ours for theirs, ours in _STATES if theirs in folded), wording)


def find_office(name: str) -> str | None:
    """The participant with an institution's name, such as `Dinas Kesehatan Kabupaten Lamongan`; None if unknown."""
    folded = " ".join(name.casefold().split())
    if folded in OFFICES:
        return folded
    return next((ours for ours, theirs in OFFICES.items() if folded.startswith(theirs.casefold())), None)


def read_region(code: Any) -> str | None:
    """A region code of Lamongan with dots, from `3524012001` or `35.24.01.2001`; None for another text."""
    digits = _read_text(code).replace(".", "")
    if not digits.startswith("3524") or not digits.isdecimal() or len(digits) not in (4, 6, 10):
        return None
    return ".".join(part for part in (digits[:2], digits[2:4], digits[4:6], digits[6:]) if part)


def read_time(written: Any) -> str | None:
    """A time in RFC 3339; None if it is unreadable. A time without a zone is in WIB."""
    text = _read_text(written)
    if len(text) > _LONGEST_FIGURE:
        return None
    for form in _LOCAL_TIMES:
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=WIB).isoformat()
    with suppress(ValueError):
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=WIB)).isoformat()
    return None


def read_point(row: Row) -> dict[str, Any] | None:
    """The complaint's place as GeoJSON; None if LAPOR! has no valid place."""
    try:
        longitude = _read_degrees(_find_first(row, "longitude", "lng"))
        latitude = _read_degrees(_find_first(row, "latitude", "lat"))
    except ValueError:
        return None
    if (longitude, latitude) == (0.0, 0.0) or not (abs(longitude) <= 180 and abs(latitude) <= 90):
        return None
    return {"type": "Point", "coordinates": [longitude, latitude]}


def _read_degrees(value: Any) -> float:
    """Degrees, from a number or a text with a point or a comma.

    Raises:
        ValueError: it is no number.
    """
    return round(float(_read_text(value)[:_LONGEST_FIGURE].replace(",", ".")), _PLACES)


def _find_identity(row: Row) -> Iterator[str]:
    """The reporter's names, numbers and addresses, from an object `reporter` or fields such as `reporter_name`."""
    for key, value in row.items():
        if not any(word in key for word in _REPORTER):
            continue
        if isinstance(value, dict):
            yield from (_read_text(part) for name, part in value.items() if any(word in name for word in _IDENTIFYING))
        elif key in _REPORTER or any(word in key for word in _IDENTIFYING):
            yield _read_text(value)


def _find_first(row: Row, *names: str) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _read_text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool) else ""


def _read_name(value: Any) -> str:
    """A text, or the name in an object such as `{"id": 3, "name": "Infrastruktur"}`."""
    return _read_text(_find_first(value, "name", "nama")) if isinstance(value, dict) else _read_text(value)


def _read_flag(value: Any) -> bool:
    """Whether the reporter asked for it. Anything but a clear no counts as yes: silence must not expose anybody."""
    return str(value).strip().casefold() not in ("0", "false", "tidak", "n", "no")


def _read_links(value: Any) -> list[str]:
    items = value if isinstance(value, list) else []
    links = [_read_text(_find_first(item, "url", "path") if isinstance(item, dict) else item) for item in items]
    return [link for link in links if link]
