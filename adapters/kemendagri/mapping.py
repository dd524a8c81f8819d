"""Translates between the contracts' data and the registry's elements: reads leniently, writes strictly.

Source: public client code of regencies. Numbers lose their leading zeros. Key case and date form vary by installation.
A refusal hides in `content[0].RESPON`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from adapters.kemendagri.verdict import Verdict, is_found, read_verdict
from bus.kit import AgencyFault, Failure

Content = Mapping[str, Any]
"""The registry's `content[0]`, keys in capitals."""

TRESHOLD = "90"
"""Percent of likeness from which a text matches, as a string. The name is spelled as the registry spells it."""

_ELEMENTS: Mapping[str, str] = {
    "nomor_kk": "NO_KK",
    "nama": "NAMA_LGKP",
    "tempat_lahir": "TMPT_LHR",
    "tanggal_lahir": "TGL_LHR",
    "jenis_kelamin": "JENIS_KLMIN",
    "alamat": "ALAMAT",
    "rt": "NO_RT",
    "rw": "NO_RW",
    "agama": "AGAMA",
    "status_perkawinan": "STATUS_KAWIN",
    "pekerjaan": "JENIS_PKRJN",
    "nama_ibu": "NAMA_LGKP_IBU",
}
_REGION = ("NO_PROP", "NO_KAB", "NO_KEC", "NO_KEL")
_REGION_DIGITS = (2, 2, 2, 4)
_COUNT_DIGITS = 12
"""Most digits of a count of calls. Python reads no integer with some thousand digits."""

_RELIGION = ("islam", "kristen", "katolik", "hindu", "buddha", "khonghucu", "kepercayaan")
_SYNONYMS: Mapping[str, str] = {"katholik": "katolik", "budha": "buddha", "konghucu": "khonghucu"}
_MARITAL = ("belum kawin", "kawin", "cerai hidup", "cerai mati")
_SEX = ("laki-laki", "perempuan")
_ROLE = (
    "kepala keluarga",
    "suami",
    "istri",
    "anak",
    "menantu",
    "cucu",
    "orang tua",
    "mertua",
    "famili lain",
    "pembantu",
    "lainnya",
)
_CARD = ("belum rekam", "sudah rekam", "sudah cetak")
_BLOOD = re.compile(r"(A|B|AB|O)[+-]?")
_DATE = re.compile(r"(\d{4})[-/](\d{2})[-/](\d{2})|(\d{2})[-/](\d{2})[-/](\d{4})")
_MATCH = re.compile(r"(?P<no>tidak )?sesuai(?:\s*\((?P<score>\d{1,3})\))?")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the registry.

    Attributes:
        verdict: the registry's judgement of the call.
        content: the elements, with keys in capitals; empty if the answer has none.
        quota_left: calls left today, by the registry's count; None if it does not say.
    """

    verdict: Verdict
    content: Content
    quota_left: int | None


def read_reply(answer: Any) -> Reply:
    """The registry's JSON answer, read leniently.

    Raises:
        AgencyFault: transient; the answer has no list of objects in `content`.
    """
    rows = _capitalize(answer).get("CONTENT") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise AgencyFault(Failure.TRANSIENT, "Dukcapil answered JSON without content", status=200)
    content = _capitalize(rows[0]) if rows else {}
    left = _read_text(_capitalize(answer), "QUOTALIMITER") or ""
    return Reply(read_verdict(content), content, int(left) if left.isdecimal() and len(left) <= _COUNT_DIGITS else None)


def answer_lookup(reply: Reply, nik: str) -> dict[str, Any]:
    """The answer of `kependudukan.cari-nik`. The reply's verdict must not be a refusal (`make_refusal`)."""
    if not is_found(reply.verdict):
        return {"ditemukan": False, "keterangan": reply.verdict.value}
    answer: dict[str, Any] = {"ditemukan": True}
    if _read_text(reply.content, "NIK") or _read_text(reply.content, "NAMA_LGKP"):
        answer["penduduk"] = read_penduduk(reply.content, nik)
    return answer | _write_remark(reply.verdict)


def answer_verification(reply: Reply) -> dict[str, Any]:
    """The answer of `kependudukan.verifikasi-nik`. The reply's verdict must not be a refusal (`make_refusal`)."""
    judged = {name: judged for name in reply.content if (judged := _read_match(reply.content, name))}
    if not is_found(reply.verdict) or judged.get("NIK", {}).get("sesuai") is False:
        remark = Verdict.NOT_FOUND if is_found(reply.verdict) else reply.verdict
        return {"ditemukan": False, "kecocokan": {}, "keterangan": remark.value}
    likeness = {ours: judged[theirs] for ours, theirs in _ELEMENTS.items() if theirs in judged}
    region = [judged[part]["sesuai"] for part in _REGION if part in judged]
    if region:
        likeness["kode_wilayah"] = {"sesuai": all(region)}
    return {"ditemukan": True, "kecocokan": likeness} | _write_remark(reply.verdict)


def write_elements(question: Mapping[str, str]) -> dict[str, str]:
    """The elements of CALL_VERIFY_BY_ELEMEN for a question of `kependudukan.verifikasi-nik`."""
    elements = {"TRESHOLD": TRESHOLD, "NIK": question["nik"]}
    for ours, theirs in _ELEMENTS.items():
        if ours in question:
            elements[theirs] = _write_element(ours, question[ours])
    if "kode_wilayah" in question:
        parts = question["kode_wilayah"].split(".")
        elements |= {name: str(int(part)) for name, part in zip(_REGION, parts, strict=True)}
    return elements


def read_penduduk(content: Content, nik: str) -> dict[str, Any]:
    """A resident as a record of `kependudukan.penduduk`. Elements that the registry does not send are absent.

    A word outside the contract's closed lists is absent too, so that the rest of the record stays valid.

    Args:
        content: the registry's elements.
        nik: the NIK of the question, for content without one.
    """
    fields = {
        "nik": _read_digits(content, "NIK", 16) or nik,
        "nomor_kk": _read_digits(content, "NO_KK", 16),
        "nama": _read_text(content, "NAMA_LGKP"),
        "tempat_lahir": _read_text(content, "TMPT_LHR"),
        "tanggal_lahir": _read_date(content, "TGL_LHR"),
        "jenis_kelamin": _read_word(content, "JENIS_KLMIN", _SEX),
        "agama": _read_word(content, "AGAMA", _RELIGION),
        "status_perkawinan": _read_word(content, "STATUS_KAWIN", _MARITAL),
        "hubungan_keluarga": _read_word(content, "STAT_HBKEL", _ROLE),
        "pendidikan": _read_text(content, "PDDK_AKH"),
        "pekerjaan": _read_text(content, "JENIS_PKRJN"),
        "golongan_darah": _read_blood_type(content),
        "alamat": _read_address(content),
        "nama_ayah": _read_text(content, "NAMA_LGKP_AYAH"),
        "nama_ibu": _read_text(content, "NAMA_LGKP_IBU"),
        "status_ktp_el": _read_word(content, "EKTP_STATUS", _CARD),
    }
    return _drop_absent(fields)


def write_usage(records: Sequence[Mapping[str, str]], id_lembaga: str, nama_lembaga: str) -> list[dict[str, Any]]:
    """Usage data (data balikan), grouped by the office that looked a NIK up, then by NIK.

    The agreement is the regency's. So every group has the regency's number, and the name tells the office.
    """
    groups: dict[str, dict[str, list[dict[str, str]]]] = {}
    for record in records:
        params = groups.setdefault(record["lembaga"], {}).setdefault(record["nik"], [])
        param = {"CUSTOMER_ID": record["id_pelanggan"]}
        if param not in params:
            params.append(param)
    return [
        {
            "id_lembaga": id_lembaga,
            "nama_lembaga": f"{nama_lembaga} - {office}",
            "data": [{"NIK": nik, "param": params} for nik, params in people.items()],
        }
        for office, people in groups.items()
    ]


def _capitalize(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name.strip().upper(): value for name, value in row.items()}


def _write_remark(verdict: Verdict) -> dict[str, str]:
    return {} if verdict is Verdict.FOUND else {"keterangan": verdict.value}


def _drop_absent(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _read_text(content: Content, name: str) -> str | None:
    """The element's text without padding; None if the element is absent, empty or `-`."""
    value = content.get(name)
    if value is None or isinstance(value, bool | dict | list):
        return None
    text = str(value).strip()
    return None if text in ("", "-") else text


def _read_digits(content: Content, name: str, width: int) -> str | None:
    """A number of `width` digits, with the leading zeros that it lost as a JSON number; None if unreadable."""
    text = _read_text(content, name)
    return text.zfill(width) if text and text.isascii() and text.isdecimal() and len(text) <= width else None


def _read_date(content: Content, name: str) -> str | None:
    found = _DATE.match(_read_text(content, name) or "")
    if not found:
        return None
    year, month, day, day_first, month_then, year_last = found.groups()
    try:
        return date(int(year or year_last), int(month or month_then), int(day or day_first)).isoformat()
    except ValueError:  # such as 31 February, which old registers have
        return None


def _read_word(content: Content, name: str, words: Sequence[str]) -> str | None:
    """The word of the contract's list that begins the registry's wording: `kawin` for `KAWIN TERCATAT`."""
    text = " ".join((_read_text(content, name) or "").casefold().split())
    text = _SYNONYMS.get(text, text)
    return next((word for word in words if text == word or text.startswith(f"{word} ")), None)


def _read_blood_type(content: Content) -> str | None:
    text = (_read_text(content, "GOL_DARAH") or "").upper().replace(" ", "")
    return text if _BLOOD.fullmatch(text) else None


def _read_address(content: Content) -> dict[str, str] | None:
    parts = [_read_digits(content, name, width) for name, width in zip(_REGION, _REGION_DIGITS, strict=True)]
    code = [part for part in parts if part is not None]
    if len(code) < len(_REGION):
        return None
    address = {
        "jalan": _read_text(content, "ALAMAT"),
        "rt": _read_digits(content, "NO_RT", 3),
        "rw": _read_digits(content, "NO_RW", 3),
        "kode_wilayah": ".".join(code),
        "desa": _read_text(content, "KEL_NAME"),
        "kecamatan": _read_text(content, "KEC_NAME"),
        "kabupaten": _read_text(content, "KAB_NAME"),
        "provinsi": _read_text(content, "PROP_NAME"),
        "kode_pos": _read_postcode(content),
    }
    return _drop_absent(address)


def _read_postcode(content: Content) -> str | None:
    code = _read_digits(content, "KODE_POS", 5)
    return None if code == "00000" else code


def _read_match(content: Content, name: str) -> dict[str, Any] | None:
    """`Tidak Sesuai (59)` as `{"sesuai": False, "skor": 59}`."""
    found = _MATCH.fullmatch((_read_text(content, name) or "").casefold())
    if not found:
        return None
    judged: dict[str, Any] = {"sesuai": not found["no"]}
    if found["score"]:
        judged["skor"] = min(int(found["score"]), 100)
    return judged


def _write_element(name: str, value: str) -> str:
    """A value in the registry's form: capitals, dates as `dd-mm-yyyy`, RT and RW without leading zeros."""
    if name == "tanggal_lahir":
        year, month, day = value.split("-")
        return f"{day}-{month}-{year}"
    if name in ("rt", "rw"):
        return str(int(value))
    return value.upper()
