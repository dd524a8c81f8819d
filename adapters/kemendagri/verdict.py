"""The registry's judgement of a call: its RESPONSE_CODE table and RESPON texts as one closed set."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, assert_never

from bus.kit import AgencyRefused, AgencyUnavailable, QuotaExhausted, Refused


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

_WORDS: tuple[tuple[tuple[str, ...], Verdict], ...] = (
    (("meninggal",), Verdict.DECEASED),
    (("ganda",), Verdict.DUPLICATE),
    (("tidak ditemukan",), Verdict.NOT_FOUND),
    (("kuota", "habis"), Verdict.QUOTA_USED_UP),
    (("login", "gagal"), Verdict.LOGIN_FAILED),
    (("ip", "tidak sesuai"), Verdict.IP_REFUSED),
    (("ip", "tidak terdaftar"), Verdict.IP_REFUSED),
    (("user", "tidak aktif"), Verdict.USER_INACTIVE),
    (("lembaga", "tidak aktif"), Verdict.INSTITUTION_INACTIVE),
    (("ditemukan", "aktif"), Verdict.INACTIVE),
    (("luar", "jam"), Verdict.OUTSIDE_HOURS),
    (("format", "nik"), Verdict.NOT_A_NIK),
    (("tidak dapat diproses",), Verdict.UNPROCESSABLE),
    (("tidak lengkap",), Verdict.INCOMPLETE),
    (("ditemukan",), Verdict.FOUND),
)
"""Words of a RESPON text to its verdict, since texts vary by installation.

The first row whose words all occur decides, so the order matters.
"""


def read_verdict(content: Mapping[str, Any]) -> Verdict:
    """The judgement in `content[0]`: by the code if the content has one, else by the text.

    A success may have neither. Then the elements themselves are the answer.

    Args:
        content: the registry's elements, with keys in capitals.
    """
    code = str(content.get("RESPONSE_CODE") or "").strip().zfill(2)
    if code in _CODES:
        return _CODES[code]
    text = " ".join(str(content.get("RESPON") or "").casefold().split())
    if not text:
        return Verdict.FOUND if content else Verdict.NOT_FOUND
    return next((meaning for words, meaning in _WORDS if all(word in text for word in words)), Verdict.UNKNOWN)


def make_refusal(verdict: Verdict) -> Refused | None:
    """The bus's refusal of the query for this judgement; None if the judgement is an answer."""
    match verdict:
        case Verdict.FOUND | Verdict.DECEASED | Verdict.DUPLICATE | Verdict.INACTIVE:
            return None
        case Verdict.NOT_FOUND | Verdict.UNPROCESSABLE | Verdict.NOT_A_NIK:
            return None
        case Verdict.QUOTA_USED_UP:
            return QuotaExhausted(f"Dukcapil: {verdict.value}; try again tomorrow")
        case Verdict.OUTSIDE_HOURS | Verdict.UNKNOWN:
            return AgencyUnavailable(f"Dukcapil: {verdict.value}; try again later")
        case Verdict.LOGIN_FAILED | Verdict.IP_REFUSED | Verdict.INSTITUTION_INACTIVE | Verdict.USER_INACTIVE:
            return AgencyRefused(f"Dukcapil: {verdict.value}; the operator has to mend the account")
        case Verdict.INCOMPLETE:
            return AgencyRefused(f"Dukcapil: {verdict.value}; the agreement asks for other elements")
        case _:
            assert_never(verdict)


def is_found(verdict: Verdict) -> bool:
    """Whether the registry knows the NIK, whatever the person's status is."""
    return verdict in (Verdict.FOUND, Verdict.DECEASED, Verdict.DUPLICATE, Verdict.INACTIVE)
