"""The registry's judgement of a call: its RESPONSE_CODE table and its texts as one closed set.

Only what is known to mean found is found, and only what says not found in words is not found. Any other code or text is
`UNKNOWN`, and the query is refused.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, assert_never

from bus.kit import (
    AgencyRefused,
    AgencyUnavailable,
    QuotaExhausted,
    Refused,
    says_absent,
    says_denied,
    says_success,
    split_words,
)


class Verdict(Enum):
    """The registry's judgement. The value is the bus's wording in `keterangan` and in refusals."""

    FOUND = "data ditemukan"
    DECEASED = "data ditemukan, status meninggal dunia"
    DUPLICATE = "data ditemukan, status ganda"
    INACTIVE = "data ditemukan, status nonaktif"
    NOT_FOUND = "data tidak ditemukan"
    UNPROCESSABLE = "NIK tidak dapat diproses"
    NOT_A_NIK = "bukan format NIK"
    LOGIN_FAILED = "login gagal"
    IP_REFUSED = "alamat IP tidak sesuai atau tidak terdaftar"
    QUOTA_USED_UP = "kuota akses hari ini telah habis"
    OUTSIDE_HOURS = "di luar jam akses"
    INCOMPLETE = "parameter tidak lengkap"
    INSTITUTION_INACTIVE = "lembaga tidak aktif"
    USER_INACTIVE = "user ID tidak aktif"
    ACCESS_DENIED = "akses ditolak"
    OTHER_PERSON = "jawaban tentang NIK lain"
    UNKNOWN = "jawaban tidak dikenal"


_CODES: Mapping[str, Verdict] = {
    "01": Verdict.FOUND,
    "03": Verdict.LOGIN_FAILED,
    "04": Verdict.IP_REFUSED,
    "05": Verdict.QUOTA_USED_UP,
    "06": Verdict.OUTSIDE_HOURS,
    "07": Verdict.INCOMPLETE,
    "08": Verdict.UNPROCESSABLE,
    "09": Verdict.LOGIN_FAILED,
    "10": Verdict.IP_REFUSED,
    "11": Verdict.DECEASED,
    "12": Verdict.DUPLICATE,
    "13": Verdict.NOT_FOUND,
    "14": Verdict.INACTIVE,
    "15": Verdict.NOT_A_NIK,
    "16": Verdict.INSTITUTION_INACTIVE,
    "17": Verdict.USER_INACTIVE,
}
_SUCCESS_CODE: Final = "00"
"""Means success, but only beside elements."""
_TEXTS: Final = ("RESPON", "RESPONSE", "RESPON_DESC", "RESPONSE_DESC", "RESPONSE_MESSAGE", "MESSAGE", "PESAN")
SAYING: Final = frozenset({"RESPONSE_CODE", *_TEXTS})
"""The members that judge the call. All others are elements."""

_REFUSALS: tuple[tuple[frozenset[str], Verdict], ...] = tuple(
    (frozenset(words.split()), verdict)
    for words, verdict in (
        ("kuota habis", Verdict.QUOTA_USED_UP),
        ("kuota terlampaui", Verdict.QUOTA_USED_UP),
        ("kuota melebihi", Verdict.QUOTA_USED_UP),
        ("quota exceeded", Verdict.QUOTA_USED_UP),
        ("login gagal", Verdict.LOGIN_FAILED),
        ("ip tidak sesuai", Verdict.IP_REFUSED),
        ("ip tidak terdaftar", Verdict.IP_REFUSED),
        ("user tidak aktif", Verdict.USER_INACTIVE),
        ("user nonaktif", Verdict.USER_INACTIVE),
        ("lembaga tidak aktif", Verdict.INSTITUTION_INACTIVE),
        ("lembaga nonaktif", Verdict.INSTITUTION_INACTIVE),
        ("luar jam", Verdict.OUTSIDE_HOURS),
        ("bukan format nik", Verdict.NOT_A_NIK),
        ("format nik salah", Verdict.NOT_A_NIK),
        ("format nik tidak sesuai", Verdict.NOT_A_NIK),
        ("format nik tidak valid", Verdict.NOT_A_NIK),
        ("nik tidak dapat diproses", Verdict.UNPROCESSABLE),
        ("parameter tidak lengkap", Verdict.INCOMPLETE),
    )
)
"""Words of a text to its verdict, in any order, since texts vary by installation. The first row that fits decides."""
_THINGS: Final = frozenset({"nik", "penduduk", "kk", "kependudukan", "orang", "pusat", "nasional"})
"""Words for what a lookup asks for."""
_STATUS_WORDS: Final = frozenset(
    {"meninggal", "dunia", "wafat", "mati", "ganda", "duplikat", "aktif", "non", "nonaktif", "tidak"}
)
_FILLERS: Final = frozenset(
    {"data", "ditemukan", "status", "keterangan", "tercatat", "telah", "sudah", "dengan", "dan", "yang", "bersangkutan"}
)
_BESIDE_FOUND: Final = _THINGS | _STATUS_WORDS | _FILLERS
"""All words that a text may have to say found. Any other word could say the opposite."""
_INACTIVE = re.compile(r"\b(non|tidak) ?aktif\b")


def read_verdict(content: Mapping[str, Any], elements: bool | None = None) -> Verdict:
    """The judgement in `content[0]`: by the code if it is known, else by the texts.

    A success may have neither. Then the elements themselves are the answer.

    Args:
        content: the registry's elements, with keys in capitals.
        elements: whether the content has elements that the bus can read; None: whether it has any other member.
    """
    if elements is None:
        elements = any(value not in (None, "") for name, value in content.items() if name not in SAYING)
    code = read_code(content)
    told = _read_texts(content, elements=elements)
    known = _CODES.get(code)
    if known is not None:
        # A code that says found beside a text that says otherwise: nobody knows which of them is right.
        contradicts = is_found(known) and any(not is_found(one) and one is not Verdict.UNKNOWN for one in told)
        return Verdict.UNKNOWN if contradicts else known
    others = [one for one in told if not is_found(one)]
    if others:
        return next((one for one in others if one is not Verdict.UNKNOWN), Verdict.UNKNOWN)
    if code not in ("", _SUCCESS_CODE):
        return Verdict.UNKNOWN
    special = next((one for one in told if one is not Verdict.FOUND), None)
    if special is not None or told:
        return special or Verdict.FOUND
    return Verdict.FOUND if elements else Verdict.UNKNOWN


def read_code(content: Mapping[str, Any]) -> str:
    """The RESPONSE_CODE with two digits; empty if there is none. A code of another form becomes `?`."""
    value = content.get("RESPONSE_CODE")
    text = "" if value is None else str(value).strip()
    if not text:
        return ""
    return text.zfill(2) if text.isascii() and text.isdigit() and len(text) <= 4 else "?"


def _read_texts(content: Mapping[str, Any], *, elements: bool) -> list[Verdict]:
    texts = [content[name] for name in _TEXTS if content.get(name) not in (None, "")]
    return [_read_text(text, elements=elements) for text in texts]


def _read_text(text: Any, *, elements: bool) -> Verdict:
    words = split_words(text)
    known = frozenset(words)
    for wanted, verdict in _REFUSALS:
        if wanted <= known:
            return verdict
    if says_denied(text):
        return Verdict.ACCESS_DENIED
    if says_absent(text, _THINGS):
        return Verdict.NOT_FOUND
    if says_success(text) is True and elements:
        return Verdict.FOUND
    return _read_status(words) if known <= _BESIDE_FOUND else Verdict.UNKNOWN


def _read_status(words: list[str]) -> Verdict:
    """The verdict of a text that has no other words than a text about a found person."""
    known = frozenset(words)
    is_inactive = bool(_INACTIVE.search(" ".join(words)))
    if known & {"non", "tidak"} and not is_inactive:
        return Verdict.UNKNOWN
    if known & {"meninggal", "wafat", "mati"}:
        return Verdict.DECEASED
    if known & {"ganda", "duplikat"}:
        return Verdict.DUPLICATE
    if "ditemukan" not in known:
        return Verdict.UNKNOWN
    return Verdict.INACTIVE if is_inactive else Verdict.FOUND


def make_refusal(verdict: Verdict, code: str = "") -> Refused | None:
    """The bus's refusal of the query for this judgement; None if the judgement is an answer.

    Args:
        verdict: the judgement.
        code: the RESPONSE_CODE, which tells the operator what to ask the registry.
    """
    said = f"Dukcapil: {verdict.value}" + (f" (RESPONSE_CODE {code})" if code else "")
    match verdict:
        case Verdict.FOUND | Verdict.DECEASED | Verdict.DUPLICATE | Verdict.INACTIVE:
            return None
        case Verdict.NOT_FOUND | Verdict.UNPROCESSABLE | Verdict.NOT_A_NIK:
            return None
        case Verdict.QUOTA_USED_UP:
            return QuotaExhausted(f"Dukcapil: {verdict.value}; try again tomorrow")
        case Verdict.OUTSIDE_HOURS:
            return AgencyUnavailable(f"Dukcapil: {verdict.value}; try again later")
        case Verdict.UNKNOWN:
            return AgencyUnavailable(f"{said}; the operator has to ask Dukcapil what it means")
        case Verdict.OTHER_PERSON:
            return AgencyUnavailable(f"{said}; the operator has to tell Dukcapil")
        case Verdict.ACCESS_DENIED:
            return AgencyUnavailable(f"{said}; the operator has to look at the account's rights and the agreement")
        case Verdict.LOGIN_FAILED | Verdict.IP_REFUSED | Verdict.INSTITUTION_INACTIVE | Verdict.USER_INACTIVE:
            return AgencyRefused(f"Dukcapil: {verdict.value}; the operator has to mend the account")
        case Verdict.INCOMPLETE:
            return AgencyRefused(f"Dukcapil: {verdict.value}; the agreement asks for other elements")
        case _:
            assert_never(verdict)


def check_answers(verdict: Verdict, code: str = "") -> None:
    """Refuse a judgement that is no answer.

    Raises:
        Refused: see `make_refusal`.
    """
    refusal = make_refusal(verdict, code)
    if refusal:
        raise refusal


def is_found(verdict: Verdict) -> bool:
    """Whether the registry knows the NIK, whatever the person's status is."""
    return verdict in (Verdict.FOUND, Verdict.DECEASED, Verdict.DUPLICATE, Verdict.INACTIVE)
