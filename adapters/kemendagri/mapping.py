"""Translates between the contracts' data and the registry's elements: reads leniently, writes strictly.

Source: public client code of regencies. Numbers lose their leading zeros. Key case and date form vary by installation.
A refusal hides in `content[0].RESPON`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from adapters.kemendagri.verdict import SAYING, Verdict, check_answers, is_found, read_code, read_verdict
from bus.kit import AgencyFault, Failure, add_unfit, read_list

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
_UNKNOWN_BLOOD = frozenset({"tidak tahu", "tidak diketahui"})
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)|(\d{1,2})[-/](\d{1,2})[-/](\d{4})(?!\d)", re.ASCII)
_MATCH = re.compile(
    r"(?P<no>tidak |tidak|tdk |tak |belum )?sesuai[ (\[:]*(?:(?P<score>\d{1,3})(?:[.,]\d{1,6})?)?[ %)\].]*", re.ASCII
)
_REGION_CODE = re.compile(r"[1-9][1-9](\.(0[1-9]|[1-9]\d)){2}\.[1-3]\d{3}", re.ASCII)
"""A kelurahan (1xxx), a desa (2xxx) or a desa adat (3xxx). A part of zeros is the registry's way to know none."""
_EXACT_IN_FLOAT: Final = 2**53
_IDENTIFIER: Final = 16
"""Digits of a NIK and of a nomor KK."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the registry.

    Attributes:
        verdict: the registry's judgement of the call.
        code: the RESPONSE_CODE; empty if there is none.
        content: the elements, with keys in capitals; empty if the answer has none.
        quota_left: calls left today, by the registry's count; None if it does not say.
    """

    verdict: Verdict
    code: str
    content: Content
    quota_left: int | None


def read_reply(answer: Any) -> Reply:
    """The registry's JSON answer, read leniently.

    Raises:
        AgencyFault: transient; the answer has neither an object nor a list of objects in `content`.
    """
    page = _capitalize(answer) if isinstance(answer, dict) else {}
    rows = _read_rows(page.get("CONTENT"))
    if rows is None or not all(isinstance(row, dict) for row in rows):
        raise AgencyFault(Failure.TRANSIENT, "Dukcapil answered JSON without content", status=200)
    # Some installations judge the call beside `content`.
    content = {name: page[name] for name in SAYING if name in page} | (_capitalize(rows[0]) if rows else {})
    left = _read_text(page, "QUOTALIMITER") or ""
    return Reply(
        read_verdict(content, _has_elements(content)),
        read_code(content),
        content,
        int(left) if left.isdecimal() and len(left) <= _COUNT_DIGITS else None,
    )


def _read_rows(content: Any) -> list[Any] | None:
    """The rows of `content`. Some installations give an object where a list is documented."""
    rows = read_list(content)
    return [content] if rows is None and isinstance(content, dict) and content else rows


def _has_elements(content: Content) -> bool:
    """Whether the content tells anything about a person: a NIK, its likeness, or another element."""
    if _read_digits(content, "NIK", _IDENTIFIER) or _read_match(content, "NIK"):
        return True
    return any(_read_text(content, name) for name in _KNOWN - {"NIK"})


def answer_lookup(reply: Reply, nik: str) -> dict[str, Any]:
    """The answer of `kependudukan.cari-nik`. The reply's verdict must not be a refusal (`make_refusal`).

    An element that the bus cannot read is absent, and `keterangan` names it.

    Raises:
        AgencyUnavailable: the reply is about another NIK.
    """
    if not is_found(reply.verdict):
        return {"ditemukan": False, "keterangan": reply.verdict.value}
    if _names_other_person(reply.content, nik):
        check_answers(Verdict.OTHER_PERSON, reply.code)
    answer: dict[str, Any] = {"ditemukan": True}
    fields = _read_fields(reply.content, nik)
    if fields.read.keys() - {"nik"} or _read_digits(reply.content, "NIK", _IDENTIFIER):
        answer["penduduk"] = fields.read
    return answer | _write_remark(reply.verdict, [f"/penduduk/{name}" for name in fields.unfit])


def answer_verification(reply: Reply) -> dict[str, Any]:
    """The answer of `kependudukan.verifikasi-nik`. The reply's verdict must not be a refusal (`make_refusal`).

    An element whose likeness the bus cannot read is absent, and `keterangan` names it.

    Raises:
        AgencyUnavailable: the reply judges no element, and says nothing else that is known.
    """
    judged = {name: judged for name in reply.content if (judged := _read_match(reply.content, name))}
    if not is_found(reply.verdict) or judged.get("NIK", {}).get("sesuai") is False:
        remark = Verdict.NOT_FOUND if is_found(reply.verdict) else reply.verdict
        return {"ditemukan": False, "kecocokan": {}, "keterangan": remark.value}
    if reply.verdict is Verdict.FOUND and not judged:
        check_answers(Verdict.UNKNOWN, reply.code)
    likeness = {ours: judged[theirs] for ours, theirs in _ELEMENTS.items() if theirs in judged}
    unfit = [ours for ours, theirs in _ELEMENTS.items() if theirs not in judged and _is_present(reply.content, theirs)]
    parts = [judged[part]["sesuai"] for part in _REGION if part in judged]
    if False in parts or len(parts) == len(_REGION):
        likeness["kode_wilayah"] = {"sesuai": all(parts)}
    elif any(_is_present(reply.content, part) for part in _REGION):
        # A part that nobody compared must not count as alike.
        unfit.append("kode_wilayah")
    found = {"ditemukan": True, "kecocokan": likeness}
    return found | _write_remark(reply.verdict, [f"/kecocokan/{name}" for name in unfit])


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

    An element that the bus cannot read is absent too, so that the rest of the record stays valid.

    Args:
        content: the registry's elements.
        nik: the NIK of the question, for content without one.
    """
    return _read_fields(content, nik).read


@dataclass(frozen=True, slots=True)
class _Fields:
    """What the bus read of the elements.

    Attributes:
        read: the resident's fields.
        unfit: paths of fields whose element the registry sent, and the bus cannot read.
    """

    read: dict[str, Any]
    unfit: list[str]


def _read_fields(content: Content, nik: str) -> _Fields:
    fields: dict[str, Any] = {ours: read(content, theirs) for ours, (theirs, read) in _READERS.items()}
    unfit = [ours for ours, (theirs, _) in _READERS.items() if fields[ours] is None and _is_told(content, theirs)]
    fields["nik"] = _read_digits(content, "NIK", _IDENTIFIER) or nik
    fields["alamat"], odd = _read_address(content)
    order = ("nik", *_READERS, "alamat")
    return _Fields(_drop_absent({name: fields[name] for name in order}), [*unfit, *odd])


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


def _write_remark(verdict: Verdict, unfit: Sequence[str]) -> dict[str, str]:
    remark = add_unfit("" if verdict is Verdict.FOUND else verdict.value, unfit)
    return {"keterangan": remark} if remark else {}


def _drop_absent(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _read_text(content: Content, name: str) -> str | None:
    """The element's text without padding; None if the element is absent, empty, `-` or no text or number."""
    value = content.get(name)
    if value is None or isinstance(value, bool | dict | list):
        return None
    text = str(value).replace("\u00a0", " ").strip()
    return None if text in ("", "-") else text


def _is_present(content: Content, name: str) -> bool:
    """Whether the registry sent an element, readable or not."""
    return _read_text(content, name) is not None or isinstance(content.get(name), bool | dict | list)


def _is_told(content: Content, name: str) -> bool:
    """Whether the registry sent an element that says something."""
    text = (_read_text(content, name) or "").casefold()
    return _is_present(content, name) and not (name == "GOL_DARAH" and text in _UNKNOWN_BLOOD)


def _names_other_person(content: Content, nik: str) -> bool:
    """Whether the elements have another NIK than the question.

    A registry that writes numbers as floats rounds a NIK from 2^53 up to its neighbour.
    """
    found = _read_digits(content, "NIK", _IDENTIFIER)
    if found is None or found == nik:
        return False
    is_rounded = isinstance(content["NIK"], int | float | Decimal) and int(found) > _EXACT_IN_FLOAT
    return not (is_rounded and abs(int(found) - int(nik)) == 1)


def _read_digits(content: Content, name: str, width: int) -> str | None:
    """A number of `width` digits, with the leading zeros that it lost as a JSON number; None if unreadable.

    An identifier of zeros alone is unreadable: registers write so that they know none.
    """
    text = _read_text(content, name)
    if not text or not text.isascii() or not text.isdecimal() or len(text) > width:
        return None
    return None if width == _IDENTIFIER and not text.strip("0") else text.zfill(width)


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


def _read_blood_type(content: Content, name: str) -> str | None:
    text = (_read_text(content, name) or "").upper().replace(" ", "")
    return text if _BLOOD.fullmatch(text) else None


def _read_address(content: Content) -> tuple[dict[str, str] | None, list[str]]:
    """The address, and the paths of its unfit fields; no address if the registry sends no village's code."""
    if not all(_is_present(content, part) for part in _REGION):
        return None, []
    parts = [_read_digits(content, name, width) or "" for name, width in zip(_REGION, _REGION_DIGITS, strict=True)]
    code = ".".join(parts)
    if not _REGION_CODE.fullmatch(code):
        return None, ["alamat/kode_wilayah"]
    address = {
        "jalan": _read_text(content, "ALAMAT"),
        "rt": _read_digits(content, "NO_RT", 3),
        "rw": _read_digits(content, "NO_RW", 3),
        "kode_wilayah": code,
        "desa": _read_text(content, "KEL_NAME"),
        "kecamatan": _read_text(content, "KEC_NAME"),
        "kabupaten": _read_text(content, "KAB_NAME"),
        "provinsi": _read_text(content, "PROP_NAME"),
        "kode_pos": _read_postcode(content),
    }
    numbers = {"rt": "NO_RT", "rw": "NO_RW"}
    unfit = [name for name, element in numbers.items() if address[name] is None and _is_present(content, element)]
    return _drop_absent(address), [f"alamat/{name}" for name in unfit]


def _read_postcode(content: Content) -> str | None:
    code = _read_digits(content, "KODE_POS", 5)
    return None if code == "00000" else code


def _read_match(content: Content, name: str) -> dict[str, Any] | None:
    """`Tidak Sesuai (59)` as `{"sesuai": False, "skor": 59}`. Blanks, letter case, `%` and decimals vary.

    A score loses its decimals, so that 89.6 does not become 90, from which on texts count as alike.
    """
    found = _MATCH.fullmatch(" ".join((_read_text(content, name) or "").casefold().split()))
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


def _make_word_reader(words: Sequence[str]) -> Callable[[Content, str], str | None]:
    return lambda content, name: _read_word(content, name, words)


_READERS: Mapping[str, tuple[str, Callable[[Content, str], str | None]]] = {
    "nomor_kk": ("NO_KK", lambda content, name: _read_digits(content, name, _IDENTIFIER)),
    "nama": ("NAMA_LGKP", _read_text),
    "tempat_lahir": ("TMPT_LHR", _read_text),
    "tanggal_lahir": ("TGL_LHR", _read_date),
    "jenis_kelamin": ("JENIS_KLMIN", _make_word_reader(_SEX)),
    "agama": ("AGAMA", _make_word_reader(_RELIGION)),
    "status_perkawinan": ("STATUS_KAWIN", _make_word_reader(_MARITAL)),
    "hubungan_keluarga": ("STAT_HBKEL", _make_word_reader(_ROLE)),
    "pendidikan": ("PDDK_AKH", _read_text),
    "pekerjaan": ("JENIS_PKRJN", _read_text),
    "golongan_darah": ("GOL_DARAH", _read_blood_type),
    "nama_ayah": ("NAMA_LGKP_AYAH", _read_text),
    "nama_ibu": ("NAMA_LGKP_IBU", _read_text),
    "status_ktp_el": ("EKTP_STATUS", _make_word_reader(_CARD)),
}
"""A resident's field to the registry's element and to what reads it; without the NIK and the address."""
_KNOWN: Final = frozenset(
    {"NIK", "ALAMAT", "NO_RT", "NO_RW", *_REGION, *_ELEMENTS.values(), *(element for element, _ in _READERS.values())}
)
"""The registry's elements that the bus reads."""
