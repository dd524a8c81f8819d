"""Between the contracts `pengaduan.laporan` and `pengaduan.tindak-lanjut` and what SP4N-LAPOR! writes.

Who reported is known to LAPOR! and stays there: a record is built from a list of allowed fields, and what the reporter is
called by is struck out of the texts as well. Source: public client code of regencies (complaints, followups), whose field
names vary by installation, and the words of LAPOR!'s older XML interface (anonim, rahasia).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from adapters.ksp.strike import Strike
from bus.kit import WIB, Event, canonical, digest

CONTRACT = "pengaduan.laporan"

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
"""The participants that answer complaints, by the names that LAPOR! has for them."""

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
"""The first word that occurs in LAPOR!'s wording decides, so order matters: `Belum Terverifikasi` is new."""

_WRITTEN_STATES: Mapping[str, str] = {
    "terverifikasi": "Terverifikasi",
    "diproses": "Diproses",
    "selesai": "Selesai",
    "ditolak": "Ditolak",
}
_REPORTER = ("reporter", "pelapor")
_IDENTIFYING = ("name", "nama", "phone", "telepon", "telp", "hp", "email", "surel", "nik", "address", "alamat")
_LONGEST_FIGURE = 64
_PLACES = 7
"""Of a coordinate in degrees; the seventh is a centimetre on the ground."""
"""Characters of a time or a coordinate that is read; its parsers take long for a long one."""
_LOCAL_TIMES = ("%Y-%m-%d %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M", "%d-%m-%Y %H:%M")

Row = Mapping[str, Any]
"""A complaint or follow-up of LAPOR!'s, folded: keys in small letters, texts without padding."""


def rows(answer: Any) -> list[Row] | None:
    """The rows of a folded page, which is a list or has one in `data` or `results`; None when it is no page."""
    for _ in range(3):
        if isinstance(answer, dict):
            answer = answer.get("data", answer.get("results"))
    if not isinstance(answer, list):
        return None
    return [row for row in answer if isinstance(row, dict)]


def event(row: Row) -> Event:
    """A complaint as an event. Its id follows from what it tells and when that was so: an unchanged row is a duplicate."""
    data = complaint(row)
    changed = moment(_first(row, "updated_at", "tanggal_pembaruan"))
    mark = sha256(canonical([data, changed])).hexdigest()[:16]
    number = data.get("nomor_laporan")
    return Event(
        id=f"{number or 'tanpa-nomor'}:{mark}",
        source="/ksp/lapor/complaints",
        type=CONTRACT,
        subject=number,
        time=changed,
        data=data,
    )


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
"""What `complaint` writes."""
FOLLOWUP_FIELDS = ("/nomor_laporan", "/instansi", "/isi", "/status", "/waktu", "/lampiran")
"""What `followup` reads, and the number of the complaint that it is sent to."""


def complaint(row: Row) -> dict[str, Any]:
    """A complaint in the shape of the contract, without who reported it.

    What is empty is left out; what cannot be read stays, for the gate to name it.
    """
    strike = Strike(_identity(row))
    content = strike.out(_text(_first(row, "content", "isi", "body")))
    reported = _first(row, "created_at", "tanggal")
    values = {
        "nomor_laporan": _text(_first(row, "tracking_id", "trackingid")).lstrip("#"),
        "judul": strike.out(_text(_first(row, "title", "judul", "subject"))) or content[:100],
        "isi": content,
        "kategori": _name(_first(row, "category", "kategori")),
        "status": state(_name(_first(row, "status"))),
        "waktu_lapor": moment(reported) or _text(reported),
        "instansi_tujuan": office(_name(_first(row, "institution", "instansi"))),
        "kode_wilayah": region(_first(row, "region_code", "kode_wilayah")),
        "titik": point(row),
        "anonim": _flag(_first(row, "is_anonymous", "anonim")),
        "rahasia": _flag(_first(row, "is_secret", "rahasia")),
        "lampiran": [link for link in _links(_first(row, "attachments", "lampiran")) if strike.out(link) == link],
    }
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def followup(data: Mapping[str, Any]) -> dict[str, Any]:
    """A `pengaduan.tindak-lanjut` in LAPOR!'s form, the time as its clock in WIB shows it."""
    return {
        "institution": OFFICES.get(data["instansi"], data["instansi"]),
        "content": data["isi"],
        "status": _WRITTEN_STATES[data["status"]],
        "created_at": datetime.fromisoformat(data["waktu"]).astimezone(WIB).strftime("%Y-%m-%d %H:%M:%S"),
        "attachments": [{"url": link} for link in data.get("lampiran", [])],
    }


def followup_page(body: Mapping[str, Any], followups: Sequence[Row]) -> "FollowupPage":
    """What a page of follow-ups tells of one follow-up."""
    return FollowupPage(len(followups), digest(followups), is_there(body, followups))


@dataclass(frozen=True, slots=True)
class FollowupPage:
    """What is kept of a page of follow-ups while the next one is read.

    Attributes:
        rows: how many follow-ups the page has.
        mark: the same for a page that an installation repeats.
        has_it: the follow-up that is looked for is among them.
    """

    rows: int
    mark: str
    has_it: bool


def is_there(body: Mapping[str, Any], followups: Iterable[Row]) -> bool:
    """Whether a complaint has this follow-up already: the same words with the same state.

    The time is not compared, for LAPOR! may put its own in its place.
    """

    def said(content: Any, status: Any) -> tuple[str, str]:
        return " ".join(_text(content).split()), state(_name(status))

    wanted = said(body["content"], body["status"])
    return any(said(_first(row, "content", "isi"), _first(row, "status")) == wanted for row in followups)


def state(wording: str) -> str:
    """The contract's word for a state of LAPOR!'s; what is not known stays as it is."""
    folded = wording.casefold()
    return next((ours for theirs, ours in _STATES if theirs in folded), wording)


def office(name: str) -> str | None:
    """The participant behind an institution's name, such as `Dinas Kesehatan Kabupaten Lamongan`; None for others."""
    folded = " ".join(name.casefold().split())
    if folded in OFFICES:
        return folded
    return next((ours for ours, theirs in OFFICES.items() if folded.startswith(theirs.casefold())), None)


def region(code: Any) -> str | None:
    """A region code of Lamongan with its dots, from `3524012001` or `35.24.01.2001`; None for anything else."""
    digits = _text(code).replace(".", "")
    if not digits.startswith("3524") or not digits.isdecimal() or len(digits) not in (4, 6, 10):
        return None
    return ".".join(part for part in (digits[:2], digits[2:4], digits[4:6], digits[6:]) if part)


def moment(written: Any) -> str | None:
    """A time in RFC 3339, or None when it cannot be read; one without a zone is WIB."""
    text = _text(written)
    if len(text) > _LONGEST_FIGURE:
        return None
    for form in _LOCAL_TIMES:
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=WIB).isoformat()
    with suppress(ValueError):
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=WIB)).isoformat()
    return None


def point(row: Row) -> dict[str, Any] | None:
    """Where it happened, as GeoJSON; None when LAPOR! does not say."""
    try:
        longitude = round(float(_text(_first(row, "longitude", "lng"))[:_LONGEST_FIGURE]), _PLACES)
        latitude = round(float(_text(_first(row, "latitude", "lat"))[:_LONGEST_FIGURE]), _PLACES)
    except ValueError:
        return None
    if (longitude, latitude) == (0.0, 0.0) or not (abs(longitude) <= 180 and abs(latitude) <= 90):
        return None
    return {"type": "Point", "coordinates": [longitude, latitude]}


def _identity(row: Row) -> Iterator[str]:
    """What identifies the reporter, wherever the row keeps it: below `reporter`, or as `reporter_name`."""
    for key, value in row.items():
        if not any(word in key for word in _REPORTER):
            continue
        if isinstance(value, dict):
            yield from (_text(part) for name, part in value.items() if any(word in name for word in _IDENTIFYING))
        elif key in _REPORTER or any(word in key for word in _IDENTIFYING):
            yield _text(value)


def _first(row: Row, *names: str) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool) else ""


def _name(value: Any) -> str:
    """A text, or the name in an object such as `{"id": 3, "name": "Infrastruktur"}`."""
    return _text(_first(value, "name", "nama")) if isinstance(value, dict) else _text(value)


def _flag(value: Any) -> bool:
    """Whether the reporter asked for it; unless LAPOR! says no, so: silence must not expose anybody."""
    return str(value).strip().casefold() not in ("0", "false", "tidak", "n", "no")


def _links(value: Any) -> list[str]:
    items = value if isinstance(value, list) else []
    links = [_text(_first(item, "url", "path") if isinstance(item, dict) else item) for item in items]
    return [link for link in links if link]
